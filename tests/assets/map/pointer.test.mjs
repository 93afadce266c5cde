/** The pointer: which songs are near a pixel. */
import assert from "node:assert/strict";
import test from "node:test";
import { load, makeRandom } from "../page.mjs";

const random = makeRandom(3);
const UNITS = { unitsPerPixelX: 0.01, unitsPerPixelY: 0.02 };

/** @returns {number[]} The points within a radius, found by checking every point. */
function findByBruteForce({ x, y }, centre, radius) {
  const distance = (i) => Math.hypot((x[i] - centre.x) / UNITS.unitsPerPixelX, (y[i] - centre.y) / UNITS.unitsPerPixelY);
  return [...x.keys()].filter((i) => distance(i) <= radius);
}

test("the grid finds the same points as checking every point", () => {
  const { pointer } = load("map/pointer");
  for (const count of [1, 2, 24, 3000]) {
    const points = { x: Float64Array.from({ length: count }, random), y: Float64Array.from({ length: count }, () => 5 * random()) };
    const grid = pointer.makeGrid(points);
    for (let i = 0; i < 60; i++) {
      const centre = { x: 1.4 * random() - 0.2, y: 6 * random() - 0.5 };
      const found = pointer.findInGrid(grid, centre, UNITS, 14).map(({ index }) => index);
      assert.deepEqual(found.toSorted((a, b) => a - b), findByBruteForce(points, centre, 14));
    }
  }
});

test("the grid works if all points are in one place, and without points", () => {
  const { pointer } = load("map/pointer");
  const same = pointer.makeGrid({ x: [1, 1, 1], y: [2, 2, 2] });
  assert.deepEqual(pointer.findInGrid(same, { x: 1, y: 2 }, UNITS, 1).map(({ index }) => index), [0, 1, 2]);
  assert.deepEqual(pointer.findInGrid(pointer.makeGrid({ x: [], y: [] }), { x: 0, y: 0 }, UNITS, 99), []);
});

/** @returns {object} A pointer on a map of some points, on which one map unit is one pixel. */
function pointerOn(points, { filteredOut = [], hidden = [] } = {}) {
  const explorer = load("map/pointer");
  explorer.map = {
    plot: { _fullLayout: { xaxis: {} } },
    frameOnMap: () => ({ unitsPerPixelX: 1, unitsPerPixelY: 1 }),
    toMap: (x, y) => ({ x, y }),
    matchesFilter: (i) => !filteredOut.includes(i) && !hidden.includes(i),
    isHidden: (i) => hidden.includes(i),
  };
  explorer.pointer.setPoints(points);
  return explorer.pointer;
}

test("the nearest song comes first, filtered-out songs come last, and hidden songs are left out", () => {
  const points = { x: [0, 3, 6, 9], y: [0, 0, 0, 0] };
  assert.equal(pointerOn(points).nearest(4, 0, 14), 1);
  assert.equal(pointerOn(points, { filteredOut: [1] }).nearest(4, 0, 14), 2);
  const songs = pointerOn(points, { filteredOut: [1], hidden: [2] }).songsWithin(4, 0, 14).map(({ index }) => index);
  assert.deepEqual([...songs], [0, 3, 1]);
  assert.equal(pointerOn(points, { filteredOut: [1] }).nearest(3, 0, 2, { onlyMatching: true }), null);
});

test("there is no nearest song if none is within the radius", () => {
  assert.equal(pointerOn({ x: [0], y: [0] }).nearest(15, 0, 14), null);
});

test("if few songs are near a pixel, songs further away are also found", () => {
  const points = { x: [0, 50, 100, 200, 5000], y: [0, 0, 0, 0, 0] };
  assert.deepEqual(pointerOn(points).around(0, 0, 3), [0, 1, 2]);
  assert.deepEqual(pointerOn(points, { filteredOut: [1] }).around(0, 0, 3), [0, 2, 3]);
  assert.deepEqual(pointerOn(points).around(0, 0, 9), [0, 1, 2, 3]);
});
