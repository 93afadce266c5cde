/** What the page says about an index run. */
import assert from "node:assert/strict";
import test from "node:test";
import * as progress from "../../../assets/core/progress_text.js";

const run = (stage, done = 0, total = 0, seconds = null) => ({ stage, done, total, seconds_left: seconds });
const describe = (index, firstLook = false, problem = "") => progress.describe({ index, first_look: firstLook, problem });

test("the stages of a first look are named, with how far they are", () => {
  const look = describe(run("first look", 240, 1000), true);
  assert.equal(look.text, "First look: 240 of 1,000");
  assert.equal(look.share, 0.24);
  assert.match(look.note, /rough/);
  const full = describe(run("full", 120, 1000, 3 * 3600), true);
  assert.equal(full.text, "Heard in full: 120 of 1,000");
  assert.match(full.note, /first look.*About 3 h left/);
  assert.equal(describe(run("full", 1, 3), false).text, "Adding songs: 1 of 3");
});

test("a map from a first look says so also when nothing goes on", () => {
  assert.match(describe(null, true).note, /first look/);
  assert.equal(describe(null, false), null);
});

test("what passes quickly, on a page with a map, is not worth a word", () => {
  for (const stage of ["starting", "scan", "map"]) assert.equal(describe(run(stage)), null);
});

test("the reason why indexing has ended comes first", () => {
  assert.equal(describe(null, true, "The weights are missing.").note, "The weights are missing.");
});

test("without a map, the notice says what goes on", () => {
  assert.deepEqual(progress.describeWithoutMap(run("scan")), { text: "Looking for songs in your folder …", share: null });
  assert.deepEqual(progress.describeWithoutMap(run("first look", 12, 48)), { text: "First look: 12 of 48 songs", share: 0.25 });
  assert.equal(progress.describeWithoutMap(run("full", 0, 1)).text, "0 of 1 song heard in full");
  assert.equal(progress.describeWithoutMap(run("full", 1, 9, 600)).text, "1 of 9 songs heard in full · about 10 min left");
});

test("an estimate is rounded, in the unit that fits", () => {
  const left = (seconds) => progress.timeLeft({ seconds_left: seconds });
  assert.equal(left(null), "");
  assert.equal(left(3), "About 10 s left");
  assert.equal(left(44), "About 40 s left");
  assert.equal(left(600), "About 10 min left");
  assert.equal(left(80 * 3600), "About 3 days left");
});

test("screen readers hear how far it is when a stage begins and at each quarter, not at each song", () => {
  const milestones = new Set();
  for (let done = 0; done <= 100; done++) milestones.add(progress.milestoneOf(describe(run("first look", done, 100), true)));
  for (let done = 0; done < 30; done++) milestones.add(progress.milestoneOf(describe(run("full", done, 100), true)));
  assert.equal(milestones.size, 5 + 2);
});

test("a redraw is offered while the shown places are those of the first look, unless they are kept", () => {
  const layouts = { pca: 60, tsne: 60 };
  const isOffered = (projection, these = layouts, kept = null) => progress.isRedrawOffered({ projection, layouts: these, kept });
  assert.equal(isOffered("tsne"), true);
  assert.equal(isOffered("original"), true);
  assert.equal(isOffered("umap"), false);
  assert.equal(isOffered("tsne", {}), false);
  assert.equal(isOffered("tsne", layouts, JSON.stringify(layouts)), false);
  assert.equal(isOffered("tsne", { tsne: 900 }, JSON.stringify(layouts)), true);
});
