/** Short notices above the player (toasts): what happened, and perhaps a button that does something about it. */

import { freeArea } from "../map/camera.js";
import { NO_ANSWER } from "./api.js";
import { byId, element, iconButton } from "./dom.js";
import { timeShown, withNotice } from "./notices_rules.js";
import { state, subscribe, update } from "./state.js";

/** @typedef {import("./types.js").Notice} Notice */

const MAX_WIDTH_PX = 520;
const MIN_WIDTH_PX = 280;
const GAP_PX = 8;

let count = 0;
/** What is drawn, by the notices' numbers. @type {Map<number, {toast: HTMLElement, stop: () => void}>} */
const drawn = new Map();
/** The element that had the keyboard's focus before it went to a notice. @type {any} */
let focusedBefore = null;

export function mount() {
  subscribe(["notices"], draw);
  subscribe(["isPanelOpen", "isSpectrogramOpen", "map", "notices"], () => state.notices.length && requestAnimationFrame(place));
  window.addEventListener("resize", () => state.notices.length && place());
  subscribe(["message"], showMessage);
  subscribe(["sound"], () => state.sound === "playing" && dismiss("press-play"));
  draw();
}

/**
 * Show a notice. Screen readers say it: "toasts" is a live region.
 * @param {string} text One sentence.
 * @param {{kind?: Notice["kind"], action?: Notice["action"], key?: string, stays?: boolean}} [notice] A notice with a key replaces an earlier one with
 *   the same key.
 * @returns {() => void} Removes the notice.
 */
export function notify(text, { kind = "info", action, key, stays } = {}) {
  const notice = { number: ++count, text, kind, action, key, stays };
  update({ notices: withNotice(state.notices, notice) });
  return () => remove(notice.number);
}

/** Remove the notice with a key, if it is shown: what it says is true no longer. @param {string} key */
export function dismiss(key) {
  const notice = state.notices.find((other) => other.key === key);
  if (notice) remove(notice.number);
}

/** @param {number} number */
function remove(number) {
  const rest = state.notices.filter((notice) => notice.number !== number);
  if (rest.length < state.notices.length) update({ notices: rest });
}

/** The user has closed a notice. @param {Notice} notice */
function close({ number, key }) {
  remove(number);
  // The player may say the same again.
  if (key === "player") update({ message: "" });
}

/** Show what the player says. While the server does not answer, one notice says so for the whole page. */
function showMessage() {
  const { message } = state;
  if (message && message !== NO_ANSWER) notify(message, { kind: "error", key: "player" });
  else dismiss("player");
}

function draw() {
  const numbers = new Set(state.notices.map(({ number }) => number));
  for (const [number, { toast, stop }] of drawn) {
    if (numbers.has(number)) continue;
    stop();
    drawn.delete(number);
    const hasFocus = toast.contains(document.activeElement);
    toast.remove();
    if (hasFocus) focusElsewhere();
  }
  for (const notice of state.notices) {
    if (drawn.has(notice.number)) continue;
    const made = makeToast(notice);
    drawn.set(notice.number, made);
    byId("toasts").append(made.toast);
  }
}

/** A notice with the focus was removed: give the focus to the next notice, or to what had it before. */
function focusElsewhere() {
  const next = byId("toasts").querySelector("button");
  if (next) next.focus();
  else if (focusedBefore?.isConnected) focusedBefore.focus();
}

/** @param {Notice} notice @returns {{toast: HTMLElement, stop: () => void}} Its element, and what stops its clock. */
function makeToast(notice) {
  const { text, kind, action } = notice;
  const toast = element("div", `toast toast-${kind} card`);
  if (kind === "wait") toast.append(element("span", "spinner", null, { "aria-hidden": "true" }));
  toast.append(element("span", "toast-text", text, { dir: "auto" }));
  if (action) toast.append(makeAction(notice, action));
  if (kind !== "wait") {
    const button = iconButton("close", "Close this notice", "toast-close");
    button.addEventListener("click", () => close(notice));
    toast.append(button);
  }
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const stop = () => clearTimeout(timer);
  const leaveLater = () => {
    stop();
    const ms = timeShown(notice);
    if (ms !== null) timer = setTimeout(() => close(notice), ms);
  };
  toast.addEventListener("focusin", (/** @type {FocusEvent} */ { relatedTarget }) => {
    if (relatedTarget instanceof HTMLElement && !relatedTarget.closest("#toasts")) focusedBefore = relatedTarget;
  });
  // A notice stays while the pointer or the keyboard's focus is on it.
  for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, stop);
  for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, leaveLater);
  toast.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || kind === "wait") return;
    event.stopPropagation();
    close(notice);
  });
  leaveLater();
  return { toast, stop };
}

/** @param {Notice} notice @param {NonNullable<Notice["action"]>} action @returns {HTMLElement} */
function makeAction(notice, { label, run }) {
  const button = element("button", "link", label, { type: "button" });
  button.addEventListener("click", () => {
    close(notice);
    run();
  });
  return button;
}

/** Put the notices at the lower edge of the area that no card covers. */
function place() {
  const toasts = byId("toasts");
  const area = freeArea();
  const tools = boxOf(".map-tools");
  const filterLine = boxOf("#filter-state");
  // On a phone the tools are a row below the map.
  const areBeside = tools && tools.height > tools.width;
  const right = Math.min(area.right, areBeside ? tools.left - GAP_PX : Infinity);
  const isAtBottom = filterLine && filterLine.top > window.innerHeight / 2;
  const bottom = Math.min(area.bottom, isAtBottom ? filterLine.top - GAP_PX : Infinity);
  const width = Math.max(Math.min(right - area.left, MAX_WIDTH_PX), MIN_WIDTH_PX);
  const centre = Math.max(Math.min((area.left + right) / 2, window.innerWidth - GAP_PX - width / 2), GAP_PX + width / 2);
  toasts.style.left = `${centre}px`;
  toasts.style.maxWidth = `${width}px`;
  // They may cover a card at the bottom, but not the header.
  const lowest = Math.max(bottom, (boxOf(".header")?.bottom ?? 0) + GAP_PX + toasts.offsetHeight);
  toasts.style.bottom = `${window.innerHeight - lowest}px`;
}

/** @param {string} selector @returns {DOMRect|null} Null if it is not shown. */
function boxOf(selector) {
  const found = document.querySelector(selector);
  return found?.getClientRects().length ? found.getBoundingClientRect() : null;
}
