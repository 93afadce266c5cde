/** Where the card of a button is drawn. */
import assert from "node:assert/strict";
import test from "node:test";
import { placeBeside } from "../../../assets/panel/popover_place.js";

const window = { left: 0, top: 0, right: 1000, bottom: 800 };
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
      const box = placeBeside(button(left, top), { width: 300, height: 2000 }, { ...window, right: 320 });
      assert.ok(box.left >= 8 && box.left + 300 <= 312);
      assert.ok(box.top >= 8 && box.top + box.height <= 792 && box.height >= 300, `${top}`);
    }
  }
});

test("a card that fits neither above nor below is beside the tools, between the header and the player", () => {
  const free = { left: 0, top: 56, right: 720, bottom: 386 };
  const around = { left: 616, top: 226, right: 712, bottom: 378 };
  const box = placeBeside({ ...around, right: 660 }, { width: 264, height: 400 }, free, around);
  assert.deepEqual(box, { left: 344, top: 64, height: 314 });
  // A smaller card ends where the tools end.
  assert.deepEqual(placeBeside(around, { width: 200, height: 180 }, free), { left: 408, top: 198, height: 180 });
  assert.deepEqual(placeBeside({ ...around, left: 8, right: 104 }, { width: 200, height: 180 }, free).left, 112);
});
