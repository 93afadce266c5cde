/** Walking over the map by the arrow keys. */
import assert from "node:assert/strict";
import test from "node:test";
import { load, makeRandom } from "../page.mjs";

const { walk } = load("map/walk");
const all = () => true;
const towards = (points, key, isLit = all) => walk.nearestTowards(points, 0, walk.DIRECTIONS[key], isLit);

test("each arrow goes its own way; up is up on the map", () => {
  const cross = { x: [0, -1, 1, 0, 0], y: [0, 0, 0, 1, -1] };
  assert.equal(towards(cross, "ArrowLeft"), 1);
  assert.equal(towards(cross, "ArrowRight"), 2);
  assert.equal(towards(cross, "ArrowUp"), 3);
  assert.equal(towards(cross, "ArrowDown"), 4);
});

test("a song far aside is not in the direction, and sideways counts double", () => {
  assert.equal(towards({ x: [0, 1], y: [0, 1.3] }, "ArrowRight"), null);
  assert.equal(towards({ x: [0, 1, 2], y: [0, 0.9, 0] }, "ArrowRight"), 2);
  assert.equal(towards({ x: [0, 1, 3], y: [0, 0.5, 0] }, "ArrowRight"), 1);
});

test("there is nothing further at the edge, nor in the same place", () => {
  assert.equal(towards({ x: [0, -1, 0], y: [0, 0, 0] }, "ArrowRight"), null);
});

test("songs that are filtered out or hidden are passed", () => {
  const row = { x: [0, 1, 2, 3], y: [0, 0, 0, 0] };
  assert.equal(towards(row, "ArrowRight", (i) => i > 2), 3);
  assert.equal(towards(row, "ArrowRight", () => false), null);
});

test("a step and the next never go back", () => {
  const random = makeRandom(11);
  const points = { x: Array.from({ length: 200 }, random), y: Array.from({ length: 200 }, random) };
  for (const [key, way] of [["ArrowLeft", -1], ["ArrowRight", 1]]) {
    let at = 0;
    for (let next = 0; next !== null; next = walk.nearestTowards(points, at, walk.DIRECTIONS[key], all)) {
      assert.ok(way * (points.x[next] - points.x[at]) >= 0);
      at = next;
    }
  }
});
