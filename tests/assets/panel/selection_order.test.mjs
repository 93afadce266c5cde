/** The order of the selection's list, and the position of the song that plays. */
import assert from "node:assert/strict";
import test from "node:test";
import { filtered, joined, moved, positionAfter } from "../../../assets/panel/selection_order.js";

test("songs are added after those of before, and none twice", () => {
  assert.deepEqual(joined([], [3, 1, 2]), [3, 1, 2]);
  const before = [5, 4];
  assert.deepEqual(joined(before, [3, 4, 6]), [5, 4, 3, 6]);
  assert.deepEqual(before, [5, 4]);
});

test("when a song moves in the list, the position still belongs to the song that plays", () => {
  const songs = [7, 8, 9, 10];
  for (const [index, to, expected] of [
    [7, 1, [8, 7, 9, 10]],
    [9, 0, [9, 7, 8, 10]],
    [7, 3, [8, 9, 10, 7]],
  ]) {
    assert.deepEqual(moved({ songs, position: null }, index, to), { songs: expected, position: null });
    const after = moved({ songs, position: 2 }, index, to);
    assert.equal(after.songs[after.position], 9);
  }
  assert.deepEqual(songs, [7, 8, 9, 10]);
});

test("a song cannot move out of the list, nor to its own position", () => {
  for (const [index, to] of [[7, -1], [9, 3], [8, 1]]) {
    assert.equal(moved({ songs: [7, 8, 9], position: 0 }, index, to), null);
  }
});

test("when songs are removed from the list, the position still belongs to the song that plays", () => {
  const list = { songs: [7, 8, 9], position: 1 };
  assert.deepEqual(filtered(list, (index) => index !== 7), { songs: [8, 9], position: 0 });
  assert.deepEqual(filtered(list, (index) => index !== 9), { songs: [7, 8], position: 1 });
  assert.deepEqual(filtered(list, (index) => index !== 8), { songs: [7, 9], position: null });
  assert.deepEqual(filtered({ songs: [7, 8], position: null }, (index) => index !== 7), { songs: [8], position: null });
});

test("the first position follows the last one, in both directions", () => {
  assert.deepEqual([0, 1, 2].map((position) => positionAfter(position, 1, 3)), [1, 2, 0]);
  assert.deepEqual([0, 1, 2].map((position) => positionAfter(position, -1, 3)), [2, 0, 1]);
});
