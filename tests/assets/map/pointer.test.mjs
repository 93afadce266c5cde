/** The pointer: which songs lie near a place. */
import assert from "node:assert/strict";
import test from "node:test";
import { load, makeRandom } from "../page.mjs";

const random = makeRandom(3);
const UNIT = { across: 0.01, down: 0.02 };

/** @returns {number[]} The points within reach, the slow way. */
function slowly({ x, y }, at, reach) {
  return [...x.keys()].filter((i) => Math.hypot((x[i] - at.x) / UNIT.across, (y[i] - at.y) / UNIT.down) <= reach);
}

test("a grid finds the same points as looking at each of them", () => {
  const { pointer } = load("map/pointer");
  for (const count of [1, 2, 24, 3000]) {
    const points = { x: Float64Array.from({ length: count }, random), y: Float64Array.from({ length: count }, () => 5 * random()) };
    const grid = pointer.makeGrid(points);
    for (let i = 0; i < 60; i++) {
      const at = { x: 1.4 * random() - 0.2, y: 6 * random() - 0.5 };
      const found = pointer.inGrid(grid, at, UNIT, 14).map(({ index }) => index);
      assert.deepEqual(found.toSorted((a, b) => a - b), slowly(points, at, 14));
    }
  }
});

test("a grid holds points that all lie in one place, and none at all", () => {
  const { pointer } = load("map/pointer");
  const same = pointer.makeGrid({ x: [1, 1, 1], y: [2, 2, 2] });
  assert.deepEqual(pointer.inGrid(same, { x: 1, y: 2 }, UNIT, 1).map(({ index }) => index), [0, 1, 2]);
  assert.deepEqual(pointer.inGrid(pointer.makeGrid({ x: [], y: [] }), { x: 0, y: 0 }, UNIT, 99), []);
});

/** The part of the page's map that the pointer asks: one map unit is one pixel. */
function placeOnMap(points, { unlit = [], hidden = [] } = {}) {
  const explorer = load("map/pointer");
  explorer.map = {
    plot: { _fullLayout: { xaxis: {} } },
    frameOnMap: () => ({ across: 1, down: 1 }),
    toPlace: (x, y) => ({ x, y }),
    isLit: (i) => !unlit.includes(i) && !hidden.includes(i),
    isHidden: (i) => hidden.includes(i),
  };
  explorer.pointer.measure(points);
  return explorer.pointer;
}

test("the nearest song comes first, those filtered out come last, and hidden ones never", () => {
  const points = { x: [0, 3, 6, 9], y: [0, 0, 0, 0] };
  assert.equal(placeOnMap(points).nearest(4, 0, 14), 1);
  assert.equal(placeOnMap(points, { unlit: [1] }).nearest(4, 0, 14), 2);
  const { length, ...found } = placeOnMap(points, { unlit: [1], hidden: [2] }).within(4, 0, 14).map(({ index }) => index);
  assert.deepEqual(Object.values(found), [0, 3, 1]);
  assert.equal(placeOnMap(points, { unlit: [1] }).nearest(3, 0, 2, { onlyLit: true }), null);
});

test("nothing is near where no song is within reach", () => {
  assert.equal(placeOnMap({ x: [0], y: [0] }).nearest(15, 0, 14), null);
});

test("songs around a place are found further away where few are near", () => {
  const points = { x: [0, 50, 100, 200, 5000], y: [0, 0, 0, 0, 0] };
  assert.deepEqual(placeOnMap(points).around(0, 0, 3), [0, 1, 2]);
  assert.deepEqual(placeOnMap(points, { unlit: [1] }).around(0, 0, 3), [0, 2, 3]);
  assert.deepEqual(placeOnMap(points).around(0, 0, 9), [0, 1, 2, 3]);
});
