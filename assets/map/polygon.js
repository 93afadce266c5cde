/** The songs inside a shape on the map. Pure functions. */

import { HIDDEN, LIT } from "./flags.js";

/** The shape's height is divided into this many bands. A song is tested only against the edges in its band. */
const BANDS = 512;
/** Songs are sorted by digits of this many bits. */
const DIGIT_BITS = 11;
const DIGITS = 2 ** DIGIT_BITS;

/**
 * @param {{kind: "lasso"|"box", points: number[][]}} shape In pixels. A box has two opposite corners.
 * @returns {number[][]} The shape's corners in pixels.
 */
export function cornersOf({ kind, points }) {
  if (kind !== "box") return points;
  const [left, top] = points[0];
  const [right, bottom] = points[points.length - 1];
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}

/**
 * Find the songs inside a polygon by the even-odd rule: a ray from an inside point to the right crosses an odd number of
 * edges.
 * @param {{x: number, y: number}[]} corners In map units.
 * @param {Float32Array} places x0, y0, x1, y1 and so on.
 * @param {Uint8Array} flags Only songs that match the filter and are not hidden are found.
 * @returns {number[]} The songs' indices, from left to right.
 */
export function songsInside(corners, places, flags) {
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [bottom, top] = [Math.min(...ys), Math.max(...ys)];
  if (!(top > bottom)) return [];
  const bands = edgesByBand(corners, bottom, top);
  const bandsPerUnit = BANDS / (top - bottom);
  const inside = new Uint32Array(flags.length);
  let count = 0;
  for (let i = 0; i < flags.length; i++) {
    const x = places[2 * i];
    const y = places[2 * i + 1];
    if (x < left || x > right || y < bottom || y > top || (flags[i] & (LIT | HIDDEN)) !== LIT) continue;
    const edges = bands[Math.min(Math.floor((y - bottom) * bandsPerUnit), BANDS - 1)];
    let isInside = false;
    for (let k = 0; k < edges.length; k += 4) {
      const ay = edges[k + 1];
      const by = edges[k + 3];
      if (ay > y === by > y) continue;
      const ax = edges[k];
      if (x < ((edges[k + 2] - ax) * (y - ay)) / (by - ay) + ax) isInside = !isInside;
    }
    if (isInside) inside[count++] = i;
  }
  return Array.from(sortedByX(inside.subarray(0, count), places));
}

/**
 * @param {{x: number, y: number}[]} corners @param {number} bottom @param {number} top
 * @returns {Float64Array[]} The edges in each band, as x and y of both ends.
 */
function edgesByBand(corners, bottom, top) {
  const bandOf = (/** @type {number} */ y) => Math.min(Math.floor(((y - bottom) * BANDS) / (top - bottom)), BANDS - 1);
  const bands = Array.from({ length: BANDS }, () => /** @type {number[]} */ ([]));
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % corners.length];
    const last = Math.min(bandOf(Math.max(a.y, b.y)) + 1, BANDS - 1);
    // One band more at each end: rounding must not put a song and its edge into different bands.
    for (let band = Math.max(bandOf(Math.min(a.y, b.y)) - 1, 0); band <= last; band++) bands[band].push(a.x, a.y, b.x, b.y);
  });
  return bands.map((edges) => Float64Array.from(edges));
}

/**
 * Sort songs by their x coordinate, digit by digit of its bits (radix sort): with a million songs, a comparison function is
 * several times as slow.
 * @param {Uint32Array} songs @param {Float32Array} places @returns {Uint32Array} New, or the same array.
 */
function sortedByX(songs, places) {
  const { length } = songs;
  let [from, to] = /** @type {Uint32Array[]} */ ([songs, new Uint32Array(length)]);
  let [keysFrom, keysTo] = /** @type {Uint32Array[]} */ ([orderedBits(songs, places), new Uint32Array(length)]);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    const starts = new Uint32Array(DIGITS + 1);
    for (let i = 0; i < length; i++) starts[((keysFrom[i] >>> shift) & (DIGITS - 1)) + 1] += 1;
    for (let digit = 0; digit < DIGITS; digit++) starts[digit + 1] += starts[digit];
    for (let i = 0; i < length; i++) {
      const at = starts[(keysFrom[i] >>> shift) & (DIGITS - 1)]++;
      to[at] = from[i];
      keysTo[at] = keysFrom[i];
    }
    [from, to] = [to, from];
    [keysFrom, keysTo] = [keysTo, keysFrom];
  }
  return from;
}

/** @param {Uint32Array} songs @param {Float32Array} places @returns {Uint32Array} Whole numbers that have the same order as the songs' x. */
function orderedBits(songs, places) {
  const bits = new Uint32Array(places.buffer, places.byteOffset, places.length);
  const keys = new Uint32Array(songs.length);
  for (let i = 0; i < songs.length; i++) {
    const value = bits[2 * songs[i]];
    // The bits of negative floats count backwards, and their sign bit is 1.
    keys[i] = value & 0x80000000 ? ~value : value | 0x80000000;
  }
  return keys;
}
