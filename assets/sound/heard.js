/**
 * Which songs were heard since the page was loaded. A song with the same sound or recording as a heard one counts as heard. Ids
 * are kept, because a new map gives songs other indices.
 */

import { getSong } from "../core/api.js";
import { state, subscribe } from "../core/state.js";
import { idOf } from "./files.js";
import { movedIndex } from "./player.js";

/** @typedef {import("../core/types.js").Song} Song */

/** @type {Set<string>} */
const ids = new Set();
/** The songs of the map that is drawn that are known to be heard. A song that is not among them may be heard, too. @type {Set<number>} */
let indices = new Set();
/** Of the map that is drawn: see `MapMeta`. @type {string|undefined} */
let order;

export function mount() {
  subscribe(["sound", "song"], note);
  subscribe(["map"], followMap);
}

/** The song that plays is heard. */
function note() {
  const { song, sound } = state;
  const id = idOf(song);
  if (id === null || sound !== "playing" || ids.has(id)) return;
  ids.add(id);
  // After a new map, the details of the song have the indices of the map before.
  const { index } = /** @type {Song} */ (song);
  if (index === undefined || index !== state.playing) return;
  for (const other of [index, ...othersLike(/** @type {Song} */ (song))]) indices.add(other);
}

/** @param {Song} song @returns {number[]} The songs with its sound or recording. */
function othersLike({ same_sound = [], same_recording = [] }) {
  return [...same_sound, ...same_recording].map(({ index }) => index);
}

function followMap() {
  const shown = state.map?.meta.order;
  if (shown === order) return;
  order = shown;
  indices = new Set([...indices].map(movedIndex).filter((index) => index !== null));
}

/** @param {number} index @returns {boolean} Whether a song is known to be heard, without asking the server. */
export function isKnownHeard(index) {
  return indices.has(index);
}

/** @param {number} index @returns {Promise<boolean>} Whether a song, or one with the same sound or recording, was heard. */
export async function isHeard(index) {
  const song = await getSong(index).catch(() => null);
  if (!song || !(ids.has(song.id) || othersLike(song).some(isKnownHeard))) return isKnownHeard(index);
  indices.add(index);
  return true;
}

/** No song was heard. */
export function forgetHeard() {
  ids.clear();
  indices.clear();
}
