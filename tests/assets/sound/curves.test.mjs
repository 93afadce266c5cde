/** How sounds fade. */
import assert from "node:assert/strict";
import test from "node:test";
import { fadeInCurve, fadeOutCurve, volumeInFade } from "../../../assets/sound/curves.js";
import { isNear } from "../page.mjs";

test("a cross-fade keeps the total power constant", () => {
  const [fadeIn, fadeOut] = [fadeInCurve(), fadeOutCurve(1)];
  assert.equal(fadeIn.length, fadeOut.length);
  fadeIn.forEach((gain, i) => assert.ok(isNear(gain ** 2 + fadeOut[i] ** 2, 1, 1e-6)));
  assert.ok(isNear(fadeIn[0], 0) && isNear(fadeIn.at(-1), 1) && isNear(fadeOut.at(-1), 0, 1e-6));
});

test("a preview that ends during its fade-in fades out from its current gain", () => {
  const fadeOut = fadeOutCurve(0.5);
  assert.ok(isNear(fadeOut[0], Math.SQRT1_2, 1e-6));
  assert.ok(fadeOut.every((gain, i) => i === 0 || gain < fadeOut[i - 1]));
});

test("the song's volume goes straight from one value to the other, and stays between 0 and 1", () => {
  for (const [from, to, progress, expected] of [
    [0.8, 0, 0, 0.8],
    [0.8, 0, 0.5, 0.4],
    [0, 0.6, 1.7, 0.6],
    [0, 0.6, -0.2, 0],
  ]) {
    assert.ok(isNear(volumeInFade(from, to, progress), expected), `${from} ${to} ${progress}`);
  }
});
