/** What the search shows for the server's answers. */
import assert from "node:assert/strict";
import test, { mock } from "node:test";
import { noteResults, noteText } from "../../../assets/core/search.js";

const RESULTS = [{ value: "song:1", label: "Nocturne" }];

mock.timers.enable({ apis: ["setTimeout"] });
globalThis.requestAnimationFrame = () => 0;
globalThis.document = { activeElement: null };
/** What the field shows now. */
const shown = {};
globalThis.window = { dash_clientside: { set_props: (_id, props) => Object.assign(shown, props) } };
/** @returns {[number, string]} The number of results, and what the list says without any. */
const seen = () => [shown.data.length, shown.nothingFoundMessage];

test("there are no results only by an answer's own text and results", () => {
  noteText("noc");
  assert.equal(shown.nothingFoundMessage, "Searching…");
  // Earlier results leave the list a moment before the answer comes.
  mock.timers.tick(400);
  noteResults("noc", RESULTS);
  assert.deepEqual(shown.data, RESULTS);
  mock.timers.tick(3000);
  assert.deepEqual(shown.data, RESULTS);
  // The answer for an earlier text.
  noteText("noct");
  noteResults("noc", []);
  assert.deepEqual(seen(), [1, "Searching…"]);
  mock.timers.tick(400);
  assert.deepEqual(seen(), [0, "Searching…"]);
  // The user takes back a letter: this text has been answered.
  noteText("noc");
  assert.equal(seen()[0], 1);
  noteText("");
  assert.deepEqual(seen(), [0, null]);
});
