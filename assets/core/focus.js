/**
 * The keyboard's focus.
 *
 * - After a click with the mouse, the map has the focus: Space always pauses, and the arrow keys always walk. Fields in which
 *   the user types keep it.
 * - If the focused element is removed or hidden, its equal gets the focus, or else the nearest thing, or else the map.
 */

import { atPosition, canFocus, equalTo, nearestTo, placeOf } from "./focus_rules.js";
import { subscribe } from "./state.js";

/** @typedef {import("./focus_rules.js").Place} Place */

/** Fields in which the user types, or that use most keys themselves. */
export const TEXT_FIELDS = "input:not([readonly], [type=range], [type=radio], [type=checkbox], [type=button], [type=file]), textarea, select, [contenteditable]";
/** A part of the page that is drawn anew is given this long to bring back the element that had the focus. */
const REDRAW_MS = 150;
/** For this long the focus still returns to an element that comes back, unless the user has gone on. */
const RETURN_MS = 4000;

/** Where the focus was last. @type {Place|null} */
let last = null;
/** An element that is gone and may come back; and what has the focus instead. @type {{place: Place, until: number, instead: Element|null}|null} */
let missing = null;
/** Whether the user's last action was one of the mouse, a pen or a finger. */
let usesPointer = false;
let lastKey = "";
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

export function mount() {
  const options = { capture: true };
  document.addEventListener("keydown", onKey, options);
  document.addEventListener("pointerdown", () => ((usesPointer = true), (missing = null)), options);
  // A tap clicks a moment after it has ended.
  document.addEventListener("pointerup", (event) => event.pointerType && setTimeout(leaveToMap), options);
  document.addEventListener("click", ({ detail }) => detail && setTimeout(leaveToMap), options);
  document.addEventListener("focusin", onFocus);
  document.addEventListener("focusout", ({ relatedTarget }) => relatedTarget || setTimeout(check));
  new MutationObserver(onChange).observe(document.body, {
    ...{ childList: true, subtree: true },
    ...{ attributes: true, attributeFilter: ["hidden", "disabled", "open"] },
  });
  subscribe(["isPanelOpen", "isSpectrogramOpen", "isInsideOpen"], () => requestAnimationFrame(() => check()));
}

/** Give the map the focus. */
export function focusMap() {
  const map = document.getElementById("map-frame");
  if (!map || document.getElementById("notice")) return;
  map.classList.toggle("ring", !usesPointer);
  map.focus({ preventScroll: true });
}

/** Open a modal dialog. When it closes, the browser gives the focus back: after a click with the mouse, to the map. @param {any} dialog */
export function openDialog(dialog) {
  if (usesPointer) focusMap();
  dialog.showModal();
}

/** @param {KeyboardEvent} event */
function onKey({ key }) {
  usesPointer = false;
  lastKey = key;
  // The user goes on from where the focus is now.
  if (missing?.instead) missing = null;
}

/** @param {FocusEvent} event */
function onFocus({ target }) {
  if (!(target instanceof Element)) return;
  if (target.id === "map-frame") target.classList.toggle("ring", !usesPointer);
  if (missing && target !== missing.instead) missing = null;
  clearTimeout(timer);
  last = placeOf(target);
}

/** After a click with the mouse: the map gets the focus, unless the user types. */
function leaveToMap() {
  const { activeElement } = document;
  // An open list closes when its field loses the focus.
  if (!usesPointer || activeElement?.matches(`${TEXT_FIELDS}, [data-expanded]`) || activeElement?.closest("dialog[open]")) return;
  focusMap();
}

/** @param {MutationRecord[]} changes */
function onChange(changes) {
  if (missing?.instead) return giveBack();
  if (last && (!last.element.isConnected || changes.some(({ type }) => type === "attributes"))) check();
}

/** Look whether the focus is lost. */
function check() {
  const { activeElement } = document;
  if (!last || missing || document.querySelector("dialog[open]")) return;
  if (activeElement && activeElement !== document.body && canFocus(activeElement)) return;
  if (usesPointer) return focusMap();
  // A field that let go of the focus itself; or the user has left the page with Tab.
  if (canFocus(last.element)) return lastKey === "Tab" ? undefined : focusMap();
  missing = { place: last, until: Date.now() + RETURN_MS, instead: null };
  const equal = equalTo(last);
  if (equal) return settle(equal);
  clearTimeout(timer);
  timer = setTimeout(giveOther, REDRAW_MS);
}

/** The element did not come back at once: give the focus to its equal or to something near it. */
function giveOther() {
  if (!missing) return;
  const { place } = missing;
  const equal = equalTo(place) ?? atPosition(place);
  if (equal) return settle(equal);
  const near = nearestTo(place) ?? document.getElementById("map-frame");
  missing.instead = near;
  if (near?.id === "map-frame") focusMap();
  else near?.focus({ preventScroll: true });
}

/** Something else has the focus for now: give it back if the element has come back. */
function giveBack() {
  if (!missing) return;
  if (Date.now() > missing.until || document.activeElement !== missing.instead) {
    missing = null;
    return check();
  }
  const equal = equalTo(missing.place) ?? atPosition(missing.place);
  if (equal) settle(equal);
}

/** @param {HTMLElement} element */
function settle(element) {
  missing = null;
  element.focus({ preventScroll: true });
}
