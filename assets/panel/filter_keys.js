/** The keyboard in the filter's fields and in the legend. */

import { optionsContaining } from "../core/controls.js";

/** After Enter, the first match is looked for again up to this many times, at this interval: the server sends the artists. */
const MATCH_ATTEMPTS = 20;
const MATCH_RETRY_MS = 60;

/**
 * In the fields with lists: Enter takes the first match of this field, and Escape closes only the open list.
 * @param {HTMLElement} card
 */
export function listenInFields(card) {
  card.addEventListener("keydown", onKey, { capture: true });
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || !field.closest(".choice") || event.isComposing) return;
  if (event.key === "Enter" && field.value.trim()) {
    const list = listOf(field);
    // The user has chosen an option with the arrow keys: the field takes it.
    if (list?.querySelector("[data-combobox-selected]")) return;
    event.preventDefault();
    event.stopPropagation();
    takeFirstMatch(field, field.value, MATCH_ATTEMPTS);
  }
  if (event.key === "Escape" && listOf(field)) {
    event.preventDefault();
    event.stopPropagation();
    // The list closes when the field loses the focus.
    field.blur();
    field.focus();
  }
}

/** @param {HTMLInputElement} field @returns {HTMLElement|null} The field's open list. */
function listOf(field) {
  const id = field.getAttribute("aria-controls");
  return field.dataset.expanded === "true" && id ? document.getElementById(id) : null;
}

/**
 * The list may still show the options for what was typed before. In the end, another spelling counts as a match, too.
 * @param {HTMLInputElement} field @param {string} text What the user had typed. @param {number} attempts How many more times to try.
 */
function takeFirstMatch(field, text, attempts) {
  if (field.value !== text) return;
  const options = /** @type {HTMLElement[]} */ ([...(listOf(field)?.querySelectorAll("[role=option]") ?? [])]);
  const named = options.map((option) => ({ option, label: option.textContent ?? "" }));
  const [match] = attempts > 0 ? /** @type {typeof named} */ (optionsContaining({ options: named, search: text, limit: 1 })) : named;
  if (match) match.option.click();
  else if (attempts > 0) setTimeout(() => takeFirstMatch(field, text, attempts - 1), MATCH_RETRY_MS);
}

/**
 * The server sends the legend anew after each click: the row of the same group gets the focus.
 * @param {HTMLElement} legend
 */
export function keepFocusInLegend(legend) {
  /** @type {string|undefined} */
  let group;
  const forget = () => (group = undefined);
  document.addEventListener("focusin", ({ target }) => {
    const row = /** @type {HTMLElement} */ (target);
    group = legend.contains(row) ? row.dataset.group : undefined;
  });
  document.addEventListener("pointerdown", forget);
  // A click with the mouse does not need the focus.
  legend.addEventListener("click", ({ detail }) => detail > 0 && forget());
  new MutationObserver(() => {
    if (group === undefined || document.activeElement !== document.body) return;
    const rows = /** @type {HTMLElement[]} */ ([...legend.querySelectorAll("[data-group]")]);
    rows.find((row) => row.dataset.group === group)?.focus();
  }).observe(legend, { childList: true, subtree: true });
}
