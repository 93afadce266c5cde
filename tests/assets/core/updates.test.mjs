/** What is said of songs that were indexed since the page was drawn. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { updates } = load("core/updates");
const describe = (more, isOther, problem = "") => updates.describe({ more, isOther, problem });

test("new songs are counted, and offered where they have places already or need some", () => {
  assert.deepEqual(describe(3, true), { text: "3 new songs on the map", offer: "Show" });
  assert.deepEqual(describe(1, true), { text: "1 new song on the map", offer: "Show" });
  assert.deepEqual(describe(1, false), { text: "1 new song", offer: "Add to the map" });
  assert.deepEqual(describe(1200, false), { text: "1,200 new songs", offer: "Add to the map" });
});

test("another map without more songs is a changed map", () => {
  assert.equal(describe(0, true).text, "The map has changed");
  assert.equal(describe(-2, true).text, "The map has changed");
});

test("why the map could not be drawn is told until there is another one", () => {
  assert.equal(describe(3, false, "The disk is full.").text, "The disk is full.");
  assert.equal(describe(3, true, "The disk is full.").text, "3 new songs on the map");
});
