/**
 * Inside: what is inside the selected song. It is a tab of the panel, and a wide card below the map. Both show the same song; what
 * is not visible is not loaded.
 */

import { playFrom } from "../core/actions.js";
import { getSong } from "../core/api.js";
import { byId, element, icon, setLabel } from "../core/dom.js";
import { state, subscribe, update } from "../core/state.js";
import { onEachFrame } from "../sound/audio.js";
import { toggle as toggleSpectrogram } from "../sound/spectrogram.js";
import { getInside, getMatrix, getPeaks } from "./inside_requests.js";
import { InsideView } from "./inside_view.js";
import { showMoment } from "./moment.js";
import { goToSecond, secondNow } from "./playhead.js";

/** @typedef {import("./inside_view.js").Shown} Shown */
/** @typedef {import("./matrix.js").Levels} Levels */

/** @type {InsideView} */
let inPanel;
/** @type {InsideView} */
let inCard;
/** @type {HTMLElement} */
let wideButton;
/** What is shown; null while no song is. @type {Shown|null} */
let shown = null;
/** The matrix of the song that is shown; null until it is loaded. @type {Levels|null} */
let levels = null;
/** Names the selection and the map for which a song is shown or being loaded; empty if that failed. */
let shownKey = "";
/** What the library knew when the song was loaded: it changes at the end of an index run. */
let shownChanges = "";
/** Cancels the requests for the song that was shown before. */
let request = new AbortController();

export function mount() {
  wideButton = element("button", "button quiet inside-wide-button", null, { type: "button", "aria-controls": "inside-wide", "aria-expanded": "false" });
  wideButton.append(icon("wide"), element("span", "", "Open wide"));
  wideButton.addEventListener("click", toggle);
  byId("inside-close").addEventListener("click", toggle);
  const actions = { playFrom: playSelectedFrom, seek: goToSecond, hold: showSelectedMoment };
  inPanel = new InsideView({ actions, wideButton, onMatrix: showMatrix });
  inCard = new InsideView({ actions, wideButton: null });
  byId("panel-inside").append(inPanel.element);
  byId("inside-body").append(inCard.element);
  new MutationObserver(() => [inPanel, inCard].forEach((view) => view.paint())).observe(document.documentElement, {
    attributeFilter: ["data-mantine-color-scheme"],
  });
  subscribe(["selected", "selections", "map", "panelTab", "isPanelOpen", "isInsideOpen", "upload", "isUploading"], follow);
  subscribe(["serverAnswers"], () => state.serverAnswers && follow());
  subscribe(["isIndexing"], () => state.isIndexing || loadAgain());
  subscribe(["isSpectrogramOpen"], () => state.isSpectrogramOpen && state.isInsideOpen && toggle());
  subscribe(["isInsideOpen"], () => state.isInsideOpen && showMatrix());
  subscribe(["playing", "song"], showPosition);
  onEachFrame(showPosition);
  follow();
}

/** @param {number} seconds Light the songs that sound like this second of the song that is shown. */
function showSelectedMoment(seconds) {
  if (state.selected !== null && !inPanel.element.ariaBusy) showMoment(state.selected, seconds);
}

/** Open or close the wide card. Only one card lies below the map. */
export function toggle() {
  const isOpen = !state.isInsideOpen;
  if (isOpen && state.isSpectrogramOpen) toggleSpectrogram();
  byId("inside-wide").hidden = !isOpen;
  document.querySelector(".page")?.classList.toggle("inside-open", isOpen);
  wideButton.setAttribute("aria-expanded", String(isOpen));
  setLabel(wideButton, isOpen ? "Close the wide view (i)" : "Open wide (i)");
  const label = wideButton.lastElementChild;
  if (label) label.textContent = isOpen ? "Close the wide view" : "Open wide";
  // Last: the map measures the card.
  update({ isInsideOpen: isOpen });
}

/** @returns {boolean} Whether the user sees the inside of a song. */
function isVisible() {
  return state.isInsideOpen || (state.isPanelOpen && state.panelTab === "inside");
}

/** Show the selected song, unless it is shown already. */
function follow() {
  if (!isVisible()) return;
  const { selected, selections, map } = state;
  const key = `${map?.meta.revision} ${map?.meta.order} ${selected} ${selections}`;
  if (selected === null) return showNoSong();
  const isNews = shownChanges !== (map?.meta.changes ?? "");
  shownChanges = map?.meta.changes ?? "";
  if (key === shownKey) return void (isNews && loadAgain());
  const isOther = !shownKey.endsWith(` ${selections}`);
  shownKey = key;
  request.abort();
  request = new AbortController();
  load(selected, isOther, request.signal);
}

/** An index run may have found out what is not known of the song that is shown. Until the answer is there, the song stays as it is. */
function loadAgain() {
  if (!shown || inPanel.element.ariaBusy || !shown.inside.advice) return;
  if (!isVisible() || state.selected === null) return void (shownKey = "");
  request.abort();
  request = new AbortController();
  load(state.selected, false, request.signal);
}

function showNoSong() {
  request.abort();
  shown = levels = null;
  shownKey = "";
  const isUpload = state.upload !== null || state.isUploading;
  const [title, text] = isUpload
    ? ["Not in the library", "Inside shows songs of the library. This song is only placed on the map."]
    : ["Nothing is selected", "Select a song to see what is inside it."];
  showText(title, text);
}

/** Show a sentence instead of a song. @param {string} title @param {string} text */
function showText(title, text) {
  for (const view of [inPanel, inCard]) {
    view.element.removeAttribute("aria-busy");
    view.showText(title, text);
  }
}

/** @param {number} index @param {boolean} isOther Whether another song was shown before. @param {AbortSignal} signal */
async function load(index, isOther, signal) {
  if (!shown) showText("Loading…", "");
  if (isOther) for (const view of [inPanel, inCard]) view.element.setAttribute("aria-busy", "true");
  try {
    const [song, inside] = await Promise.all([getSong(index), getInside(index, signal)]);
    if (signal.aborted) return;
    // The waveform of the same song stays, and so does its matrix, until the new ones are there.
    const peaks = isOther ? null : (shown?.peaks ?? null);
    if (isOther) levels = null;
    shown = { song, inside, peaks };
    showEverywhere();
    showMatrix();
    const newPeaks = song.gone_since ? null : await getPeaks(song.id, signal);
    if (signal.aborted || !newPeaks) return;
    shown = { song, inside, peaks: newPeaks };
    showEverywhere();
  } catch (error) {
    if (signal.aborted) return;
    shown = levels = null;
    shownKey = "";
    showText("This cannot be shown now", /** @type {Error} */ (error).message);
  }
}

function showEverywhere() {
  if (!shown) return;
  for (const view of [inPanel, inCard]) {
    view.element.removeAttribute("aria-busy");
    view.show(shown);
  }
  showPosition();
}

/** Load the matrix if the user sees it. */
async function showMatrix() {
  const { signal } = request;
  if (!shown?.inside.has_windows || state.selected === null || !(state.isInsideOpen || inPanel.wantsMatrix)) return;
  const { inside } = shown;
  if (!levels) {
    for (const view of [inPanel, inCard]) view.showMatrixNote("Loading…");
    try {
      const loaded = await getMatrix(state.selected, signal);
      if (signal.aborted) return;
      levels = loaded;
    } catch (error) {
      if (!signal.aborted) for (const view of [inPanel, inCard]) view.showMatrixNote(/** @type {Error} */ (error).message);
      return;
    }
  }
  for (const view of [inPanel, inCard]) view.showMatrix(inside, levels);
  showPosition();
}

/** @returns {boolean} Whether the player has the song that is shown. */
function isInPlayer() {
  return shown !== null && state.playing !== null && state.playing === state.selected && state.song !== null;
}

function showPosition() {
  if (!isVisible()) return;
  const seconds = isInPlayer() ? secondNow() : null;
  inPanel.showPosition(seconds);
  if (state.isInsideOpen) inCard.showPosition(seconds);
}

/** @param {number} seconds */
function playSelectedFrom(seconds) {
  // While another song loads, the pictures are those of the song before.
  if (state.selected !== null && !inPanel.element.ariaBusy) playFrom(state.selected, seconds);
}
