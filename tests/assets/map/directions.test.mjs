/** Going across the map with the arrow keys. */
import assert from "node:assert/strict";
import test from "node:test";
import { DIRECTIONS, nearestInDirection } from "../../../assets/map/directions.js";
import { HIDDEN, LIT } from "../../../assets/map/flags.js";
import { makeRandom } from "../page.mjs";

/** @returns {number|null} The song that a key goes to from the first one. */
function nextSong(points, key, flags = points.map(() => LIT)) {
  return nearestInDirection(Float32Array.from(points.flat()), Uint8Array.from(flags), 0, DIRECTIONS[key]);
}

test("each arrow key goes in its direction; up is up on the map", () => {
  const cross = [[0, 0], [-1, 0], [1, 0], [0, 1], [0, -1]];
  assert.deepEqual(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => nextSong(cross, key)), [1, 2, 3, 4]);
});

test("a song too far to the side is not found, and a distance at right angles counts twice", () => {
  assert.equal(nextSong([[0, 0], [1, 1.3]], "ArrowRight"), null);
  assert.equal(nextSong([[0, 0], [1, 0.9], [2, 0]], "ArrowRight"), 2);
  assert.equal(nextSong([[0, 0], [1, 0.5], [3, 0]], "ArrowRight"), 1);
});

test("no song is found beyond the edge, nor in the same place", () => {
  assert.equal(nextSong([[0, 0], [-1, 0], [0, 0]], "ArrowRight"), null);
});

test("songs that are filtered out or hidden are skipped", () => {
  const row = [[0, 0], [1, 0], [2, 0], [3, 0]];
  assert.equal(nextSong(row, "ArrowRight", [LIT, 0, LIT | HIDDEN, LIT]), 3);
  assert.equal(nextSong(row, "ArrowRight", [LIT, 0, 0, HIDDEN]), null);
});

test("steps in one direction never go back", () => {
  const random = makeRandom(11);
  const places = Float32Array.from({ length: 400 }, random);
  const flags = new Uint8Array(200).fill(LIT);
  for (const [key, sign] of [["ArrowLeft", -1], ["ArrowRight", 1]]) {
    let steps = 0;
    for (let from = 100; ; steps++) {
      const next = nearestInDirection(places, flags, from, DIRECTIONS[key]);
      if (next === null) break;
      assert.ok(sign * (places[2 * next] - places[2 * from]) >= 0);
      from = next;
    }
    assert.ok(steps > 2);
  }
});
