/**
 * The search. Dash asks the server for results while the user types; this module says what it waits for, chooses the first
 * result on Enter, and describes the field and its list to screen readers.
 */

import { highlighted, makeCombobox } from "./combobox.js";
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
/** A narrow window has no room for the longer text, which stays the field's name. */
const SHORT_PLACEHOLDER = "Search songs";
const NARROW = "(max-width: 640px)";
/** Screen readers say the results when the user has stopped typing. */
const SPEAK_AFTER_MS = 500;

/** @type {Search} */
const search = { text: "", answered: null, options: [] };
/** The text for which the user has pressed Enter before its answer; null for none. @type {string|null} */
let chosenText = null;
/** @type {any} */
let field;
/** Tell screen readers of the field and its list. @type {() => void} */
let describe = () => {};
/** @type {ReturnType<typeof setTimeout>[]} */
let timers = [];

export function mount() {
  field = byId("search");
  field.maxLength = MAX_LENGTH;
  const label = field.placeholder;
  field.setAttribute("aria-label", label);
  const narrow = matchMedia(NARROW);
  const showPlaceholder = () => setProps("search", { placeholder: narrow.matches ? SHORT_PLACEHOLDER : label });
  narrow.addEventListener("change", showPlaceholder);
  showPlaceholder();
  // Before Mantine: it opens a result that the arrow keys have chosen.
  field.addEventListener("keydown", onKey, { capture: true });
  // A list that is closed before the answer opens nothing later.
  field.addEventListener("blur", () => (chosenText = null));
  describe = makeCombobox(field, "Search results");
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
  // Also for a text that is typed again: its results may have left the list.
  else setProps("search", { data: isAnswered(search) ? search.options : [] });
}

/** The server has answered. @param {string|null} answered For this text. @param {{value: string, label: string}[]} options */
export function noteResults(answered, options) {
  // An answer for an earlier text shows nothing: the list would say that this is all there is for the text now.
  if (answered !== search.text) return;
  Object.assign(search, { answered, options });
  setProps("search", { data: options });
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
  if (event.key !== "Enter" || event.isComposing || highlighted(field)) return;
  event.preventDefault();
  event.stopPropagation();
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
