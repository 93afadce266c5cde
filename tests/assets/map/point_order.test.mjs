/** The order in which points are drawn. */
import assert from "node:assert/strict";
import test from "node:test";
import { CHOSEN, HIDDEN, LIT } from "../../../assets/map/flags.js";
import { drawOrder, randomOrder, sampleRanges } from "../../../assets/map/point_order.js";

test("the order has every song once, is the same each time, and its beginning is a fair sample", () => {
  const order = randomOrder(10_000);
  assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: 10_000 }, (_, i) => i));
  assert.deepEqual(randomOrder(10_000), order);
  const lower = order.subarray(0, 1000).filter((song) => song < 5000).length;
  assert.ok(lower > 430 && lower < 570, String(lower));
});

test("songs that do not match come first, chosen ones last, hidden ones not at all", () => {
  const flags = Uint8Array.of(LIT, 0, LIT | HIDDEN, CHOSEN, LIT, LIT | CHOSEN, HIDDEN | CHOSEN);
  const { songs, ...counts } = drawOrder(flags, Uint32Array.of(6, 5, 4, 3, 2, 1, 0));
  assert.deepEqual([...songs], [1, 4, 0, 5, 3]);
  assert.deepEqual(counts, { unlit: 1, lit: 2, chosen: 2 });
});

test("a sample has a share of each part, and all chosen songs", () => {
  const order = { songs: new Uint32Array(0), unlit: 10, lit: 100, chosen: 3 };
  assert.deepEqual(sampleRanges(order, 0.1), [[0, 1], [10, 20], [110, 113]]);
  assert.deepEqual(sampleRanges(order, 1), [[0, 10], [10, 110], [110, 113]]);
  assert.deepEqual(sampleRanges({ ...order, unlit: 0, chosen: 0 }, 0.5), [[0, 50]]);
});
