/** The card on the right: its tabs, how it opens and closes, and the mark of the song that plays in its lists. */

import { byId } from "../core/dom.js";
import { state, subscribe, update } from "../core/state.js";
import { NARROW_PX } from "../map/camera.js";
import { isSoundOn } from "../sound/audio.js";
import { isFirstVisit } from "./welcome.js";

/** In a wider window the panel is open from the start. In a narrower one it takes room from the map, and is open only for a song. */
const WIDE_PX = 1100;
/** On a phone, the panel closes when it is pulled down by more than this. */
const SWIPE_PX = 48;

/** @type {any} */
let card;

export function mount() {
  card = byId("panel");
  byId("panel-close").addEventListener("click", () => close({ byUser: true }));
  byId("panel-open").addEventListener("click", open);
  card.addEventListener("click", (/** @type {any} */ { target }) => {
    const tab = target.closest("[role=tab]");
    if (tab) showTab(tab.dataset.tab);
  });
  card.addEventListener("keydown", onKey);
  enableSwipe();
  showTab("song");
  if (isWide() && !isClosedByUser() && !isFirstVisit()) setOpen(true);
  subscribe(["playing", "sound"], markRows);
  subscribe(["choices"], showSelection);
}

/** The arrow keys change the tab; after the last one comes the first. @param {any} event */
function onKey({ target, key }) {
  if (!target.matches("[role=tab]") || !/^Arrow(Left|Right)$/.test(key)) return;
  const tabs = [...card.querySelectorAll("[role=tab]")];
  const next = tabs.indexOf(target) + (key === "ArrowRight" ? 1 : tabs.length - 1);
  showTab(tabs[next % tabs.length].dataset.tab);
  byId(`tab-${card.dataset.tab}`).focus();
}

/** On a phone, close the panel when the user pulls its head down. */
function enableSwipe() {
  /** @type {number|null} */
  let startY = null;
  card.querySelector(".panel-head").addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => (startY = event.clientY));
  window.addEventListener("pointerup", (event) => {
    if (startY !== null && event.clientY - startY > SWIPE_PX && innerWidth <= NARROW_PX) close();
    startY = null;
  });
}

/** @returns {boolean} Whether the window has room for the panel beside the map. */
export function isWide() {
  return innerWidth > WIDE_PX;
}

function isClosedByUser() {
  return localStorage.getItem("panel") === "closed";
}

export function open() {
  localStorage.removeItem("panel");
  if (!state.isPanelOpen) setOpen(true);
}

/**
 * Close the panel.
 * @param {object} [options]
 * @param {boolean} [options.byUser] Whether the user closed it: then it stays closed, also on later visits. Otherwise the
 *   panel of a wide window is not closed.
 */
export function close({ byUser = false } = {}) {
  if (!state.isPanelOpen || (!byUser && isWide())) return;
  if (byUser) localStorage.setItem("panel", "closed");
  setOpen(false);
}

/** @param {boolean} isOpen */
function setOpen(isOpen) {
  // Subscribers measure the cards: the class changes first.
  document.querySelector(".page")?.classList.toggle("panel-open", isOpen);
  update({ isPanelOpen: isOpen });
}

/** @param {import("../core/types.js").State["panelTab"]} name The songs that sound like a moment cover the tab that was shown. */
export function showTab(name) {
  card.dataset.tab = name;
  byId("panel-moment").hidden = name !== "moment";
  for (const tab of card.querySelectorAll("[role=tab]")) {
    const isShown = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(isShown));
    if (name !== "moment") tab.tabIndex = isShown ? 0 : -1;
    byId(`panel-${tab.dataset.tab}`).hidden = !isShown;
  }
  update({ panelTab: name });
}

/**
 * Show the song, and open the panel unless the user has closed it in a wide window. A user who looks inside songs also sees the
 * inside of the next one.
 */
export function showSong() {
  if (state.panelTab !== "inside") showTab("song");
  if (!isClosedByUser() || !isWide()) open();
}

/** A lasso or box has chosen songs: show them. */
function showSelection() {
  if (!state.chosen.length) return;
  showTab("choice");
  open();
}

/** Mark the row of the song that plays, and show in each row whether its button plays or pauses. */
export function markRows() {
  for (const row of card.querySelectorAll(".song-row")) {
    const isMarked = state.playing !== null && Number(row.dataset.index) === state.playing;
    row.classList.toggle("playing", isMarked);
    if (isMarked) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    const pauses = isMarked && isSoundOn();
    const icon = row.querySelector(".row-play .icon");
    if (icon) icon.className = `icon icon-${pauses ? "pause" : "play"}`;
    const verb = row.querySelector(".row-verb");
    if (verb) verb.textContent = pauses ? "Pause " : "Play ";
  }
}
