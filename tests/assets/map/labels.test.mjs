/** Where the names of groups are placed on the map. */
import assert from "node:assert/strict";
import test from "node:test";
import { HIDDEN } from "../../../assets/map/flags.js";
import { arrange, sampled } from "../../../assets/map/labels.js";

const FREE = { left: 0, right: 1000, top: 0, bottom: 800 };
const box = (left, top) => ({ left, right: left + 100, top, bottom: top + 20 });
const label = (name, boxes, rank = 0) => ({ name, rank, boxes });
const placesOf = (all, { points = [], isClose = false, covered = [] } = {}) =>
  arrange(all, { free: FREE, points, isClose, covered }).map((place) => place && [place.left, place.top]);

test("a label is placed where it covers the fewest points", () => {
  const points = [150, 110, 160, 112, 150, 310];
  assert.deepEqual(placesOf([label("a", [box(100, 100), box(100, 300)])], { points }), [[100, 300]]);
  assert.deepEqual(placesOf([label("a", [box(100, 100), box(100, 300)])]), [[100, 100]]);
});

test("a label does not overlap the label of a larger group; it moves or is hidden", () => {
  const larger = label("a", [box(100, 100)]);
  assert.deepEqual(placesOf([larger, label("b", [box(150, 105), box(150, 300)])]), [[100, 100], [150, 300]]);
  assert.deepEqual(placesOf([larger, label("b", [box(150, 105)])]), [[100, 100], undefined]);
});

test("a label is placed where no small card covers it", () => {
  const bar = { left: 100, right: 400, top: 90, bottom: 126 };
  assert.deepEqual(placesOf([label("a", [box(150, 100), box(150, 130)])], { covered: [bar] }), [[150, 130]]);
  assert.deepEqual(placesOf([label("a", [box(150, 100)])], { covered: [bar] }), [undefined]);
});

test("a label is placed inside the free area", () => {
  assert.deepEqual(placesOf([label("a", [box(-90, 100), box(950, 100), box(100, 790)])]), [undefined]);
});

test("a group's smaller dense areas have labels only when the map is zoomed in, and not near its first label", () => {
  const all = [label("a", [box(100, 100)]), label("a", [box(600, 100)], 1), label("a", [box(150, 200)], 1)];
  assert.deepEqual(placesOf(all), [[100, 100], undefined, undefined]);
  assert.deepEqual(placesOf(all, { isClose: true }), [[100, 100], [600, 100], undefined]);
});

test("labels avoid some of the songs that are not hidden, and all of them if they are few", () => {
  const places = Float32Array.from({ length: 200_000 }, (_, i) => i);
  const flags = new Uint8Array(100_000);
  const count = sampled({ count: 100_000, places, flags }).length / 2;
  assert.ok(count > 1000 && count <= 3000);
  flags[1] = HIDDEN;
  assert.deepEqual([...sampled({ count: 3, places, flags })], [0, 1, 4, 5]);
});
