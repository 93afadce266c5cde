/**
 * Cards that a button opens beside it: a button with `aria-expanded`, whose `aria-controls` names a card with the class
 * "popover". A click outside of the card, or Escape, closes it. At most one is open.
 */

import { placeBeside } from "./popover_place.js";

/** The button of the card that is open. @type {HTMLElement|null} */
let opener = null;

export function mount() {
  document.addEventListener("click", onClick);
  document.addEventListener("pointerdown", closeFromOutside, { capture: true });
  // After a click in the card, the map gets the focus: see core/focus.js.
  document.addEventListener("focusin", (event) => event.target !== document.getElementById("map-frame") && closeFromOutside(event));
  document.addEventListener("keydown", onKey, { capture: true });
  // What is in a card can change its size, for example when a part of it is opened.
  const observer = new ResizeObserver(place);
  for (const card of document.querySelectorAll(".popover, #legend-card")) observer.observe(card);
  window.addEventListener("resize", place);
}

/** @returns {boolean} Whether a card is open. */
export function isOpen() {
  return opener !== null;
}

/** Open the card of a button. @param {HTMLElement} button */
export function open(button) {
  const card = cardOf(button);
  if (!card || opener === button) return;
  close();
  opener = button;
  card.hidden = false;
  button.setAttribute("aria-expanded", "true");
  place();
}

/** Close the card that is open. @param {{returnsFocus?: boolean}} [options] Whether the button gets the keyboard's focus. */
export function close({ returnsFocus = false } = {}) {
  const button = opener;
  const card = button && cardOf(button);
  if (!button || !card) return;
  opener = null;
  card.hidden = true;
  card.removeAttribute("style");
  button.setAttribute("aria-expanded", "false");
  if (returnsFocus) button.focus();
}

/** @param {Element} button @returns {HTMLElement|null} */
function cardOf(button) {
  return document.getElementById(button.getAttribute("aria-controls") ?? "");
}

/** @param {Event} event @returns {HTMLElement|null} The button of a popover that contains the event's target. */
function buttonOf({ target }) {
  const button = target instanceof Element ? target.closest("button[aria-expanded][aria-controls]") : null;
  return button instanceof HTMLElement && cardOf(button)?.matches(".popover, #legend-card") ? button : null;
}

/** @param {MouseEvent} event */
function onClick(event) {
  const button = buttonOf(event);
  if (!button) return;
  if (button === opener) close();
  else open(button);
}

/** @param {Event} event */
function closeFromOutside(event) {
  const { target } = event;
  if (!opener || !(target instanceof Element) || buttonOf(event) === opener) return;
  // The list of a field in the card is drawn outside of the card.
  if (!cardOf(opener)?.contains(target) && !target.closest("[role=listbox], [data-portal]")) close();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key !== "Escape" || !opener || document.querySelector("dialog[open]")) return;
  event.stopPropagation();
  event.preventDefault();
  close({ returnsFocus: true });
}

/** Put the open card beside its button. */
function place() {
  const card = opener && cardOf(opener);
  if (!opener || !card) return;
  // In another window size the page may not have the button.
  if (!opener.getClientRects().length) return close();
  card.style.maxHeight = "";
  const size = { width: card.offsetWidth, height: card.offsetHeight };
  // The card does not cover the one that its button is in, or the tools beside it.
  const { top, bottom } = (opener.closest(".card") ?? opener).getBoundingClientRect();
  const { left, right } = (opener.closest(".map-tools") ?? opener.closest(".card") ?? opener).getBoundingClientRect();
  const around = { left, right, top, bottom };
  const box = placeBeside(opener.getBoundingClientRect(), size, freeFor(opener), around);
  card.style.left = `${box.left}px`;
  card.style.top = `${box.top}px`;
  card.style.maxHeight = `${box.height}px`;
}

/** @param {HTMLElement} button @returns {import("../core/types.js").Area} Where its card may be: only the header's cover the player. */
function freeFor(button) {
  const isInHeader = button.closest(".header") !== null;
  const edge = (/** @type {string} */ card) => (isInHeader ? null : document.querySelector(card))?.getBoundingClientRect();
  return { left: 0, right: innerWidth, top: edge(".header")?.bottom ?? 0, bottom: edge(".player")?.top || innerHeight };
}
