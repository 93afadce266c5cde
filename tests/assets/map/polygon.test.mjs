/** The songs inside a lasso or box. */
import assert from "node:assert/strict";
import test from "node:test";
import { HIDDEN, LIT } from "../../../assets/map/flags.js";
import { cornersOf, songsInside } from "../../../assets/map/polygon.js";
import { makeRandom } from "../page.mjs";

const corners = (...places) => places.map(([x, y]) => ({ x, y }));
const SQUARE = corners([0, 0], [4, 0], [4, 4], [0, 4]);
const inside = (shape, points, flags = points.map(() => LIT)) => songsInside(shape, Float32Array.from(points.flat()), Uint8Array.from(flags));

test("a box has the same corners in whichever direction it was drawn", () => {
  const expected = [[1, 2], [5, 2], [5, 9], [1, 9]];
  assert.deepEqual(cornersOf({ kind: "box", points: [[1, 2], [5, 9]] }), expected);
  assert.deepEqual(cornersOf({ kind: "box", points: [[5, 9], [1, 2]] }).toSorted(), expected.toSorted());
  const points = [[0, 0], [3, 1], [2, 4]];
  assert.deepEqual(cornersOf({ kind: "lasso", points }), points);
});

test("the songs inside a shape are selected from left to right", () => {
  assert.deepEqual(inside(SQUARE, [[2, 1], [1, 2], [3, 3], [9, 1], [2, 3]]), [1, 0, 4, 2]);
});

test("the area between the arms of a U-shaped lasso is outside it", () => {
  const shape = corners([0, 0], [6, 0], [6, 6], [4, 6], [4, 2], [2, 2], [2, 6], [0, 6]);
  assert.deepEqual(inside(shape, [[1, 5], [3, 5], [3, 1], [5, 5]]), [0, 2, 3]);
});

test("songs that do not match the filter, and hidden songs, are not selected", () => {
  assert.deepEqual(inside(SQUARE, [[1, 1], [2, 1], [3, 1]], [0, LIT, LIT | HIDDEN]), [1]);
});

test("a shape without an area has no songs inside", () => {
  for (const shape of [[], corners([1, 1]), corners([0, 1], [4, 1])]) assert.deepEqual(inside(shape, [[1, 1]]), []);
});

/** @returns {boolean} Whether a place is inside a polygon, by a test against every edge. */
function isInside(shape, [x, y]) {
  const crossed = shape.filter((a, i) => {
    const b = shape[(i + 1) % shape.length];
    return a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x;
  });
  return crossed.length % 2 === 1;
}

test("a lasso that crosses itself contains the same songs as a test against every edge", () => {
  const random = makeRandom(5);
  const points = Array.from({ length: 4000 }, () => [4 * random() - 2, 4 * random() - 2].map(Math.fround));
  // Few corners make edges through many bands; many corners make many edges in a band.
  for (const count of [3, 17, 900]) {
    const angles = Array.from({ length: count }, (_, i) => (4 * Math.PI * i) / count);
    const shape = angles.map((angle) => ({ x: (0.5 + random()) * Math.cos(angle), y: (0.5 + random()) * Math.sin(angle) }));
    const expected = points.map((_, i) => i).filter((i) => isInside(shape, points[i]));
    assert.ok(expected.length > 50);
    assert.deepEqual(inside(shape, points), expected.toSorted((a, b) => points[a][0] - points[b][0]));
  }
});
