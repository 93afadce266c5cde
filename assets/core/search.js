/**
 * The search. Dash asks the server for results while the user types; this module says what it waits for, chooses the first
 * result on Enter, and describes the field and its list to screen readers.
 */

import { announce, byId, setProps } from "./dom.js";
import { emptyMessage, isAnswered, spoken } from "./search_rules.js";
import { state, subscribe } from "./state.js";

/** @typedef {import("./search_rules.js").Search} Search */

/** The results for an earlier text stay in the list for this long: most answers come sooner. */
const STALE_MS = 400;
/** After this long without an answer the server is asked again, and each time after twice as long. */
const FIRST_RETRY_MS = 4000;
/** The server searches for no longer text. */
const MAX_LENGTH = 200;
/** Screen readers say the results when the user has stopped typing. */
const SPEAK_AFTER_MS = 500;

/** @type {Search} */
const search = { text: "", answered: null, options: [] };
/** The text for which the user has pressed Enter before its answer; null for none. @type {string|null} */
let chosenText = null;
/** @type {any} */
let field;
/** @type {ReturnType<typeof setTimeout>[]} */
let timers = [];

export function mount() {
  field = byId("search");
  field.maxLength = MAX_LENGTH;
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-label", field.placeholder);
  field.setAttribute("aria-autocomplete", "list");
  // Before Mantine: it opens a result that the arrow keys have chosen.
  field.addEventListener("keydown", onKey, { capture: true });
  // A list that is closed before the answer opens nothing later.
  field.addEventListener("blur", () => (chosenText = null));
  new MutationObserver(describe).observe(field, { attributeFilter: ["data-expanded", "aria-controls", "aria-activedescendant"] });
  describe();
  subscribe(["serverAnswers"], () => {
    showMessage();
    if (state.serverAnswers && isWaiting()) ask();
  });
}

/** The text in the field has changed. @param {string} text */
export function noteText(text) {
  search.text = text;
  if (chosenText !== text) chosenText = null;
  follow();
  if (isWaiting()) timers.push(setTimeout(() => setProps("search", { data: [] }), STALE_MS));
}

/** The server has answered. @param {string|null} answered For this text. @param {{value: string, label: string}[]} options */
export function noteResults(answered, options) {
  Object.assign(search, { answered, options });
  follow();
}

/** Say what the search waits for, and wait for it. */
function follow() {
  timers.forEach(clearTimeout);
  timers = [];
  showMessage();
  requestAnimationFrame(describe);
  if (isAnswered(search)) onAnswer();
  else if (isWaiting()) askLater(FIRST_RETRY_MS);
}

function showMessage() {
  setProps("search", { nothingFoundMessage: emptyMessage(search, state.serverAnswers) });
}

function onAnswer() {
  if (chosenText !== null) return chooseFirst();
  timers.push(setTimeout(() => document.activeElement === field && announce(spoken(search)), SPEAK_AFTER_MS));
}

/** @returns {boolean} Whether the server has not answered for the text in the field. */
function isWaiting() {
  return search.text.trim() !== "" && !isAnswered(search);
}

/** @param {number} afterMs */
function askLater(afterMs) {
  const retry = () => {
    ask();
    askLater(2 * afterMs);
  };
  timers.push(setTimeout(retry, afterMs));
}

/** Ask the server again for the text in the field. */
function ask() {
  setProps("search", { searchValue: search.text });
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  requestAnimationFrame(describe);
  if (event.key !== "Enter" || event.isComposing || highlighted()) return;
  event.preventDefault();
  event.stopPropagation();
  // Dash learns of the last letter a moment later.
  chosenText = field.value;
  if (isAnswered(search) && search.text === field.value) chooseFirst();
}

/** @returns {HTMLElement|null} The list of results; null while it is closed. */
function list() {
  return document.getElementById(field.getAttribute("aria-controls") ?? "");
}

/** @returns {Element|null|undefined} The result that the user has chosen with the arrow keys. */
function highlighted() {
  return list()?.querySelector("[data-combobox-selected]");
}

/** Open the first result, if there is one. */
function chooseFirst() {
  chosenText = null;
  const [first] = search.options;
  if (first) setProps("search", { value: first.value });
}

/**
 * Tell screen readers whether there are results, and which one is highlighted: Mantine leaves the name of an option that is
 * gone. A sentence in place of results is no list.
 */
function describe() {
  const shown = list();
  const hasResults = shown?.checkVisibility() && shown.querySelector("[role=option]") !== null;
  shown?.setAttribute("aria-label", "Search results");
  shown?.setAttribute("role", hasResults ? "listbox" : "presentation");
  field.setAttribute("aria-expanded", String(field.hasAttribute("data-expanded") && Boolean(hasResults)));
  const id = highlighted()?.id;
  if (id === undefined) field.removeAttribute("aria-activedescendant");
  else if (field.getAttribute("aria-activedescendant") !== id) field.setAttribute("aria-activedescendant", id);
}
