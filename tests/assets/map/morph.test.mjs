/** The animation between two projections. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const explorer = load("core/start", "map/morph");

test("each coordinate moves linearly from its old to its new value", () => {
  const [before, after] = [Float32Array.of(0, 10, 4, 4), Float32Array.of(100, 20, 4, 0)];
  const at = (progress) => [0, 1, 2, 3].map((i) => explorer.morph.interpolate(before, after, i, progress));
  assert.deepEqual(at(0), [...before]);
  assert.deepEqual(at(0.5), [50, 15, 4, 2]);
  assert.deepEqual(at(1), [...after]);
});

test("the movement is slow at both ends, fast in the middle, and never goes back", () => {
  const values = Array.from({ length: 101 }, (_, i) => explorer.ease(i / 100));
  assert.equal(values[0], 0);
  assert.equal(values[50], 0.5);
  assert.equal(values[100], 1);
  const steps = values.slice(1).map((value, i) => value - values[i]);
  assert.ok(steps.every((step) => step > 0));
  assert.ok(steps[49] > 10 * steps[0] && steps[50] > 10 * steps[99]);
});

test("there is no animation with many points, or if the system asks for less motion", () => {
  const points = (count) => ({ x: new Float32Array(count), y: new Float32Array(count) });
  const isAnimated = (count, prefersReducedMotion) => {
    explorer.map = { points: points(count), frameOnMap: () => ({ left: 0, top: 0, unitsPerPixelX: 1, unitsPerPixelY: 1 }) };
    explorer.prefersReducedMotion = () => prefersReducedMotion;
    return explorer.morph.capturePixels() !== null;
  };
  const max = explorer.morph.MAX_POINTS;
  assert.deepEqual([isAnimated(24, false), isAnimated(max, false), isAnimated(max + 1, false), isAnimated(24, true)], [true, true, false, false]);
});
