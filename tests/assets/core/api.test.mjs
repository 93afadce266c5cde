/** What is said of songs, and which answers of the server are kept. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const TODAY = new Date("2026-11-26T12:00:00Z");

test("a song's line has its artist and its genres, or what there is of them", () => {
  const { api } = load("core/api");
  assert.equal(api.byline({ artist: "One", genres: ["Waltz", "Slow"] }), "One · Waltz, Slow");
  assert.equal(api.byline({ artist: "", genres: ["Waltz"] }), "Waltz");
  assert.equal(api.byline({ artist: "One", genres: [] }), "One");
  assert.equal(api.byline({ artist: "", genres: [] }), "");
});

test("the day since when a file is missing has its year where that is another one", () => {
  const { api } = load("core/api");
  assert.equal(api.goneSince({ gone_since: "2026-02-03T12:00:00+00:00" }, TODAY), "3 February");
  assert.equal(api.goneSince({ gone_since: "2025-11-03T12:00:00+00:00" }, TODAY), "3 November 2025");
});

test("songs with the same sound are counted", () => {
  const { api } = load("core/api");
  assert.equal(api.sameSound({ same_sound_count: 0 }), "");
  assert.equal(api.sameSound({ same_sound_count: 1 }), "1 other song has the same sound");
  assert.equal(api.sameSound({ same_sound_count: 1200 }), "1,200 other songs have the same sound");
});

test("an answer is asked for once, and again after it failed", async () => {
  const { api } = load("core/api");
  let asked = 0;
  const ask = async () => {
    asked += 1;
    if (asked === 1) throw new Error("busy");
    return "a song";
  };
  await assert.rejects(api.keep(api.kept, 4, ask), /busy/);
  assert.equal(await api.keep(api.kept, 4, ask), "a song");
  assert.equal(await api.keep(api.kept, 4, ask), "a song");
  assert.equal(asked, 2);
});

test("no more answers are kept than there is room for; the oldest goes", async () => {
  const { api } = load("core/api");
  api.MAX_KEPT = 3;
  for (const index of [0, 1, 2, 3]) await api.keep(api.kept, index, async () => index);
  assert.deepEqual([...api.kept.keys()], [1, 2, 3]);
});

test("another map forgets what belongs to the one before", () => {
  const { api } = load("core/api");
  assert.equal(api.setRevision(1), false);
  api.kept.set(4, "a song");
  assert.equal(api.setRevision(1), false);
  assert.equal(api.kept.size, 1);
  assert.equal(api.setRevision(2), true);
  assert.equal(api.kept.size, 0);
});
