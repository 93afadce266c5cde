/** The lasso and box tools: a shape's corners, and the songs inside it. */
import assert from "node:assert/strict";
import test from "node:test";
import { load, makeRandom } from "../page.mjs";

const { lasso } = load("map/lasso");
const all = () => true;
const corners = (...places) => places.map(([x, y]) => ({ x, y }));

test("a box has the same corners in whichever direction it was drawn", () => {
  const expected = [[1, 2], [5, 2], [5, 9], [1, 9]];
  assert.deepEqual(lasso.cornersOf({ kind: "box", points: [[1, 2], [5, 9]] }), expected);
  const reversed = lasso.cornersOf({ kind: "box", points: [[5, 9], [1, 2]] });
  assert.deepEqual(reversed.toSorted(), expected.toSorted());
  const points = [[0, 0], [3, 1], [2, 4]];
  assert.deepEqual(lasso.cornersOf({ kind: "lasso", points }), points);
});

test("the songs inside a shape are selected from left to right", () => {
  const points = { x: [2, 1, 3, 9], y: [1, 2, 3, 1] };
  assert.deepEqual(lasso.songsInside(corners([0, 0], [4, 0], [4, 4], [0, 4]), points, all), [1, 0, 2]);
});

test("the area between the arms of a U-shaped lasso is outside it", () => {
  const shape = corners([0, 0], [6, 0], [6, 6], [4, 6], [4, 2], [2, 2], [2, 6], [0, 6]);
  const points = { x: [1, 3, 3, 5], y: [5, 5, 1, 5] };
  assert.deepEqual(lasso.songsInside(shape, points, all), [0, 2, 3]);
});

test("a polygon contains the same points as the circle that it approximates", () => {
  const random = makeRandom(5);
  const points = { x: Array.from({ length: 500 }, () => 4 * random() - 2), y: Array.from({ length: 500 }, () => 4 * random() - 2) };
  const circle = corners(...Array.from({ length: 720 }, (_, i) => [Math.cos((i * Math.PI) / 360), Math.sin((i * Math.PI) / 360)]));
  const expected = points.x.map((_, i) => i).filter((i) => Math.hypot(points.x[i], points.y[i]) < 1);
  assert.ok(expected.length > 50);
  assert.deepEqual(lasso.songsInside(circle, points, all).toSorted((a, b) => a - b), expected);
});

test("songs that do not match the filter are not selected", () => {
  const points = { x: [1, 2], y: [1, 1] };
  assert.deepEqual(lasso.songsInside(corners([0, 0], [4, 0], [4, 4], [0, 4]), points, (i) => i === 1), [1]);
});

test("Shift draws a lasso without a tool, and adds songs with a tool", () => {
  const shape = (tool, shiftKey) => {
    lasso.tool = tool;
    return lasso.shapeFor({ shiftKey });
  };
  assert.equal(shape(null, false), null);
  assert.deepEqual(shape(null, true), { kind: "lasso", adds: false });
  assert.deepEqual(shape("box", false), { kind: "box", adds: false });
  assert.deepEqual(shape("box", true), { kind: "box", adds: true });
});
