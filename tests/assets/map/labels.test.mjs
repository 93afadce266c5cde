/** Where the names of groups are placed on the map. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { labels } = load("map/labels");
const FREE = { left: 0, right: 1000, top: 0, bottom: 800 };
const box = (left, top) => ({ left, right: left + 100, top, bottom: top + 20 });
const label = (name, boxes, rank = 0) => ({ name, rank, boxes });
const arrange = (all, { points = [], isClose = false } = {}) =>
  labels.arrange(all, { free: FREE, points, isClose }).map((place) => place && [place.left, place.top]);

test("a label is placed where it covers the fewest points", () => {
  const points = [{ x: 150, y: 110 }, { x: 160, y: 112 }, { x: 150, y: 310 }];
  assert.deepEqual(arrange([label("a", [box(100, 100), box(100, 300)])], { points }), [[100, 300]]);
  assert.deepEqual(arrange([label("a", [box(100, 100), box(100, 300)])]), [[100, 100]]);
});

test("a label does not overlap the label of a larger group; it moves or is hidden", () => {
  const larger = label("a", [box(100, 100)]);
  assert.deepEqual(arrange([larger, label("b", [box(150, 105), box(150, 300)])]), [[100, 100], [150, 300]]);
  assert.deepEqual(arrange([larger, label("b", [box(150, 105)])]), [[100, 100], undefined]);
});

test("a label is placed inside the free area", () => {
  assert.deepEqual(arrange([label("a", [box(-90, 100), box(950, 100), box(100, 790)])]), [undefined]);
});

test("a group's smaller dense areas have labels only when the map is zoomed in, and not near its first label", () => {
  const all = [label("a", [box(100, 100)]), label("a", [box(600, 100)], 1), label("a", [box(150, 200)], 1)];
  assert.deepEqual(arrange(all), [[100, 100], undefined, undefined]);
  assert.deepEqual(arrange(all, { isClose: true }), [[100, 100], [600, 100], undefined]);
});
