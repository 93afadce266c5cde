/** Which songs are near a pixel of the map. The grid of the songs answers. */

import { state } from "../core/state.js";
import { frameOnMap, freeArea, toMap } from "./camera.js";
import { HIDDEN, LIT } from "./flags.js";
import { findNearest } from "./grid.js";
import { gridNow } from "./song_grid.js";

/** `around` finds no songs further away than this. */
const AROUND_PX = 480;

/**
 * Find the songs nearest to a pixel that are not hidden.
 * @param {number} px @param {number} py @param {number} radiusPx @param {number} count
 * @param {boolean} isLit Whether they match the filter.
 * @returns {number[]} The nearest first.
 */
function nearestSongs(px, py, radiusPx, count, isLit) {
  const grid = gridNow();
  if (!grid || !state.map) return [];
  const { x, y } = toMap(px, py);
  const condition = { flags: state.map.flags, mask: LIT | HIDDEN, value: isLit ? LIT : 0 };
  return findNearest(grid, x, y, radiusPx * frameOnMap().unitsPerPixel, count, condition).map(({ index }) => index);
}

/**
 * @param {number} px @param {number} py @param {number} radiusPx
 * @param {{onlyMatching?: boolean}} [options] Whether songs that do not match the filter are left out.
 * @returns {number|null} The nearest song within a radius of a pixel that matches the filter; if there is none, the nearest
 *   other one that is not hidden.
 */
export function nearest(px, py, radiusPx, { onlyMatching = false } = {}) {
  const [matching] = nearestSongs(px, py, radiusPx, 1, true);
  return matching ?? (onlyMatching ? null : (nearestSongs(px, py, radiusPx, 1, false)[0] ?? null));
}

/** @param {number} px @param {number} py @param {number} count @returns {number[]} Up to `count` matching songs around a pixel, the nearest first. */
export function around(px, py, count) {
  return nearestSongs(px, py, AROUND_PX, count, true);
}

/** @returns {number|null} The matching song nearest to the middle of the free area; null if none is near it. */
export function inTheMiddle() {
  const { left, right, top, bottom } = freeArea();
  return around((left + right) / 2, (top + bottom) / 2, 1)[0] ?? null;
}
