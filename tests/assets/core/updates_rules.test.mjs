/** The text and the button that offer new songs. */
import assert from "node:assert/strict";
import test from "node:test";
import * as updates from "../../../assets/core/updates_rules.js";

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

test("the server is asked more often while a map fills", () => {
  const pause = (stage, kind) => updates.pauseAfter({ index: stage && { stage } }, kind);
  assert.equal(pause("first look"), updates.FAST_POLL_MS);
  assert.equal(pause("starting", "listening"), updates.FAST_POLL_MS);
  assert.equal(pause("full", "listening"), updates.FAST_POLL_MS);
  assert.equal(pause("full"), updates.POLL_MS);
  assert.equal(pause(null), updates.POLL_MS);
});

test("a notice in place of the map is outdated when there is a map, or when an index run begins or ends", () => {
  const latest = { revision: 3, songs: 0, index: null, problem: "" };
  const run = { stage: "scan" };
  const isOutdated = (kind, changed) => updates.isNoticeOutdated({ kind, revision: 3 }, { ...latest, ...changed });
  assert.equal(isOutdated("empty", {}), false);
  assert.equal(isOutdated("empty", { revision: 4 }), false);
  assert.equal(isOutdated("empty", { revision: 4, songs: 60 }), true);
  assert.equal(isOutdated("empty", { index: run }), true);
  assert.equal(isOutdated("empty", { problem: "No weights." }), true);
  assert.equal(isOutdated("listening", { index: run }), false);
  assert.equal(isOutdated("listening", {}), true);
  assert.equal(isOutdated("listening", { index: run, songs: 60, revision: 4 }), true);
  assert.equal(isOutdated("broken", { problem: "No weights." }), false);
});

test("new songs are announced, but not the first map, fewer songs, or a map that fills during a first look", () => {
  assert.equal(updates.additions({ before: 30, now: 33, isFirstLook: false }), "3 new songs are on the map");
  assert.equal(updates.additions({ before: 30, now: 31, isFirstLook: false }), "1 new song is on the map");
  assert.equal(updates.additions({ before: 1000, now: 3000, isFirstLook: false }), "2,000 new songs are on the map");
  for (const maps of [{ before: null, now: 3 }, { before: 3, now: 3 }, { before: 4, now: 3 }, { before: 3, now: 9, isFirstLook: true }]) {
    assert.equal(updates.additions({ isFirstLook: false, ...maps }), "");
  }
});

test("the page waits for the new songs until the new map is drawn, or the process says that it has failed", () => {
  const wait = { asked: 3, shown: 3, newest: 3, phase: "running", elapsedMs: 100 };
  for (const [changed, expected] of [
    [{}, true],
    [{ elapsedMs: 600_000 }, true],
    // The process has not told of itself yet: an index run is at its last steps.
    [{ phase: "asked" }, true],
    [{ phase: "asked", elapsedMs: 60_000 }, false],
    // The map is ready and is being drawn.
    [{ phase: "done", newest: 4 }, true],
    [{ phase: "idle", newest: 4 }, true],
    [{ phase: "done", newest: 4, elapsedMs: 60_000 }, false],
    [{ phase: "done", newest: 4, shown: 4 }, false],
    [{ phase: "done" }, false],
    [{ phase: "failed" }, false],
    [{ phase: "cancelled" }, false],
  ]) {
    assert.equal(updates.isAdding({ ...wait, ...changed }), expected, JSON.stringify(changed));
  }
});
