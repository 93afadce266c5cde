/** Places a file from the user's computer on the map: the server computes its embedding and finds its neighbours. */

import { playUpload, select } from "../core/actions.js";
import { getSong, indexOf } from "../core/api.js";
import { announce, byId, element, icon, setProps } from "../core/dom.js";
import { dismiss, notify } from "../core/notices.js";
import { state, subscribe, update } from "../core/state.js";
import { flyToPlace } from "../map/camera.js";
import { uploadPlace } from "../map/overlays.js";
import { isHidden } from "../map/songs.js";
import { beginAtUpload } from "../map/walk.js";
import { open, showTab } from "./panel.js";
import { makeHeading, show as showSelected, showContent } from "./song_panel.js";
import { makeNeighbours } from "./song_rows.js";
import { abandon, keep, problemOf, readAgain, send } from "./upload_requests.js";

/** @typedef {import("../core/types.js").UploadedSong} UploadedSong */

/** The song that was added to the library and is not on the map yet. @type {{token: string, id: string, note: HTMLElement}|null} */
let kept = null;

const ACCEPTED = "audio/*,.flac,.opus,.ape,.wv,.wma,.m4a,.aiff,.ogg";

export function mount() {
  // Dash has a file field only inside its own upload component, so the page makes its own.
  const field = element("input", "", null, { type: "file", accept: ACCEPTED, id: "upload-file", hidden: "" });
  byId("drop").after(field);
  const button = byId("upload-button");
  update({ refusal: button.dataset.refusal || "" });
  button.addEventListener("click", () => field.click());
  field.addEventListener("change", () => {
    if (field.files[0]) placeFile(field.files[0]);
    field.value = "";
  });
  enableDrop();
  subscribe(["isUploading"], onCancelled);
  subscribe(["map"], showKept);
  const redraw = byId("redraw");
  new MutationObserver(() => redraw.dataset.phase === "failed" && tellNoPlace()).observe(redraw, { attributeFilter: ["data-phase"] });
}

/** Accept files that are dropped anywhere on the page. */
function enableDrop() {
  const hasFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  // When the pointer moves to a child element, it enters the child before it leaves the parent: count the elements that it
  // has entered and not left.
  let depth = 0;
  const show = (/** @type {boolean} */ isOver) => (byId("drop").hidden = !isOver || state.refusal !== "");
  window.addEventListener("dragenter", (event) => {
    if (!hasFile(event)) return;
    depth += 1;
    show(true);
  });
  window.addEventListener("dragleave", (event) => {
    if (!hasFile(event)) return;
    depth = Math.max(depth - 1, 0);
    if (!depth) show(false);
  });
  window.addEventListener("dragover", (event) => hasFile(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    depth = 0;
    show(false);
    const files = event.dataTransfer?.files ?? [];
    if (files.length > 1) notify("Only one song can be placed at a time. The first one is used.");
    if (files[0]) placeFile(files[0]);
  });
}

/**
 * Send a file to the server, wait for its embedding, and show the song on the map.
 * @param {File} file
 */
export async function placeFile(file) {
  if (document.getElementById("notice")) return;
  dismiss("upload");
  const problem = state.refusal || problemOf(file);
  if (problem) return fail(problem);
  cancel();
  update({ isUploading: true, isUploadAside: false });
  showWaiting(file.name, "Sending the file…");
  try {
    const song = await send(file, (text) => state.isUploadAside || showWaiting(file.name, text));
    if (song && state.isUploadAside) offerToShow(song);
    else if (song) showOnMap(song);
  } catch (error) {
    fail(/** @type {Error} */ (error).message);
  }
}

/** @param {string} name Of the file. @param {string} text */
function showWaiting(name, text) {
  showTab("song");
  open();
  const cover = element("div", "cover cover-waiting");
  cover.append(element("span", "spinner"));
  const button = element("button", "button quiet", "Cancel", { type: "button" });
  button.addEventListener("click", cancel);
  const actions = element("div", "panel-actions");
  actions.append(button);
  showContent(cover, element("h2", "panel-title", name), element("div", "panel-by", text, { role: "status" }), actions);
}

/** The user has gone on to another song: nothing changes until they ask for the uploaded one. @param {UploadedSong} song */
function offerToShow(song) {
  update({ isUploading: false, isUploadAside: false });
  // On a new map the songs that it sounds like have other indices: ask for them then.
  const run = () => readAgain(song.token).then(showOnMap, () => showOnMap(song));
  notify(`“${song.title}” is ready.`, { kind: "good", key: "upload", stays: true, action: { label: "Show it", run } });
}

/** Show the uploaded song on the map and in the panel, and play it. @param {UploadedSong} answer */
function showOnMap(answer) {
  const song = { ...answer, neighbours: answer.neighbours.filter(({ index }) => !isHidden(index)) };
  beginAtUpload(song);
  showUpload();
  const place = uploadPlace();
  if (place) flyToPlace(place);
  const [nearest] = song.neighbours;
  announce(`${song.title} was placed on the map${nearest ? ` next to ${nearest.title}` : ""}.`);
  playUpload();
}

/** Show the uploaded song in the panel. */
function showUpload() {
  const { upload } = state;
  if (!upload) return;
  const cover = element("div", "cover");
  cover.append(icon("upload"));
  const note = element("p", "panel-note", "This song is shown on the map. It is not in the library.");
  const actions = element("div", "panel-actions");
  const playButton = element("button", "button", "Play", { type: "button" });
  const addButton = element("button", "button quiet", "Add to the library", { type: "button" });
  playButton.addEventListener("click", playUpload);
  addButton.addEventListener("click", () => addToLibrary(upload, addButton, note));
  actions.append(playButton, addButton);
  showContent(cover, ...makeHeading(upload), note, actions, ...makeNeighbours(state.neighbours, upload.title));
}

/**
 * Add an uploaded song to the library: the server copies the file into the music folder and updates the map.
 * @param {UploadedSong} song @param {any} button @param {HTMLElement} note
 */
async function addToLibrary(song, button, note) {
  button.disabled = true;
  note.textContent = "Adding the song…";
  try {
    kept = { token: song.token, id: await keep(song.token), note };
    button.remove();
    note.textContent = "The song is in the library. The map is being updated…";
    setProps("redraw-timer", { disabled: false });
    // The library may have had the same file before.
    showKept();
  } catch (error) {
    button.disabled = false;
    note.textContent = /** @type {Error} */ (error).message;
  }
}

/** If the added song is on the map now, the panel and the player show it as the library has it. It plays on. */
async function showKept() {
  if (!kept || !state.map) return;
  const { token, id } = kept;
  const index = await indexOf(id).catch(() => null);
  const song = index === null ? null : await getSong(index).catch(() => null);
  if (index === null || !song || kept?.id !== id) return;
  kept = null;
  const isInPlayer = state.song !== null && "token" in state.song && state.song.token === token;
  if (isInPlayer) update({ song, playing: index, requested: index });
  if (state.upload?.token === token) select(index);
  notify(`“${song.title}” is on the map.`, { kind: "good" });
}

/** The map could not be made again. */
function tellNoPlace() {
  if (!kept) return;
  kept.note.textContent = "The song is in the library, but the map could not be updated.";
  kept = null;
}

/** @param {string} sentence Why a file cannot be placed. */
function fail(sentence) {
  const wasAside = state.isUploadAside;
  abandon();
  update({ isUploading: false, isUploadAside: false });
  notify(sentence, { kind: "error", key: "upload" });
  if (!wasAside) restorePanel();
}

/** An upload failed or was cancelled: show in the panel what it showed before. */
function restorePanel() {
  if (state.upload) showUpload();
  else showSelected();
}

/** Stop waiting for an upload. */
export function cancel() {
  update({ isUploading: false });
}

/** Somebody has cancelled the upload. */
function onCancelled() {
  if (state.isUploading || !abandon()) return;
  if (!state.isUploadAside) restorePanel();
  update({ isUploadAside: false });
}
