/** The order in which points are drawn. Pure functions. */

import { CHOSEN, HIDDEN, LIT, MISSING } from "./flags.js";

/** Of more chosen songs, a sample has only a share, as of all others. */
const MAX_CHOSEN = 20_000;

/**
 * @typedef {object} DrawOrder Hidden songs are in none of the four parts.
 * @property {Uint32Array} songs Songs that do not match the filter, then those that match, those of them whose files are missing,
 *   and the chosen ones: the last are never covered. Within a part the order is random, so that the first songs of a part are a
 *   fair sample of it.
 * @property {number} unlit How many songs the first part has. @property {number} lit The second.
 * @property {number} missing The third. @property {number} chosen The fourth.
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
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < flags.length; i++) if (!(flags[i] & HIDDEN)) counts[partOf(flags[i])]++;
  const [unlit, lit, missing, chosen] = counts;
  const songs = new Uint32Array(unlit + lit + missing + chosen);
  const next = [0, unlit, unlit + lit, unlit + lit + missing];
  for (let i = 0; i < order.length; i++) {
    const flag = flags[order[i]];
    if (!(flag & HIDDEN)) songs[next[partOf(flag)]++] = order[i];
  }
  return { songs, unlit, lit, missing, chosen };
}

/** @param {number} flag @returns {0|1|2|3} */
function partOf(flag) {
  if (flag & CHOSEN) return 3;
  if (!(flag & LIT)) return 0;
  return flag & MISSING ? 2 : 1;
}

/**
 * @param {Omit<DrawOrder, "songs">} order
 * @param {number} share Of the songs that are drawn, from 0 to 1. Unless they are very many, all chosen songs are drawn.
 * @returns {[number, number][]} First and end of the ranges of `order.songs` that are drawn, in this order.
 */
export function sampleRanges({ unlit, lit, missing, chosen }, share) {
  const chosenShare = chosen > MAX_CHOSEN ? share : 1;
  /** @type {[number, number][]} */
  const ranges = [];
  let first = 0;
  for (const [size, drawn] of [[unlit, share], [lit, share], [missing, share], [chosen, chosenShare]]) {
    if (size > 0) ranges.push([first, first + Math.ceil(size * drawn)]);
    first += size;
  }
  return ranges;
}

/**
 * @param {[number, number][]} ranges As `sampleRanges` returns them. @param {number} unlit How many songs do not match the filter.
 * @returns {[number, number][]} The parts of the ranges whose songs match it.
 */
export function litRanges(ranges, unlit) {
  return ranges.map(([first, end]) => /** @type {[number, number]} */ ([Math.max(first, unlit), end])).filter(([first, end]) => end > first);
}
