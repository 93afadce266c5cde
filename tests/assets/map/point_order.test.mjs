/** The order in which points are drawn. */
import assert from "node:assert/strict";
import test from "node:test";
import { CHOSEN, HIDDEN, LIT, MISSING } from "../../../assets/map/flags.js";
import { drawOrder, randomOrder, sampleRanges } from "../../../assets/map/point_order.js";

test("the order has every song once, is the same each time, and its beginning is a fair sample", () => {
  const order = randomOrder(10_000);
  assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: 10_000 }, (_, i) => i));
  assert.deepEqual(randomOrder(10_000), order);
  const lower = order.subarray(0, 1000).filter((song) => song < 5000).length;
  assert.ok(lower > 430 && lower < 570, String(lower));
});

test("songs that do not match come first, then missing and chosen ones last, hidden ones not at all", () => {
  const flags = Uint8Array.of(LIT, 0, LIT | HIDDEN, CHOSEN, LIT | MISSING, LIT | CHOSEN, HIDDEN | CHOSEN, LIT, MISSING);
  const { songs, ...counts } = drawOrder(flags, Uint32Array.of(8, 7, 6, 5, 4, 3, 2, 1, 0));
  assert.deepEqual([...songs], [8, 1, 7, 0, 4, 5, 3]);
  assert.deepEqual(counts, { unlit: 2, lit: 2, missing: 1, chosen: 2 });
});

test("a sample has a share of each part, and all chosen songs unless they are very many", () => {
  const order = { unlit: 10, lit: 100, missing: 20, chosen: 3 };
  assert.deepEqual(sampleRanges(order, 0.1), [[0, 1], [10, 20], [110, 112], [130, 133]]);
  assert.deepEqual(sampleRanges(order, 1), [[0, 10], [10, 110], [110, 130], [130, 133]]);
  assert.deepEqual(sampleRanges({ ...order, unlit: 0, missing: 0, chosen: 0 }, 0.5), [[0, 50]]);
  assert.deepEqual(sampleRanges({ unlit: 0, lit: 0, missing: 0, chosen: 100_000 }, 0.1), [[0, 10_000]]);
});
