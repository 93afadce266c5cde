/** What is said of songs, and which answers of the server are kept. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./page.mjs";

const TODAY = new Date("2026-11-26T12:00:00Z");

test("a song's line has its artist and its genres, or what there is of them", () => {
  const { songs } = load("songs");
  assert.equal(songs.byline({ artist: "One", genres: ["Waltz", "Slow"] }), "One · Waltz, Slow");
  assert.equal(songs.byline({ artist: "", genres: ["Waltz"] }), "Waltz");
  assert.equal(songs.byline({ artist: "One", genres: [] }), "One");
  assert.equal(songs.byline({ artist: "", genres: [] }), "");
});

test("the day since when a file is missing has its year where that is another one", () => {
  const { songs } = load("songs");
  assert.equal(songs.goneSince({ gone_since: "2026-02-03T12:00:00+00:00" }, TODAY), "3 February");
  assert.equal(songs.goneSince({ gone_since: "2025-11-03T12:00:00+00:00" }, TODAY), "3 November 2025");
});

test("songs with the same sound are counted", () => {
  const { songs } = load("songs");
  assert.equal(songs.sameSound({ twins: 0 }), "");
  assert.equal(songs.sameSound({ twins: 1 }), "1 other song has the same sound");
  assert.equal(songs.sameSound({ twins: 1200 }), "1,200 other songs have the same sound");
});

test("an answer is asked for once, and again after it failed", async () => {
  const { songs } = load("songs");
  let asked = 0;
  const ask = async () => {
    asked += 1;
    if (asked === 1) throw new Error("busy");
    return "a song";
  };
  await assert.rejects(songs.keep(songs.kept, 4, ask), /busy/);
  assert.equal(await songs.keep(songs.kept, 4, ask), "a song");
  assert.equal(await songs.keep(songs.kept, 4, ask), "a song");
  assert.equal(asked, 2);
});

test("no more answers are kept than there is room for; the oldest goes", async () => {
  const { songs } = load("songs");
  songs.MAX_KEPT = 3;
  for (const index of [0, 1, 2, 3]) await songs.keep(songs.kept, index, async () => index);
  assert.deepEqual([...songs.kept.keys()], [1, 2, 3]);
});

test("another map forgets what belongs to the one before", () => {
  const { songs } = load("songs");
  assert.equal(songs.setRevision(1), false);
  songs.kept.set(4, "a song");
  assert.equal(songs.setRevision(1), false);
  assert.equal(songs.kept.size, 1);
  assert.equal(songs.setRevision(2), true);
  assert.equal(songs.kept.size, 0);
});
