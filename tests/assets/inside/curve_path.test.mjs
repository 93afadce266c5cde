/** The shapes of the curves of loudness and brightness. */
import assert from "node:assert/strict";
import test from "node:test";
import { brightnessRange, curvePaths, loudnessRange } from "../../../assets/inside/curve_path.js";

test("a steady loudness is shown flat, and silence does not make the rest flat", () => {
  assert.deepEqual(loudnessRange([-14, -14]), { limits: [-20, -8], text: "−20 to −8 LUFS" });
  assert.deepEqual(loudnessRange([-70, null, -10, -20]).limits, [-50, -10]);
  assert.deepEqual(loudnessRange([-30, -10]).limits, [-30, -10]);
  assert.deepEqual([loudnessRange([]), loudnessRange([null])], [null, null]);
});

test("brightness begins at 0 Hz", () => {
  assert.deepEqual(brightnessRange([1200, 2140]), { limits: [0, 2140], text: "0 to 2.1 kHz" });
  assert.deepEqual(brightnessRange([200, null]).limits, [0, 1000]);
  assert.equal(brightnessRange([null]), null);
});

test("values lie in the middle of their seconds, on the song's axis", () => {
  const { line, area } = curvePaths([0, 10], 1, 4, [0, 10]);
  assert.equal(line, "M0 100L125 100L375 0L500 0");
  assert.equal(area, "M0 100L0 100L125 100L375 0L500 0L500 100Z");
});

test("where nothing was measured, the curve has a gap", () => {
  const { line } = curvePaths([5, null, 5, 5], 1, 4, [0, 10]);
  assert.equal(line, "M0 50L125 50L250 50M500 50L625 50L875 50L1000 50");
  assert.deepEqual(curvePaths([null], 1, 1, [0, 1]), { line: "", area: "" });
});

test("a very short song has a curve, and values beyond the song's end stay in the picture", () => {
  assert.equal(curvePaths([5], 1, 0.3, [0, 10]).line, "M0 50L1000 50L1000 50");
  const { line } = curvePaths([-99, 99], 1, 2, [0, 10]);
  assert.deepEqual(line.match(/ (\d+)/g).map(Number), [100, 100, 0, 0]);
  // A range without height.
  assert.ok(!curvePaths([5], 1, 1, [5, 5]).line.includes("NaN"));
});
