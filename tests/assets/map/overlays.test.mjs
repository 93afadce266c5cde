/** Where the names of groups stand on the map. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { overlays } = load("map/overlays");
const FREE = { left: 0, right: 1000, top: 0, bottom: 800 };
const box = (left, top) => ({ left, right: left + 100, top, bottom: top + 20 });
const group = (name, boxes, rank = 0) => ({ name, rank, boxes });
const arrange = (groups, { points = [], isClose = false } = {}) =>
  overlays.arrange(groups, { free: FREE, points, isClose }).map((found) => found && [found.left, found.top]);

test("a name stands where it covers the fewest points", () => {
  const points = [{ x: 150, y: 110 }, { x: 160, y: 112 }, { x: 150, y: 310 }];
  assert.deepEqual(arrange([group("a", [box(100, 100), box(100, 300)])], { points }), [[100, 300]]);
  assert.deepEqual(arrange([group("a", [box(100, 100), box(100, 300)])]), [[100, 100]]);
});

test("a name gives way to those of larger groups, or waits for a closer look", () => {
  const larger = group("a", [box(100, 100)]);
  assert.deepEqual(arrange([larger, group("b", [box(150, 105), box(150, 300)])]), [[100, 100], [150, 300]]);
  assert.deepEqual(arrange([larger, group("b", [box(150, 105)])]), [[100, 100], undefined]);
});

test("a name stands inside the free area", () => {
  assert.deepEqual(arrange([group("a", [box(-90, 100), box(950, 100), box(100, 790)])]), [undefined]);
});

test("the lesser places of a group are named from near only, and not beside its other name", () => {
  const groups = [group("a", [box(100, 100)]), group("a", [box(600, 100)], 1), group("a", [box(150, 200)], 1)];
  assert.deepEqual(arrange(groups), [[100, 100], undefined, undefined]);
  assert.deepEqual(arrange(groups, { isClose: true }), [[100, 100], [600, 100], undefined]);
});
