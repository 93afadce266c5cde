/** Hover to hear: the cross-fade between previews, and the cache. */
import assert from "node:assert/strict";
import test from "node:test";
import { isNear, load } from "../page.mjs";

const { hover } = load("sound/hover");

test("a cross-fade keeps the total power constant", () => {
  const [fadeIn, fadeOut] = [hover.fadeInCurve(), hover.fadeOutCurve(1)];
  assert.equal(fadeIn.length, fadeOut.length);
  fadeIn.forEach((gain, i) => assert.ok(isNear(gain ** 2 + fadeOut[i] ** 2, 1, 1e-6)));
  assert.ok(isNear(fadeIn[0], 0) && isNear(fadeIn.at(-1), 1) && isNear(fadeOut.at(-1), 0, 1e-6));
});

test("a preview that ends during its fade-in fades out from its current gain", () => {
  const fadeOut = hover.fadeOutCurve(0.5);
  assert.ok(isNear(fadeOut[0], Math.SQRT1_2, 1e-6));
  assert.ok(fadeOut.every((gain, i) => i === 0 || gain < fadeOut[i - 1]));
});

test("the cache keeps the most recently used previews, up to its limit", () => {
  for (let index = 0; index < hover.MAX_DECODED; index++) hover.cache(index, `preview ${index}`);
  hover.cache(0, "preview 0");
  hover.cache(99, "preview 99");
  assert.equal(hover.decoded.size, hover.MAX_DECODED);
  assert.deepEqual([0, 1, 2, 99].map((index) => hover.decoded.has(index)), [true, false, true, true]);
});
