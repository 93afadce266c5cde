/** How a moment lights songs on the map. Pure functions. */

import { FADED, HIDDEN, LIT, VERY_FADED } from "../map/flags.js";

/** @typedef {import("../core/types.js").Moment} Moment */

/** The strength of the song that is least alike among those that are lit. */
const LEAST = 0.15;

/**
 * @param {Uint8Array} flags The songs' flags. @param {Map<number, number>} lit The similarity of each song that a moment lights, by its index.
 * @returns {Uint8Array} The flags while the moment is shown: all other songs are drawn as if they did not match the filter.
 */
export function litFlags(flags, lit) {
  return flags.map((flag, index) => (lit.has(index) ? flag & ~(FADED | VERY_FADED) : flag & ~LIT));
}

/**
 * @param {Map<number, number>} lit As in `litFlags`.
 * @returns {Map<number, number>} How strongly each song is lit, from LEAST to 1. It depends on how alike the lit songs are among each other.
 */
export function strengthsOf(lit) {
  const values = [...lit.values()];
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const range = highest - lowest || 1;
  return new Map([...lit].map(([index, value]) => [index, highest === lowest ? 1 : LEAST + ((1 - LEAST) * (value - lowest)) / range]));
}

/**
 * @param {Uint8Array} flags @param {Map<number, number>} lit As in `litFlags`.
 * @returns {number} How many lit songs are drawn in their colours: those that match the filter and are not hidden.
 */
export function countLit(flags, lit) {
  return [...lit.keys()].filter((index) => (flags[index] & (LIT | HIDDEN)) === LIT).length;
}

/**
 * @param {Moment|null} moment @param {(index: number) => number|null} newIndex The new index of a song; null if it has none.
 * @returns {Moment|null} The moment on a map on which songs have other indices; null if its own song has none.
 */
export function renumberedMoment(moment, newIndex) {
  const index = moment && newIndex(moment.index);
  if (!moment || index === null) return null;
  const lit = new Map();
  for (const [song, similarity] of moment.lit) {
    const now = newIndex(song);
    if (now !== null) lit.set(now, similarity);
  }
  const moments = moment.moments.flatMap((other) => {
    const now = newIndex(other.index);
    return now === null ? [] : [{ ...other, index: now }];
  });
  return { ...moment, index, lit, moments };
}
