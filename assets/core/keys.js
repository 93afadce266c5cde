/** The keyboard shortcuts. The keyboard can do everything that the mouse can do. */

import { ZOOM_STEP, showAll, zoomBy } from "../map/camera.js";
import { DIRECTIONS } from "../map/directions.js";
import { cancelShape, toggleTool } from "../map/lasso.js";
import { goTowards } from "../map/walk.js";
import * as filters from "../panel/filters.js";
import { close as closePanel } from "../panel/panel.js";
import { clear as clearSelection } from "../panel/selection.js";
import { cancel as cancelUpload } from "../panel/upload.js";
import { toggle as toggleHearing } from "../sound/hover.js";
import { toggleMute } from "../sound/player.js";
import { changeRepeat, next, previous } from "../sound/queue.js";
import { toggle as toggleSpectrogram } from "../sound/spectrogram.js";
import { playOrPause, select } from "./actions.js";
import { byId } from "./dom.js";
import { state } from "./state.js";

/** After Enter, the first search suggestion is looked for again up to this many times, at this interval. */
const SUGGESTION_ATTEMPTS = 10;
const SUGGESTION_RETRY_MS = 60;
/** Fields in which the user types. */
const TEXT_FIELDS = "input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable]";

/** @type {Object<string, () => void>} */
const ACTIONS = {
  " ": playOrPause,
  m: toggleMute,
  n: next,
  p: () => previous(),
  h: toggleHearing,
  r: changeRepeat,
  s: toggleSpectrogram,
  f: () => byId("filter-toggle").click(),
  l: () => toggleTool("lasso"),
  b: () => toggleTool("box"),
  "+": () => zoomBy(1 / ZOOM_STEP),
  "=": () => zoomBy(1 / ZOOM_STEP),
  "-": () => zoomBy(ZOOM_STEP),
  0: showAll,
  "/": () => byId("search").focus(),
  "?": () => byId("keys").showModal(),
};

export function mount() {
  const dialog = byId("keys");
  byId("help-open").addEventListener("click", () => dialog.showModal());
  byId("keys-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (/** @type {Event} */ event) => event.target === dialog && dialog.close());
  document.addEventListener("keydown", handle);
}

/** @param {KeyboardEvent} event */
function handle(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("notice") || !(target instanceof Element)) return;
  if (target.matches(TEXT_FIELDS)) return handleWhileTyping(key, /** @type {HTMLInputElement} */ (target));
  if (byId("keys").open) return;
  if (key === "Escape") return escape();
  const isArrow = key in DIRECTIONS;
  // Sliders, radio buttons, tabs and lists use the arrow keys themselves.
  if (isArrow && (target.matches("input, [role=tab], [role=slider]") || target.closest(".song-list"))) return;
  if (key === " " && target.matches("button, a, summary, input")) return;
  const action = isArrow ? () => goTowards(key) : actionOf(key);
  if (!action) return;
  event.preventDefault();
  action();
}

/** @param {string} key @param {HTMLInputElement} field */
function handleWhileTyping(key, field) {
  if (key === "Escape") {
    field.blur();
    if (filters.isOpen()) filters.toggle(false);
  }
  if (key === "Enter" && field.id === "search") pickFirstSuggestion(field, SUGGESTION_ATTEMPTS);
}

/** @param {string} key @returns {(() => void)|undefined} The action of a key. Capital and small letters do the same. */
export function actionOf(key) {
  return ACTIONS[key.length === 1 ? key.toLowerCase() : key];
}

/** Close what is open. If nothing is open, clear the selection. If nothing is selected, deselect the song. */
function escape() {
  if (state.isUploading) cancelUpload();
  else if (filters.isOpen()) filters.toggle(false);
  else if (state.tool || state.shape) cancelLasso();
  else if (state.isSpectrogramOpen) toggleSpectrogram();
  else if (state.chosen.length) clearSelection();
  else if (state.selected !== null || state.upload) {
    select(null);
    closePanel();
  }
}

/** Also a shape that is being drawn. */
function cancelLasso() {
  cancelShape();
  toggleTool(null);
}

/**
 * Click the first search suggestion, unless the user has highlighted one with the arrow keys. Suggestions come from the
 * server and may arrive after Enter is pressed: then try again.
 * @param {HTMLInputElement} field The search field.
 * @param {number} attempts How many more times to try.
 */
function pickFirstSuggestion(field, attempts) {
  if (document.querySelector("[role=option][data-combobox-selected]") || !field.value) return;
  const first = document.querySelector("[role=option]");
  if (first instanceof HTMLElement) first.click();
  else if (attempts > 0) setTimeout(() => pickFirstSuggestion(field, attempts - 1), SUGGESTION_RETRY_MS);
}
