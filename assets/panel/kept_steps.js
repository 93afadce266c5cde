/** The last changes of the selections as text, so that they can be undone after a reload of the page. Pure functions. */

import { isBlank } from "./kept_selections.js";

/** @typedef {import("./kept_selections.js").Desk} Desk */
/** @typedef {import("./kept_selections.js").Selection} Selection */
/** @typedef {import("./selection_history.js").History<Desk>} History */

/** How many changes are kept, and how many songs in all their selections: the browser has little room. */
const MAX_STEPS = 20;
const MAX_SONGS = 5000;

/** @param {string} library @returns {string} The storage's key of the changes. */
export function stepsKeyOf(library) {
  return `selection-steps ${library}`;
}

/**
 * @param {History} history @param {(index: number) => string|undefined} idOf
 * @returns {string|null} The present selections and the last values before them; null if the id of a present song is not known.
 */
export function stepsText({ past, present }, idOf) {
  /** @type {Map<Selection, number>} Most values have most of their selections in common: each is written once. */
  const numbers = new Map();
  /** @type {object[]} */
  const selections = [];
  /** @type {object[]} The newest first. */
  const steps = [];
  let songCount = 0;
  for (const { value, change } of [present, ...past.slice(-MAX_STEPS).reverse()]) {
    for (const selection of value.selections) {
      if (numbers.has(selection)) continue;
      const songs = selection.songs.map((song) => (typeof song === "number" ? idOf(song) : song));
      songCount += songs.length;
      if (songCount > MAX_SONGS || songs.includes(undefined)) return steps.length ? textOf(selections, steps) : null;
      numbers.set(selection, selections.push({ key: selection.key, name: selection.name, songs }) - 1);
    }
    steps.push({ change, open: value.open, selections: value.selections.map((selection) => numbers.get(selection)) });
  }
  return textOf(selections, steps);
}

/** @param {object[]} selections @param {object[]} steps @returns {string} */
function textOf(selections, steps) {
  return JSON.stringify({ selections, steps });
}

/**
 * @param {string|null} text As `stepsText` writes it. @param {Desk} desk The selections that are kept.
 * @returns {History} With these selections as the present ones. Nothing can be undone if the text is damaged, or was written for
 *   other selections: another window has changed them.
 */
export function withSteps(text, desk) {
  /** @type {History} */
  const history = { past: [], present: { value: desk, change: "" }, future: [] };
  try {
    const { selections, steps } = JSON.parse(text ?? "null");
    if (!selections.every(isSelection)) return history;
    const [present, ...past] = steps.map((/** @type {any} */ { change, open, selections: numbers }) => {
      const value = { open, selections: numbers.map((/** @type {number} */ number) => selections[number]) };
      if (!value.selections.some((/** @type {Selection|undefined} */ selection) => selection?.key === open)) throw new Error("damaged");
      return { value, change: String(change) };
    });
    if (contents(present.value) !== contents(desk)) return history;
    return { ...history, past: past.reverse(), present: { value: desk, change: present.change } };
  } catch {
    return history;
  }
}

/** @param {any} value @returns {boolean} */
function isSelection({ key, name, songs }) {
  return typeof key === "string" && typeof name === "string" && Array.isArray(songs) && songs.every((song) => typeof song === "string");
}

/** @param {Desk} desk @returns {string} What the selections hold; blank ones are not kept. */
function contents({ selections }) {
  const kept = selections.filter((selection) => !isBlank(selection)).map(({ key, name, songs }) => [key, name, songs]);
  return JSON.stringify(kept.sort(([one], [other]) => (one < other ? -1 : 1)));
}
