/** Texts about songs. */
import assert from "node:assert/strict";
import test from "node:test";
import * as text from "../../../assets/core/text.js";

const TODAY = new Date("2026-11-26T12:00:00Z");

test("a text names the artist and the genres; what is unknown is left out", () => {
  assert.equal(text.artistAndGenres({ artist: "One", genres: ["Waltz", "Slow"] }), "One · Waltz, Slow");
  assert.equal(text.artistAndGenres({ artist: "", genres: ["Waltz"] }), "Waltz");
  assert.equal(text.artistAndGenres({ artist: "One", genres: [] }), "One");
  assert.equal(text.artistAndGenres({ artist: "", genres: [] }), "");
});

test("the date since when a file is missing has a year only if it is not the current year", () => {
  assert.equal(text.missingSince({ gone_since: "2026-02-03T12:00:00+00:00" }, TODAY), "3 February");
  assert.equal(text.missingSince({ gone_since: "2025-11-03T12:00:00+00:00" }, TODAY), "3 November 2025");
});

test("a text says how many other songs have the same sound", () => {
  assert.equal(text.sameSoundText({ same_sound_count: 0 }), "");
  assert.equal(text.sameSoundText({ same_sound_count: 1 }), "1 other song has the same sound");
  assert.equal(text.sameSoundText({ same_sound_count: 1200 }), "1,200 other songs have the same sound");
});

test("a time has hours only if it needs them", () => {
  assert.deepEqual([0, 7, 187, 3723, null, NaN].map(text.formatTime), ["0:00", "0:07", "3:07", "1:02:03", "0:00", "0:00"]);
});
