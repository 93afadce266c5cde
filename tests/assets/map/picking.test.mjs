/** Which songs are near a pixel. */
import assert from "node:assert/strict";
import test from "node:test";
import { update } from "../../../assets/core/state.js";
import { around, inTheMiddle, nearest } from "../../../assets/map/picking.js";
import { PIXELS, makeDocument, makeMap } from "./frame.mjs";

makeDocument();

/** Show songs in a row on a map whose units are pixels. */
function showSongs(xs, options) {
  update({ map: makeMap(xs.map((x) => [x, 0]), options), viewport: PIXELS });
}

test("the nearest song comes first, filtered-out songs come last, and hidden songs are left out", () => {
  const xs = [0, 3, 6, 9];
  showSongs(xs);
  assert.equal(nearest(4, 0, 14), 1);
  showSongs(xs, { filteredOut: [1] });
  assert.equal(nearest(4, 0, 14), 2);
  assert.equal(nearest(3, 0, 2), 1);
  assert.equal(nearest(3, 0, 2, { onlyMatching: true }), null);
  showSongs(xs, { filteredOut: [1], hidden: [2] });
  assert.deepEqual(around(4, 0, 4), [0, 3]);
  assert.equal(nearest(6, 0, 1), null);
});

test("there is no nearest song if none is within the radius, nor without a map", () => {
  showSongs([0]);
  assert.equal(nearest(15, 0, 14), null);
  update({ map: null });
  assert.equal(nearest(0, 0, 14), null);
  assert.deepEqual(around(0, 0, 14), []);
});

test("if few songs are near a pixel, songs further away are also found", () => {
  const xs = [0, 50, 100, 200, 5000];
  showSongs(xs);
  assert.deepEqual(around(0, 0, 3), [0, 1, 2]);
  assert.deepEqual(around(0, 0, 9), [0, 1, 2, 3]);
  showSongs(xs, { filteredOut: [1] });
  assert.deepEqual(around(0, 0, 3), [0, 2, 3]);
});

test("a distance is in pixels at any zoom, and other places make another grid", () => {
  // The middle of the free area, at pixel 500, is at 500 on the map.
  showSongs([500, 510]);
  update({ viewport: { x: 500, y: 0, scale: 0.5 } });
  assert.equal(nearest(519, 404, 14), 1);
  assert.equal(nearest(533, 404, 14), 1);
  assert.equal(nearest(535, 404, 14), null);
  assert.equal(inTheMiddle(), 0);
});
