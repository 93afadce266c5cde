/** The text and the button that offer new songs. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { updates } = load("core/updates");
const describe = (newCount, isNewMap, problem = "") => updates.describe({ newCount, isNewMap, problem });

test("new songs are counted; the button shows the new map, or starts the drawing of one", () => {
  assert.deepEqual(describe(3, true), { text: "3 new songs on the map", buttonLabel: "Show" });
  assert.deepEqual(describe(1, true), { text: "1 new song on the map", buttonLabel: "Show" });
  assert.deepEqual(describe(1, false), { text: "1 new song", buttonLabel: "Add to the map" });
  assert.deepEqual(describe(1200, false), { text: "1,200 new songs", buttonLabel: "Add to the map" });
});

test("the text says that the map has changed if a new map has no new songs", () => {
  assert.equal(describe(0, true).text, "The map has changed");
  assert.equal(describe(-2, true).text, "The map has changed");
});

test("the reason why a map could not be drawn is shown until there is a new map", () => {
  assert.equal(describe(3, false, "The disk is full.").text, "The disk is full.");
  assert.equal(describe(3, true, "The disk is full.").text, "3 new songs on the map");
});
