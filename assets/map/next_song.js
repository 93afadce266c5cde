/** Which song plays next. Pure functions. */

import { isVisible, MISSING } from "./flags.js";

/** @typedef {import("../core/types.js").MapState} MapState */

/**
 * Find the position in a list to which "next" or "previous" goes: the first one in that direction whose song is wanted. After
 * the last position comes the first one.
 * @template T
 * @param {T[]} list @param {number} position @param {number} by 1 or -1. @param {(item: T) => boolean} isWanted
 * @returns {number|null} Null if no other song of the list is wanted.
 */
export function nextPosition(list, position, by, isWanted) {
  const { length } = list;
  for (let steps = 1; steps < length; steps++) {
    const other = (((position + by * steps) % length) + length) % length;
    if (isWanted(list[other])) return other;
  }
  return null;
}

/**
 * Choose the song that plays after a song has ended: of the songs that sound most like it, the most similar one that may play;
 * if there is none, the nearest one on the map. A song may play if it matches the filter, is not hidden, has its file, and was
 * not heard.
 * @param {object} situation
 * @param {number[]} situation.neighbours The songs that sound most like the one that has ended, the most similar first.
 * @param {number[]|null} situation.place Where the song that has ended is on the map; null if it is not there.
 * @param {Pick<MapState, "places"|"flags">} situation.map
 * @param {(index: number) => boolean} situation.isHeard Also true for the song that has ended.
 * @returns {number|null}
 */
export function nextSong({ neighbours, place, map, isHeard }) {
  const mayPlay = (/** @type {number} */ index) => isPlayable(map.flags[index]) && !isHeard(index);
  return neighbours.find(mayPlay) ?? (place && nearestTo(place, map, mayPlay));
}

/**
 * Choose the song that plays first: the one in the middle of the most common group on the map.
 * @param {Pick<MapState, "places"|"flags"|"groups">} map
 * @returns {number|null} Null if no song matches the filter.
 */
export function firstSong({ places, flags, groups }) {
  const sums = new Map();
  for (let i = 0; i < flags.length; i++) {
    if (!isPlayable(flags[i])) continue;
    const sum = sums.get(groups[i]) ?? [0, 0, 0];
    sums.set(groups[i], [sum[0] + 1, sum[1] + places[2 * i], sum[2] + places[2 * i + 1]]);
  }
  const [largest] = [...sums].sort(([, a], [, b]) => b[0] - a[0]);
  if (!largest) return null;
  const [group, [count, x, y]] = largest;
  return nearestTo([x / count, y / count], { places, flags }, (i) => groups[i] === group && isPlayable(flags[i]));
}

/** @param {number} flags @returns {boolean} Whether a song matches the filter, is not hidden, and has its file. */
function isPlayable(flags) {
  return isVisible(flags) && !(flags & MISSING);
}

/**
 * @param {number[]} place @param {Pick<MapState, "places"|"flags">} map @param {(index: number) => boolean} isWanted
 * @returns {number|null} The wanted song nearest to a place.
 */
function nearestTo([x, y], { places, flags }, isWanted) {
  let nearest = null;
  let shortest = Infinity;
  for (let i = 0; i < flags.length; i++) {
    const distance = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
    if (distance >= shortest || !isWanted(i)) continue;
    nearest = i;
    shortest = distance;
  }
  return nearest;
}
