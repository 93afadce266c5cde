/** What happens to the page when a new map is shown by itself. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { growth } = load("core/growth");
const idle = { isPressed: false, usesGroups: false, elapsedMs: 3000, songCount: 240 };

test("a new map is shown, but not while the user drags, nor too often for its size", () => {
  assert.equal(growth.decide(idle), "show");
  assert.equal(growth.decide({ ...idle, isPressed: true }), "wait");
  assert.equal(growth.decide({ ...idle, elapsedMs: 1000 }), "wait");
  assert.equal(growth.decide({ ...idle, songCount: 10_000 }), "wait");
  assert.equal(growth.decide({ ...idle, songCount: 10_000, elapsedMs: 10_001 }), "show");
  assert.equal(growth.decide({ ...idle, songCount: 1_000_000, elapsedMs: 60_001 }), "show");
});

test("while only some clusters are shown, the user is asked: the new map has others", () => {
  assert.equal(growth.decide({ ...idle, usesGroups: true }), "ask");
  assert.equal(growth.decide({ ...idle, usesGroups: true, isPressed: true }), "ask");
});

const MOVED = Int32Array.of(2, 0, -1);

test("old pixels get the songs' new indices; new songs have none", () => {
  const pixels = [...growth.reordered(Float32Array.of(1, 2, 3, 4, 5, 6), MOVED, 4)];
  assert.deepEqual(pixels, [3, 4, NaN, NaN, 1, 2, NaN, NaN]);
});

test("if two maps come before a drawing, the songs of the drawn map get their indices on the last one", () => {
  assert.equal(growth.composed(null, MOVED), MOVED);
  assert.deepEqual([...growth.composed(Int32Array.of(1, -1, 0, 2), MOVED)], [0, -1, 2, -1]);
});

test("a new map waits until the lasso is drawn", async () => {
  const shown = [];
  globalThis.explorer.lasso = { shape: { kind: "lasso" } };
  globalThis.explorer.map = { prepare: (figure) => shown.push(figure) };
  globalThis.fetch = async () => ({ ok: false });
  const prepared = growth.prepareNewMap("figure", 1, 2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(shown, []);
  globalThis.explorer.lasso.shape = null;
  await prepared;
  assert.deepEqual(shown, ["figure"]);
});

test("only a visible move needs an animation; songs that are gone do not count", () => {
  const before = Float32Array.of(10, 10, 20, 20, 0, 0);
  assert.equal(growth.isVisible(before, Float32Array.of(20, 21, 5, 5, 10, 10), MOVED), false);
  assert.equal(growth.isVisible(before, Float32Array.of(20, 22, 5, 5, 10, 10), MOVED), true);
});

test("a column of a figure is read from base64, or as it is", () => {
  const bytes = Buffer.from(Float32Array.of(1.5, -2).buffer);
  assert.deepEqual([...growth.numbersOf({ dtype: "f4", bdata: bytes.toString("base64") })], [1.5, -2]);
  assert.deepEqual([...growth.numbersOf({ dtype: "f8", bdata: Buffer.from(Float64Array.of(0.25).buffer).toString("base64") })], [0.25]);
  assert.deepEqual(growth.numbersOf([3]), [3]);
});

test("songs that are not on the new map lose their index", () => {
  const next = (index) => growth.next(MOVED, index);
  assert.deepEqual([0, 1, 2, 3, null, undefined].map(next), [2, 0, null, null, null, null]);
  const songs = [{ index: 0, title: "a" }, { index: 2, title: "b" }, { index: 1, title: "c" }];
  assert.deepEqual(growth.renumbered(songs, next), [{ index: 2, title: "a" }, { index: 0, title: "c" }]);
});
