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
let search = { text: "", answered: null, options: [] };
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
  new MutationObserver(describe).observe(field, { attributeFilter: ["data-expanded", "aria-controls"] });
  describe();
  subscribe(["serverAnswers"], () => {
    setProps("search", { nothingFoundMessage: emptyMessage(search, state.serverAnswers) });
    if (state.serverAnswers && isWaiting()) ask();
  });
}

/**
 * The text has changed, or the server has answered.
 * @param {Search} now
 * @returns {string|null} What the list says if it has no results.
 */
export function follow(now) {
  const isNewText = now.text !== search.text;
  search = now;
  if (chosenText !== now.text) chosenText = null;
  stopWaiting();
  if (isAnswered(search)) onAnswer();
  else if (isWaiting()) wait({ isNewText });
  requestAnimationFrame(describe);
  return emptyMessage(search, state.serverAnswers);
}

function onAnswer() {
  if (chosenText !== null) return chooseFirst();
  timers.push(setTimeout(() => document.activeElement === field && announce(spoken(search)), SPEAK_AFTER_MS));
}

/** @returns {boolean} Whether the server has not answered for the text in the field. */
function isWaiting() {
  return search.text.trim() !== "" && !isAnswered(search);
}

/** @param {{isNewText: boolean}} options */
function wait({ isNewText }) {
  if (isNewText) timers.push(setTimeout(() => setProps("search", { data: [] }), STALE_MS));
  askLater(FIRST_RETRY_MS);
}

function stopWaiting() {
  timers.forEach(clearTimeout);
  timers = [];
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
  if (event.key !== "Enter" || event.isComposing || field.hasAttribute("aria-activedescendant")) return;
  event.preventDefault();
  // Dash learns of the last letter a moment later.
  chosenText = field.value;
  if (isAnswered(search) && search.text === field.value) chooseFirst();
}

/** Open the first result, if there is one. */
function chooseFirst() {
  chosenText = null;
  const [first] = search.options;
  if (first) setProps("search", { value: first.value });
}

/** Tell screen readers whether the list is open, and what it is. */
function describe() {
  const list = document.getElementById(field.getAttribute("aria-controls") ?? "");
  list?.setAttribute("aria-label", "Search results");
  const isOpen = field.hasAttribute("data-expanded") && Boolean(list?.checkVisibility());
  field.setAttribute("aria-expanded", String(isOpen));
}
