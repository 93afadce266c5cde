/** The order in which points are drawn. Pure functions. */

import { CHOSEN, HIDDEN, LIT } from "./flags.js";

/**
 * @typedef {object} DrawOrder Hidden songs are in none of the three parts.
 * @property {Uint32Array} songs Songs that do not match the filter, then those that match, then the chosen ones. Within a part
 *   the order is random, so that the first songs of a part are a fair sample of it.
 * @property {number} unlit How many songs the first part has. @property {number} lit The second. @property {number} chosen The third.
 */

/** @param {number} count @returns {Uint32Array} The numbers below `count` in random order, the same in every call. */
export function randomOrder(count) {
  const songs = new Uint32Array(count);
  let seed = 1;
  for (let i = 0; i < count; i++) {
    // xorshift32: multiplying in doubles, as makeRandom in the tests does, takes four times as long.
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    const j = (seed >>> 0) % (i + 1);
    songs[i] = songs[j];
    songs[j] = i;
  }
  return songs;
}

/** @param {Uint8Array} flags By song. @param {Uint32Array} order As `randomOrder` returns it. @returns {DrawOrder} */
export function drawOrder(flags, order) {
  const counts = [0, 0, 0];
  for (let i = 0; i < flags.length; i++) if (!(flags[i] & HIDDEN)) counts[partOf(flags[i])]++;
  const [unlit, lit, chosen] = counts;
  const songs = new Uint32Array(unlit + lit + chosen);
  const next = [0, unlit, unlit + lit];
  for (let i = 0; i < order.length; i++) {
    const flag = flags[order[i]];
    if (!(flag & HIDDEN)) songs[next[partOf(flag)]++] = order[i];
  }
  return { songs, unlit, lit, chosen };
}

/** @param {number} flag @returns {0|1|2} */
function partOf(flag) {
  if (flag & CHOSEN) return 2;
  return flag & LIT ? 1 : 0;
}

/**
 * @param {DrawOrder} order @param {number} share Of the songs that are drawn, from 0 to 1. Chosen songs are always drawn.
 * @returns {[number, number][]} First and end of the ranges of `order.songs` that are drawn, in this order.
 */
export function sampleRanges({ unlit, lit, chosen }, share) {
  const ranges = [[0, Math.ceil(unlit * share)], [unlit, unlit + Math.ceil(lit * share)], [unlit + lit, unlit + lit + chosen]];
  return /** @type {[number, number][]} */ (ranges.filter(([first, end]) => end > first));
}
