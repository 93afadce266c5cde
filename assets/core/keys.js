/** The keyboard shortcuts. The keyboard can do everything that the mouse can do. Escape's order is in escape.js. */

import { toggle as toggleInside } from "../inside/inside.js";
import { ZOOM_STEP, showAll, zoomBy } from "../map/camera.js";
import { DIRECTIONS } from "../map/directions.js";
import { cancelShape, toggleTool } from "../map/lasso.js";
import { goTowards } from "../map/walk.js";
import { closeMoment, showMomentNow } from "../inside/moment.js";
import * as filters from "../panel/filters.js";
import { close as closePanel, isWide } from "../panel/panel.js";
import { cancel as cancelUpload } from "../panel/upload.js";
import { toggle as toggleHearing } from "../sound/hover.js";
import { isPlaying, toggleMute } from "../sound/player.js";
import { changeRepeat, next, previous } from "../sound/queue.js";
import { toggle as toggleSpectrogram } from "../sound/spectrogram.js";
import { playOrPause } from "./actions.js";
import { announce, byId } from "./dom.js";
import { closeUppermost, onEscape } from "./escape.js";
import { TEXT_FIELDS, focusMap, openDialog } from "./focus.js";
import { state } from "./state.js";

/** Sliders, radio buttons, tabs, lists and menus use the arrow keys themselves. */
const USES_ARROWS = "input, [role=tab], [role=slider], [role^=menuitem], [role=option], .song-list *, .timeline-sections *";
/** Elements that Space presses. */
const USES_SPACE = "button, a, summary, input, [role=button], [role=switch], [role^=menuitem], [role=option]";

/** A key that is held repeats itself. Only these act again then: the others ask the server, or would turn something on and off. */
const REPEATING = new Set(["+", "=", "-"]);

/** Whether a list of suggestions was open when Escape was pressed: Mantine closes it before `handle` is called. */
let closesList = false;

/** @type {Object<string, () => void>} */
const ACTIONS = {
  " ": playOrPauseAloud,
  m: toggleMuteAloud,
  n: next,
  p: () => previous(),
  h: toggleHearing,
  r: changeRepeat,
  s: toggleSpectrogram,
  ".": showMomentNow,
  i: toggleInside,
  f: () => byId("filter-toggle").click(),
  l: () => toggleTool("lasso"),
  b: () => toggleTool("box"),
  "+": () => zoomBy(1 / ZOOM_STEP),
  "=": () => zoomBy(1 / ZOOM_STEP),
  "-": () => zoomBy(ZOOM_STEP),
  0: showAll,
  "/": () => byId("search").focus(),
  "?": () => openDialog(byId("keys")),
};

export function mount() {
  const dialog = byId("keys");
  byId("help-open").addEventListener("click", () => openDialog(dialog));
  byId("keys-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (/** @type {Event} */ event) => event.target === dialog && dialog.close());
  document.addEventListener("keydown", noteList, { capture: true });
  document.addEventListener("keydown", handle);
  onEscape(() => state.isUploading && !state.isUploadAside, cancelUpload, "upload");
  onEscape(filters.isOpen, () => filters.toggle(false), "filters");
  onEscape(() => state.tool !== null || state.shape !== null, cancelLasso, "tool");
  onEscape(() => state.isSpectrogramOpen, toggleSpectrogram, "spectrogram");
  onEscape(() => state.moment !== null, closeMoment, "moment");
  onEscape(() => state.isInsideOpen, toggleInside, "spectrogram");
  onEscape(() => state.isPanelOpen && !isWide(), closePanel, "panel");
}

/** @param {KeyboardEvent} event */
function noteList({ key, target }) {
  closesList = key === "Escape" && target instanceof Element && target.matches("[data-expanded], [aria-expanded=true][role=combobox]");
}

/** @param {KeyboardEvent} event */
function handle(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("notice") || !(target instanceof Element)) return;
  // The browser closes a dialog, and ends what an input method composes.
  if (document.querySelector("dialog[open]") || event.isComposing) return;
  if (key === "Escape") return escape(target);
  if (target.matches(TEXT_FIELDS)) return;
  const isArrow = key in DIRECTIONS;
  if (isArrow && target.matches(USES_ARROWS)) return;
  if (key === " " && target.matches(USES_SPACE)) return;
  const action = isArrow ? () => goTowards(key) : actionOf(key);
  if (!action) return;
  event.preventDefault();
  if (!event.repeat || mayRepeat(key)) action();
}

/** @param {string} key @returns {(() => void)|undefined} The action of a key. Capital and small letters do the same. */
export function actionOf(key) {
  return ACTIONS[key.length === 1 ? key.toLowerCase() : key];
}

/** @param {string} key @returns {boolean} Whether a key acts again and again while it is held. */
export function mayRepeat(key) {
  return REPEATING.has(key);
}

/** Close the list of suggestions, or else what is uppermost. From a field the focus then goes to the map. @param {Element} target */
function escape(target) {
  if (closesList) return;
  const isClosed = closeUppermost();
  if (!isClosed && target.matches(`${TEXT_FIELDS}, input[readonly]`)) focusMap();
}

/** Play or pause, and let screen readers say so: the button, which says it, does not have the focus. A song that begins says its title. */
function playOrPauseAloud() {
  const isSounding = state.previewed !== null || isPlaying();
  const isSilent = !isSounding && state.song !== null && state.sound === "paused";
  playOrPause();
  if (isSounding) announce("Paused");
  else if (isSilent) announce("Playing");
}

function toggleMuteAloud() {
  toggleMute();
  announce(state.isMuted ? "Muted" : "Sound on");
}

/** Also a shape that is being drawn. */
function cancelLasso() {
  cancelShape();
  toggleTool(null);
}
