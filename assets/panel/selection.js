/** The selection: the chosen songs, in an order of their own, and which of them plays. It has no elements. */

import { playWithoutSelecting } from "../core/actions.js";
import { getNeighbours } from "../core/api.js";
import { state, update } from "../core/state.js";
import { panIntoView } from "../map/camera.js";
import * as kept from "./kept_selections.js";
import { filtered, joined, moved, positionAfter } from "./selection_order.js";
import { change, desk, setSongs } from "./selection_store.js";

/** @typedef {import("./selection_order.js").SongList} SongList */

/** @returns {SongList} */
function list() {
  return { songs: state.chosen, position: state.chosenPosition };
}

/** @param {number} index @returns {boolean} Whether a song is in the selection. */
export function has(index) {
  return state.chosen.includes(index);
}

/**
 * Choose the songs inside a lasso or box. A shape without songs changes nothing.
 * @param {number[]} songs
 * @param {{adds: boolean}} options Whether songs that are already chosen stay chosen.
 */
export function choose(songs, { adds }) {
  const before = state.chosen.length;
  if (!songs.length) return update({ selectionNews: { kind: "no-songs" } });
  const chosen = joined(adds ? state.chosen : [], songs);
  const kind = adds && before ? "chosen-too" : before ? "chosen-instead" : "chosen";
  setSongs(chosen, { kind, count: chosen.length, before }, { position: null, isWhole: !adds });
  update({ choices: state.choices + 1 });
}

/** Add a song to the selection, or remove it. @param {number} index */
export function toggle(index) {
  if (has(index)) return remove(index);
  setSongs(state.chosen.concat(index), { kind: "added", index, count: state.chosen.length + 1 });
}

/** @param {number} index */
export function remove(index) {
  const { songs, position } = filtered(list(), (other) => other !== index);
  setSongs(songs, { kind: "removed", index, count: songs.length }, { position });
}

/** Remove all songs from the selection. */
export function clear() {
  if (!kept.openOf(desk()).songs.length) return;
  setSongs([], { kind: "cleared", before: state.chosen.length }, { position: null, isWhole: true });
}

/** Move a song to another position in the list. @param {number} index @param {number} to */
export function moveTo(index, to) {
  const after = moved(list(), index, to);
  if (after) setSongs(after.songs, { kind: "moved", index, position: to, count: after.songs.length }, { position: after.position });
}

/** Give the open selection another name. @param {string} text If it is empty, the name stays; if another selection has it, it gets a number. */
export function rename(text) {
  const before = desk();
  const open = kept.openOf(before);
  const typed = kept.cleanName(text);
  const name = typed && kept.ownName(before, typed);
  if (name && name !== open.name) change(kept.withSelection(before, { ...open, name }), { kind: "renamed", name });
}

/** Open another selection; the one before is kept. @param {string} key */
export function open(key) {
  const before = desk();
  const other = before.selections.find((selection) => selection.key === key);
  if (!other || before.open === key) return;
  change(kept.opened(before, key), { kind: "opened", name: other.name, count: other.songs.length }, null);
}

/** Begin a new selection; the one before is kept. */
export function openNew() {
  change(kept.withNew(desk()), { kind: "new" }, null);
}

/** Delete a selection, which can be undone. @param {string} key */
export function discard(key) {
  const before = desk();
  const other = before.selections.find((selection) => selection.key === key);
  if (other) change(kept.without(before, key), { kind: "deleted", name: other.name, count: other.songs.length });
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
