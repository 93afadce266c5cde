/** The selection: what a lasso encloses, and the order of its list. */
import assert from "node:assert/strict";
import test from "node:test";
import { load, makeRandom } from "../page.mjs";

const { selection } = load("panel/selection");
const all = () => true;
const corners = (...places) => places.map(([x, y]) => ({ x, y }));

test("a box has the corners that its diagonal spans, whichever way it was drawn", () => {
  const wanted = [[1, 2], [5, 2], [5, 9], [1, 9]];
  assert.deepEqual(selection.cornersOf({ kind: "box", points: [[1, 2], [5, 9]] }), wanted);
  const other = selection.cornersOf({ kind: "box", points: [[5, 9], [1, 2]] });
  assert.deepEqual(other.toSorted(), wanted.toSorted());
  const lasso = [[0, 0], [3, 1], [2, 4]];
  assert.deepEqual(selection.cornersOf({ kind: "lasso", points: lasso }), lasso);
});

test("songs inside a shape are chosen from left to right", () => {
  const points = { x: [2, 1, 3, 9], y: [1, 2, 3, 1] };
  assert.deepEqual(selection.inside(corners([0, 0], [4, 0], [4, 4], [0, 4]), points, all), [1, 0, 2]);
});

test("a hollow of a lasso is not inside it", () => {
  // The letter U.
  const shape = corners([0, 0], [6, 0], [6, 6], [4, 6], [4, 2], [2, 2], [2, 6], [0, 6]);
  const points = { x: [1, 3, 3, 5], y: [5, 5, 1, 5] };
  assert.deepEqual(selection.inside(shape, points, all), [0, 2, 3]);
});

test("a polygon encloses the same points as a circle that it approximates", () => {
  const random = makeRandom(5);
  const points = { x: Array.from({ length: 500 }, () => 4 * random() - 2), y: Array.from({ length: 500 }, () => 4 * random() - 2) };
  const circle = corners(...Array.from({ length: 720 }, (_, i) => [Math.cos((i * Math.PI) / 360), Math.sin((i * Math.PI) / 360)]));
  const expected = points.x.map((_, i) => i).filter((i) => Math.hypot(points.x[i], points.y[i]) < 1);
  assert.ok(expected.length > 50);
  assert.deepEqual(selection.inside(circle, points, all).toSorted((a, b) => a - b), expected);
});

test("songs that are not lit are not chosen", () => {
  const points = { x: [1, 2], y: [1, 1] };
  assert.deepEqual(selection.inside(corners([0, 0], [4, 0], [4, 4], [0, 4]), points, (i) => i === 1), [1]);
});

test("a song moves to a place of the list, and the playing one keeps playing", () => {
  const songs = [7, 8, 9, 10];
  for (const [index, to, expected] of [
    [7, 1, [8, 7, 9, 10]],
    [9, 0, [9, 7, 8, 10]],
    [7, 3, [8, 9, 10, 7]],
  ]) {
    assert.deepEqual(selection.moved({ songs, at: null }, index, to), { songs: expected, at: null });
    const moved = selection.moved({ songs, at: 2 }, index, to);
    assert.equal(moved.songs[moved.at], 9);
  }
  assert.deepEqual(songs, [7, 8, 9, 10]);
});

test("a song cannot move out of the list, nor to where it is", () => {
  for (const [index, to] of [[7, -1], [9, 3], [8, 1]]) {
    assert.equal(selection.moved({ songs: [7, 8, 9], at: 0 }, index, to), null);
  }
});

test("songs leave the list, and the playing one is still the playing one", () => {
  const list = { songs: [7, 8, 9], at: 1 };
  assert.deepEqual(selection.only(list, (index) => index !== 7), { songs: [8, 9], at: 0 });
  assert.deepEqual(selection.only(list, (index) => index !== 9), { songs: [7, 8], at: 1 });
  assert.deepEqual(selection.only(list, (index) => index !== 8), { songs: [7, 9], at: null });
  assert.deepEqual(selection.only({ songs: [7, 8], at: null }, (index) => index !== 7), { songs: [8], at: null });
});

test("after the last place comes the first, and before the first the last", () => {
  assert.deepEqual([0, 1, 2].map((at) => selection.placeAfter(at, 1, 3)), [1, 2, 0]);
  assert.deepEqual([0, 1, 2].map((at) => selection.placeAfter(at, -1, 3)), [2, 0, 1]);
});

test("a list that does not start again has no song after its last one", () => {
  Object.assign(selection, { songs: [4, 5], at: 1 });
  assert.equal(selection.hasNext(false), false);
  assert.equal(selection.hasNext(true), true);
  selection.at = 0;
  assert.equal(selection.hasNext(false), true);
});

test("Shift chooses without a tool, and adds with one", () => {
  const shape = (tool, shiftKey) => {
    selection.tool = tool;
    return selection.shapeFor({ shiftKey });
  };
  assert.equal(shape(null, false), null);
  assert.deepEqual(shape(null, true), { kind: "lasso", adds: false });
  assert.deepEqual(shape("box", false), { kind: "box", adds: false });
  assert.deepEqual(shape("box", true), { kind: "box", adds: true });
});
