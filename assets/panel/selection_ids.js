/** The ids of songs in selections: a song keeps its id when a new map gives it another index. Asks the server for many at once. */

import { successful } from "../core/api.js";
import { state } from "../core/state.js";

/** The server takes no longer lists. */
const MAX_ASKED = 5000;
/** The ids by index. Another map gets another object, so that a late answer cannot write into it. @type {Map<number, string>} */
let ids = new Map();

/** @param {number} index @returns {string|undefined} A song's id, if it is known. */
export function idOf(index) {
  return ids.get(index);
}

/** Forget all ids: the library is another one, or nobody knows the songs' new indices. */
export function forget() {
  ids = new Map();
}

/** The songs have other indices. @param {Int32Array} moved The new index of each song; -1 if it has none. */
export function renumber(moved) {
  ids = new Map([...ids].map(([index, id]) => /** @type {const} */ ([moved[index] ?? -1, id])).filter(([index]) => index >= 0));
}

/**
 * Ask for the ids of songs that are not known yet.
 * @param {number[]} songs
 * @returns {Promise<boolean>} Whether all of them are known, on the map that is drawn now. Never rejects.
 */
export async function learn(songs) {
  const known = ids;
  const asked = [...new Set(songs)].filter((index) => !known.has(index));
  try {
    for (const part of parts(asked)) {
      const answer = await ask("ids", { songs: part });
      part.forEach((index, i) => known.set(index, answer.ids[i]));
    }
  } catch {
    return false;
  }
  return known === ids;
}

/**
 * @param {string[]} wanted Ids.
 * @returns {Promise<{found: Map<string, number>, unmapped: Set<string>}|null>} The indices of those that are on the map, and
 *   those that are in the library but not on the map. Null if the server does not answer, or the map has changed meanwhile.
 */
export async function find(wanted) {
  const known = ids;
  /** @type {Map<string, number>} */
  const found = new Map();
  /** @type {Set<string>} */
  const unmapped = new Set();
  try {
    for (const part of parts(wanted)) {
      const answer = await ask("numbers", { ids: part });
      part.forEach((id, i) => answer.songs[i] !== null && found.set(id, answer.songs[i]));
      for (const id of answer.unmapped) unmapped.add(id);
    }
  } catch {
    return null;
  }
  if (known !== ids) return null;
  for (const [id, index] of found) ids.set(index, id);
  return { found, unmapped };
}

/** @template T @param {T[]} list @returns {T[][]} */
function parts(list) {
  return Array.from({ length: Math.ceil(list.length / MAX_ASKED) }, (_, i) => list.slice(i * MAX_ASKED, (i + 1) * MAX_ASKED));
}

/** @param {"ids"|"numbers"} what @param {object} question @returns {Promise<any>} */
async function ask(what, question) {
  const headers = { "Content-Type": "application/json" };
  const address = `songs/${state.map?.meta.revision}/${what}`;
  return (await successful(fetch(address, { method: "POST", headers, body: JSON.stringify(question) }))).json();
}
