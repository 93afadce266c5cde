/** Which song is next in a direction on the map. Pure functions. */

import { HIDDEN, LIT } from "./flags.js";

/** Each arrow key's direction in pixels: right, down. @type {Object<string, [number, number]>} */
export const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** About tan(50 degrees). */
const MAX_SLOPE = 1.2;

/**
 * Find the nearest song within 50 degrees of a direction. A distance at right angles to the direction counts twice.
 * @param {Float32Array} places x0, y0, x1, y1 and so on.
 * @param {Uint8Array} flags Only songs that match the filter and are not hidden are found.
 * @param {number} from The index of the song to start from.
 * @param {[number, number]} direction As in DIRECTIONS.
 * @returns {number|null}
 */
export function nearestInDirection(places, flags, from, [right, down]) {
  const [x, y] = [places[2 * from], places[2 * from + 1]];
  let nearest = null;
  let minCost = Infinity;
  for (let i = 0; i < flags.length; i++) {
    const dx = places[2 * i] - x;
    const dy = y - places[2 * i + 1];
    const along = dx * right + dy * down;
    if (along <= 0 || along >= minCost) continue;
    const sideways = Math.abs(dx * down) + Math.abs(dy * right);
    const cost = along + 2 * sideways;
    if (cost >= minCost || sideways > MAX_SLOPE * along || (flags[i] & (LIT | HIDDEN)) !== LIT || i === from) continue;
    nearest = i;
    minCost = cost;
  }
  return nearest;
}
