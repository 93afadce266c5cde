/** The grid of the songs on the map that is drawn, made when it is needed. */

import { state } from "../core/state.js";
import { HIDDEN } from "./flags.js";
import { findNearest, makeGrid } from "./grid.js";

/** @type {import("./grid.js").Grid|null} */
let grid = null;

/** @returns {import("./grid.js").Grid|null} The grid, made now if need be; null without a map. */
export function gridNow() {
  if (!state.map) return null;
  if (grid?.places !== state.map.places) grid = makeGrid(state.map.places);
  return grid;
}

/** @param {number} x @param {number} y In map units. @param {number} count @returns {[number, number][]} The places of the nearest songs that are not hidden. */
export function nearestPlaces(x, y, count) {
  const grid = gridNow();
  if (!grid || !state.map) return [];
  const { places, flags } = state.map;
  const found = findNearest(grid, x, y, Infinity, count, { flags, mask: HIDDEN, value: 0 });
  return found.map(({ index }) => [places[2 * index], places[2 * index + 1]]);
}
