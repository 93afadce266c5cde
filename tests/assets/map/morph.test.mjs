/** Points glide from one projection to the next. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const explorer = load("core/start", "map/morph");

test("each coordinate goes straight from its old place to its new one", () => {
  const [before, after] = [Float32Array.of(0, 10, 4, 4), Float32Array.of(100, 20, 4, 0)];
  const at = (share) => [0, 1, 2, 3].map((i) => explorer.morph.between(before, after, i, share));
  assert.deepEqual(at(0), [...before]);
  assert.deepEqual(at(0.5), [50, 15, 4, 2]);
  assert.deepEqual(at(1), [...after]);
});

test("movement is slow at both ends and fast between them, and never goes back", () => {
  const shares = Array.from({ length: 101 }, (_, i) => explorer.ease(i / 100));
  assert.equal(shares[0], 0);
  assert.equal(shares[50], 0.5);
  assert.equal(shares[100], 1);
  const steps = shares.slice(1).map((share, i) => share - shares[i]);
  assert.ok(steps.every((step) => step > 0));
  assert.ok(steps[49] > 10 * steps[0] && steps[50] > 10 * steps[99]);
});

test("many points, and people who want no motion, have no gliding", () => {
  const points = (count) => ({ x: new Float32Array(count), y: new Float32Array(count) });
  const remembers = (count, isStill) => {
    explorer.map = { points: points(count), frameOnMap: () => ({ left: 0, top: 0, across: 1, down: 1 }) };
    explorer.prefersStillness = () => isStill;
    return explorer.morph.remember() !== null;
  };
  const most = explorer.morph.MOST_POINTS;
  assert.deepEqual([remembers(24, false), remembers(most, false), remembers(most + 1, false), remembers(24, true)], [true, true, false, false]);
});
