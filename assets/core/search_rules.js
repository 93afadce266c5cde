/** What the search says, and when its first result may be chosen. Pure functions. */

/**
 * @typedef {object} Search
 * @property {string} text What the field contains.
 * @property {string|null} answered The text that the server has answered last; null before its first answer.
 * @property {{value: string, label: string}[]} options The results of that answer.
 */

/** @param {Search} search @returns {boolean} Whether the server has answered for exactly the text in the field. */
export function isAnswered({ text, answered }) {
  return text.trim() !== "" && answered === text;
}

/**
 * What the list says if it has no results.
 * @param {Search} search
 * @param {boolean} serverAnswers
 * @returns {string|null} Null for nothing: then there is no list.
 */
export function emptyMessage(search, serverAnswers) {
  if (!search.text.trim()) return null;
  if (isAnswered(search)) return `No results for “${search.text.trim()}”`;
  return serverAnswers ? "Searching…" : "The server does not answer; trying again";
}

/** @param {Search} search @returns {string} What screen readers say of the results; empty before the answer. */
export function spoken(search) {
  if (!isAnswered(search)) return "";
  const { length } = search.options;
  if (!length) return `No results for “${search.text.trim()}”`;
  const count = length === 1 ? "1 result" : `${length} results`;
  return `${count}. Enter opens the first: ${search.options[0].label}.`;
}
