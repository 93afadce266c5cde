/** The spectrogram of the song in the player, in a card of its own. */

import { fetchPatiently } from "../core/api.js";
import { byId, element, setLabel } from "../core/dom.js";
import { state, subscribe, update } from "../core/state.js";
import { audioElement, onEachFrame, seekTo } from "./audio.js";
import { colourAt, formatFrequency, picturedId, playedShare } from "./pictures.js";

/** @type {HTMLCanvasElement} */
let picture;
/** @type {HTMLElement} */
let playhead;
/** The song whose spectrogram is shown or being loaded. @type {string|null} */
let shownId = null;
/** Cancels the request for the song that was shown before: the server drops what nobody waits for. */
let request = new AbortController();

export function mount() {
  picture = byId("spectrogram-canvas");
  playhead = byId("spectrogram-head");
  byId("spectrum").addEventListener("click", toggle);
  byId("spectrogram-close").addEventListener("click", toggle);
  picture.addEventListener("click", (event) => seekTo(event.offsetX / picture.clientWidth));
  subscribe(["song"], showSong);
  onEachFrame(showPlayhead);
}

/** Open or close the card. */
export function toggle() {
  const isOpen = !state.isSpectrogramOpen;
  byId("spectrogram").hidden = !isOpen;
  document.querySelector(".page")?.classList.toggle("spectrogram-open", isOpen);
  byId("spectrum").setAttribute("aria-pressed", String(isOpen));
  setLabel(byId("spectrum"), isOpen ? "Hide the spectrogram (s)" : "Show the spectrogram (s)");
  if (isOpen) load();
  // Last: the map measures the card.
  update({ isSpectrogramOpen: isOpen });
}

function showSong() {
  const id = picturedId(state.song);
  if (id === shownId) return;
  shownId = id;
  request.abort();
  request = new AbortController();
  if (state.isSpectrogramOpen) load();
}

function showPlayhead() {
  if (state.isSpectrogramOpen) playhead.style.left = `${100 * playedShare(audioElement())}%`;
}

/** Load and paint the song's spectrogram. The server sends each level as one byte, and the size and ticks in headers. */
async function load() {
  const id = shownId;
  const note = byId("spectrogram-note");
  picture.width = 0;
  byId("spectrogram").dataset.shown = "";
  byId("spectrogram-scale").replaceChildren();
  if (id === null) {
    note.textContent = "Play a song from the library to see its spectrogram. This needs the song's file.";
    return;
  }
  note.textContent = "Computing the spectrogram…";
  try {
    const response = await fetchPatiently("spectrogram/" + encodeURIComponent(id), { signal: request.signal });
    if (shownId !== id) return;
    if (!response.ok) throw new Error(await response.text());
    const [rows, columns] = ["X-Rows", "X-Columns"].map((name) => Number(response.headers.get(name)));
    paint(new Uint8Array(await response.arrayBuffer()), rows, columns);
    showTicks(JSON.parse(response.headers.get("X-Ticks") ?? "{}"));
    note.textContent = "";
    byId("spectrogram").dataset.shown = id;
    showPlayhead();
  } catch (error) {
    if (shownId === id) note.textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {Uint8Array} levels Row by row, the highest frequency first. @param {number} rows @param {number} columns */
function paint(levels, rows, columns) {
  Object.assign(picture, { width: columns, height: rows });
  const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const image = context.createImageData(columns, rows);
  const colours = Array.from({ length: 256 }, (_, level) => colourAt(level / 255));
  for (let i = 0; i < levels.length; i++) image.data.set(colours[levels[i]], 4 * i);
  context.putImageData(image, 0, 0);
}

/**
 * Write some frequencies on the spectrogram's axis.
 * @param {Object<string, number>} ticks The height of each frequency (in Hz) as a fraction of the picture's height.
 */
function showTicks(ticks) {
  byId("spectrogram-scale").replaceChildren(
    ...Object.entries(ticks).map(([hz, fraction]) => {
      const label = element("span", "", formatFrequency(Number(hz)));
      label.style.bottom = `${100 * fraction}%`;
      return label;
    }),
  );
}
