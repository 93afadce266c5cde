/** Going across the map with the arrow keys. */
import assert from "node:assert/strict";
import test from "node:test";
import { load, makeRandom } from "../page.mjs";

const { walk } = load("map/walk");
const all = () => true;
const nextSong = (points, key, matches = all) => walk.nearestInDirection(points, 0, walk.DIRECTIONS[key], matches);

test("each arrow key goes in its direction; up is up on the map", () => {
  const cross = { x: [0, -1, 1, 0, 0], y: [0, 0, 0, 1, -1] };
  assert.equal(nextSong(cross, "ArrowLeft"), 1);
  assert.equal(nextSong(cross, "ArrowRight"), 2);
  assert.equal(nextSong(cross, "ArrowUp"), 3);
  assert.equal(nextSong(cross, "ArrowDown"), 4);
});

test("a song too far to the side is not found, and a distance at right angles counts twice", () => {
  assert.equal(nextSong({ x: [0, 1], y: [0, 1.3] }, "ArrowRight"), null);
  assert.equal(nextSong({ x: [0, 1, 2], y: [0, 0.9, 0] }, "ArrowRight"), 2);
  assert.equal(nextSong({ x: [0, 1, 3], y: [0, 0.5, 0] }, "ArrowRight"), 1);
});

test("no song is found beyond the edge, nor in the same place", () => {
  assert.equal(nextSong({ x: [0, -1, 0], y: [0, 0, 0] }, "ArrowRight"), null);
});

test("songs that are filtered out or hidden are skipped", () => {
  const row = { x: [0, 1, 2, 3], y: [0, 0, 0, 0] };
  assert.equal(nextSong(row, "ArrowRight", (i) => i > 2), 3);
  assert.equal(nextSong(row, "ArrowRight", () => false), null);
});

test("steps in one direction never go back", () => {
  const random = makeRandom(11);
  const points = { x: Array.from({ length: 200 }, random), y: Array.from({ length: 200 }, random) };
  for (const [key, sign] of [["ArrowLeft", -1], ["ArrowRight", 1]]) {
    let from = 0;
    for (let next = 0; next !== null; next = walk.nearestInDirection(points, from, walk.DIRECTIONS[key], all)) {
      assert.ok(sign * (points.x[next] - points.x[from]) >= 0);
      from = next;
    }
  }
});
