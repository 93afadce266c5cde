/** The selection: the songs inside a shape, and the order of the list. */
import assert from "node:assert/strict";
import test from "node:test";
import { load, makeRandom } from "../page.mjs";

const { selection } = load("panel/selection");
const all = () => true;
const corners = (...places) => places.map(([x, y]) => ({ x, y }));

test("a box has the same corners in whichever direction it was drawn", () => {
  const expected = [[1, 2], [5, 2], [5, 9], [1, 9]];
  assert.deepEqual(selection.cornersOf({ kind: "box", points: [[1, 2], [5, 9]] }), expected);
  const reversed = selection.cornersOf({ kind: "box", points: [[5, 9], [1, 2]] });
  assert.deepEqual(reversed.toSorted(), expected.toSorted());
  const lasso = [[0, 0], [3, 1], [2, 4]];
  assert.deepEqual(selection.cornersOf({ kind: "lasso", points: lasso }), lasso);
});

test("the songs inside a shape are selected from left to right", () => {
  const points = { x: [2, 1, 3, 9], y: [1, 2, 3, 1] };
  assert.deepEqual(selection.inside(corners([0, 0], [4, 0], [4, 4], [0, 4]), points, all), [1, 0, 2]);
});

test("a gap in the outline of a lasso is not inside it", () => {
  // The shape of the letter U.
  const shape = corners([0, 0], [6, 0], [6, 6], [4, 6], [4, 2], [2, 2], [2, 6], [0, 6]);
  const points = { x: [1, 3, 3, 5], y: [5, 5, 1, 5] };
  assert.deepEqual(selection.inside(shape, points, all), [0, 2, 3]);
});

test("a polygon contains the same points as the circle that it approximates", () => {
  const random = makeRandom(5);
  const points = { x: Array.from({ length: 500 }, () => 4 * random() - 2), y: Array.from({ length: 500 }, () => 4 * random() - 2) };
  const circle = corners(...Array.from({ length: 720 }, (_, i) => [Math.cos((i * Math.PI) / 360), Math.sin((i * Math.PI) / 360)]));
  const expected = points.x.map((_, i) => i).filter((i) => Math.hypot(points.x[i], points.y[i]) < 1);
  assert.ok(expected.length > 50);
  assert.deepEqual(selection.inside(circle, points, all).toSorted((a, b) => a - b), expected);
});

test("songs that do not match the filter are not selected", () => {
  const points = { x: [1, 2], y: [1, 1] };
  assert.deepEqual(selection.inside(corners([0, 0], [4, 0], [4, 4], [0, 4]), points, (i) => i === 1), [1]);
});

test("a song moves to another place in the list, and the playing song stays the playing one", () => {
  const songs = [7, 8, 9, 10];
  for (const [index, to, expected] of [
    [7, 1, [8, 7, 9, 10]],
    [9, 0, [9, 7, 8, 10]],
    [7, 3, [8, 9, 10, 7]],
  ]) {
    assert.deepEqual(selection.moved({ songs, position: null }, index, to), { songs: expected, position: null });
    const moved = selection.moved({ songs, position: 2 }, index, to);
    assert.equal(moved.songs[moved.position], 9);
  }
  assert.deepEqual(songs, [7, 8, 9, 10]);
});

test("a song cannot move out of the list, nor to its own place", () => {
  for (const [index, to] of [[7, -1], [9, 3], [8, 1]]) {
    assert.equal(selection.moved({ songs: [7, 8, 9], position: 0 }, index, to), null);
  }
});

test("songs are removed from the list, and the playing song stays the playing one", () => {
  const list = { songs: [7, 8, 9], position: 1 };
  assert.deepEqual(selection.filtered(list, (index) => index !== 7), { songs: [8, 9], position: 0 });
  assert.deepEqual(selection.filtered(list, (index) => index !== 9), { songs: [7, 8], position: 1 });
  assert.deepEqual(selection.filtered(list, (index) => index !== 8), { songs: [7, 9], position: null });
  assert.deepEqual(selection.filtered({ songs: [7, 8], position: null }, (index) => index !== 7), { songs: [8], position: null });
});

test("the first place follows the last one, in both directions", () => {
  assert.deepEqual([0, 1, 2].map((position) => selection.positionAfter(position, 1, 3)), [1, 2, 0]);
  assert.deepEqual([0, 1, 2].map((position) => selection.positionAfter(position, -1, 3)), [2, 0, 1]);
});

test("the last song of a list has a next one only if the list wraps around", () => {
  Object.assign(selection, { songs: [4, 5], position: 1 });
  assert.equal(selection.hasNext(false), false);
  assert.equal(selection.hasNext(true), true);
  selection.position = 0;
  assert.equal(selection.hasNext(false), true);
});

test("Shift draws a lasso without a tool, and adds songs with a tool", () => {
  const shape = (tool, shiftKey) => {
    selection.tool = tool;
    return selection.shapeFor({ shiftKey });
  };
  assert.equal(shape(null, false), null);
  assert.deepEqual(shape(null, true), { kind: "lasso", adds: false });
  assert.deepEqual(shape("box", false), { kind: "box", adds: false });
  assert.deepEqual(shape("box", true), { kind: "box", adds: true });
});
