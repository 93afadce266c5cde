/**
 * Knows the ids of chosen songs, and finds the songs by them on a map whose songs have other indices that nobody knows.
 * The cache of answers about songs cannot do this: it is cleared when such a map arrives.
 */

import { cachedSong, indexOf } from "../core/api.js";
import { state, subscribe, update } from "../core/state.js";

/** @typedef {import("../core/types.js").Song} Song */

/** Of a longer selection, the page has never loaded all songs. */
const MAX_SONGS = 5000;
/** The ids by index. Another map gets another object, so that a late answer cannot write into it. @type {Map<number, string>} */
let ids = new Map();
/** The selection as it was last. @type {number[]} */
let songs = [];
/** Of the map that is drawn: see `MapMeta`. @type {string|undefined} */
let order;

/** Called once. */
export function mount() {
  subscribe(["chosen", "map"], follow);
}

/** Store a song's id when its details arrive. @param {number} index @param {Promise<Song>} details */
export function learnId(index, details) {
  const known = ids;
  details.then(({ id }) => known.set(index, id)).catch(() => {});
}

/** The selection or the map is another one. */
function follow() {
  const before = songs;
  songs = state.chosen;
  if (state.map?.meta.order !== order) {
    order = state.map?.meta.order;
    const { moved } = state;
    if (!moved) return void restore(before);
    ids = new Map([...ids].map(([index, id]) => /** @type {const} */ ([moved[index] ?? -1, id])).filter(([index]) => index >= 0));
  }
  if (songs !== before && songs.length <= MAX_SONGS) songs.forEach(learnCached);
}

/** @param {number} index */
function learnCached(index) {
  const details = cachedSong(index);
  if (details) learnId(index, details);
}

/** The songs have other indices: find those of the selection by their ids. @param {number[]} before Their old indices. */
async function restore(before) {
  const known = before.map((index) => ids.get(index));
  ids = new Map();
  if (!before.length) return;
  update({ chosen: [], chosenPosition: null });
  if (known.includes(undefined)) return update({ message: "The library has changed. Select the songs again." });
  const restoredFor = order;
  const found = await Promise.all(known.map((id) => indexOf(/** @type {string} */ (id)).catch(() => null)));
  if (order !== restoredFor || state.chosen.length) return;
  update({ chosen: found.filter((index) => index !== null) });
}
