/** The selection: the chosen songs, in an order of their own, and which of them plays. It has no elements. */

import { playWithoutSelecting } from "../core/actions.js";
import { getNeighbours } from "../core/api.js";
import { announce } from "../core/dom.js";
import { state, update } from "../core/state.js";
import { panIntoView } from "../map/camera.js";
import { isHidden } from "../map/songs.js";
import { filtered, joined, moved, positionAfter } from "./selection_order.js";

/** @typedef {import("./selection_order.js").SongList} SongList */

/** @returns {SongList} */
function list() {
  return { songs: state.chosen, position: state.chosenPosition };
}

/** @param {SongList} list */
function setList({ songs, position }) {
  update({ chosen: songs, chosenPosition: position });
}

/** @param {number} index @returns {boolean} Whether a song is in the selection. */
export function has(index) {
  return state.chosen.includes(index);
}

/**
 * Choose the songs inside a lasso or box.
 * @param {number[]} songs
 * @param {{adds: boolean}} options Whether songs that are already chosen stay chosen.
 */
export function choose(songs, { adds }) {
  const chosen = joined(adds ? state.chosen : [], songs);
  update({ chosen, chosenPosition: null, choices: state.choices + 1 });
  announce(chosen.length === 1 ? "1 song selected" : `${chosen.length} songs selected`);
}

/** Add a song to the selection, or remove it. @param {number} index */
export function toggle(index) {
  if (has(index)) remove(index);
  else update({ chosen: state.chosen.concat(index) });
}

/** @param {number} index */
export function remove(index) {
  setList(filtered(list(), (other) => other !== index));
}

/** Remove all songs from the selection. */
export function clear() {
  setList({ songs: [], position: null });
}

/** Remove the songs that the user has hidden from the map. */
export function removeHidden() {
  const kept = filtered(list(), (index) => !isHidden(index));
  const count = state.chosen.length - kept.songs.length;
  if (!count) return;
  setList(kept);
  announce(`${count} hidden songs were removed from the selection`);
}

/** Move a song to another position in the list. @param {number} index @param {number} to */
export function moveTo(index, to) {
  const after = moved(list(), index, to);
  if (after) setList(after);
}

/**
 * Play the song at a position in the list. If it cannot be played, play the next one that can.
 * @param {number} position
 * @param {object} [options]
 * @param {number} [options.by] 1 or -1: the direction in which songs are skipped.
 * @param {boolean} [options.wraps] Whether the first song follows the last one.
 * @param {number} [options.attempts] The largest number of songs to try: by default each song once.
 */
export async function playFrom(position, { by = 1, wraps = true, attempts = state.chosen.length } = {}) {
  const index = state.chosen[position];
  update({ chosenPosition: position });
  const playing = playWithoutSelecting(index);
  showLines(index);
  panIntoView(index);
  if ((await playing) !== false || state.chosenPosition === null || state.chosen[state.chosenPosition] !== index) return;
  const next = positionAfter(position, by, state.chosen.length);
  if (attempts > 1 && (wraps || next === position + by)) playFrom(next, { by, wraps, attempts: attempts - 1 });
  else update({ chosenPosition: null });
}

/** Draw lines from a song to its neighbours. @param {number} index */
async function showLines(index) {
  update({ linesFrom: index, lineEnds: [] });
  const order = state.map?.meta.order;
  const lineEnds = await getNeighbours(index).catch(() => []);
  if (state.linesFrom === index && state.map?.meta.order === order) update({ lineEnds });
}

/**
 * Play the next or the previous song of the list.
 * @param {number} by 1 or -1. @param {boolean} [wraps] Whether the first song follows the last one.
 */
export function step(by, wraps = true) {
  const { length } = state.chosen;
  if (length) playFrom(positionAfter(state.chosenPosition ?? 0, by, length), { by, wraps });
}

/** @param {boolean} wraps @returns {boolean} Whether the list has a song after the one that plays. */
export function hasNext(wraps) {
  return wraps || (state.chosenPosition ?? 0) < state.chosen.length - 1;
}
