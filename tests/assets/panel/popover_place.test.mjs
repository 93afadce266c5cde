/** Where the card of a button is drawn. */
import assert from "node:assert/strict";
import test from "node:test";
import { placeBeside } from "../../../assets/panel/popover_place.js";

const window = { width: 1000, height: 800 };
const button = (left, top) => ({ left, top, right: left + 40, bottom: top + 40 });

test("a card is below its button, and begins where it begins", () => {
  assert.deepEqual(placeBeside(button(100, 10), { width: 300, height: 200 }, window), { left: 100, top: 58, height: 200 });
});

test("a card that would leave the window at the right ends where its button ends", () => {
  assert.equal(placeBeside(button(900, 10), { width: 300, height: 200 }, window).left, 640);
});

test("a card is above a button at the bottom", () => {
  assert.deepEqual(placeBeside(button(100, 700), { width: 300, height: 200 }, window), { left: 100, top: 492, height: 200 });
});

test("a card never leaves the window: one that is too high is lower", () => {
  for (const top of [0, 200, 380, 600, 760]) {
    for (const left of [0, 150, 280]) {
      const box = placeBeside(button(left, top), { width: 300, height: 2000 }, { width: 320, height: 800 });
      assert.ok(box.left >= 8 && box.left + 300 <= 312);
      assert.ok(box.top >= 8 && box.top + box.height <= 792 && box.height >= 300, `${top}`);
    }
  }
});
