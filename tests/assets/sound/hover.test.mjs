/** Hover to hear: how previews fade into one another, and which are kept. */
import assert from "node:assert/strict";
import test from "node:test";
import { isNear, load } from "../page.mjs";

const { hover } = load("sound/hover");

test("a preview that ends and one that begins keep the power of one", () => {
  const [into, away] = [hover.fadeIn(), hover.fadeAway(1)];
  assert.equal(into.length, away.length);
  into.forEach((gain, i) => assert.ok(isNear(gain ** 2 + away[i] ** 2, 1, 1e-6)));
  assert.ok(isNear(into[0], 0) && isNear(into.at(-1), 1) && isNear(away.at(-1), 0, 1e-6));
});

test("a preview that ends while it still fades in goes down from where it is", () => {
  const away = hover.fadeAway(0.5);
  assert.ok(isNear(away[0], Math.SQRT1_2, 1e-6));
  assert.ok(away.every((gain, i) => i === 0 || gain < away[i - 1]));
});

test("the previews used last are kept, and no more than there is room for", () => {
  for (let index = 0; index < hover.MOST_DECODED; index++) hover.keep(index, `preview ${index}`);
  hover.keep(0, "preview 0");
  hover.keep(99, "preview 99");
  assert.equal(hover.decoded.size, hover.MOST_DECODED);
  assert.deepEqual([0, 1, 2, 99].map((index) => hover.decoded.has(index)), [true, false, true, true]);
});
