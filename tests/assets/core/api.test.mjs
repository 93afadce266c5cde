/** Requests for songs: texts about them, and the cache of the server's answers. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const TODAY = new Date("2026-11-26T12:00:00Z");

test("a text names the artist and the genres; what is unknown is left out", () => {
  const { api } = load("core/api");
  assert.equal(api.artistAndGenres({ artist: "One", genres: ["Waltz", "Slow"] }), "One · Waltz, Slow");
  assert.equal(api.artistAndGenres({ artist: "", genres: ["Waltz"] }), "Waltz");
  assert.equal(api.artistAndGenres({ artist: "One", genres: [] }), "One");
  assert.equal(api.artistAndGenres({ artist: "", genres: [] }), "");
});

test("the date since when a file is missing has a year only if it is not the current year", () => {
  const { api } = load("core/api");
  assert.equal(api.missingSince({ gone_since: "2026-02-03T12:00:00+00:00" }, TODAY), "3 February");
  assert.equal(api.missingSince({ gone_since: "2025-11-03T12:00:00+00:00" }, TODAY), "3 November 2025");
});

test("a text says how many other songs have the same sound", () => {
  const { api } = load("core/api");
  assert.equal(api.sameSoundText({ same_sound_count: 0 }), "");
  assert.equal(api.sameSoundText({ same_sound_count: 1 }), "1 other song has the same sound");
  assert.equal(api.sameSoundText({ same_sound_count: 1200 }), "1,200 other songs have the same sound");
});

test("an answer is requested once, and again after a failure", async () => {
  const { api } = load("core/api");
  let requests = 0;
  const request = async () => {
    requests += 1;
    if (requests === 1) throw new Error("busy");
    return "a song";
  };
  await assert.rejects(api.fetchOnce(api.songCache, 4, request), /busy/);
  assert.equal(await api.fetchOnce(api.songCache, 4, request), "a song");
  assert.equal(await api.fetchOnce(api.songCache, 4, request), "a song");
  assert.equal(requests, 2);
});

test("a full cache drops its oldest answer", async () => {
  const { api } = load("core/api");
  api.MAX_CACHED = 3;
  for (const index of [0, 1, 2, 3]) await api.fetchOnce(api.songCache, index, async () => index);
  assert.deepEqual([...api.songCache.keys()], [1, 2, 3]);
});

test("a new map revision clears the cache", () => {
  const { api } = load("core/api");
  assert.equal(api.setRevision(1), false);
  api.songCache.set(4, "a song");
  assert.equal(api.setRevision(1), false);
  assert.equal(api.songCache.size, 1);
  assert.equal(api.setRevision(2), true);
  assert.equal(api.songCache.size, 0);
});
