/** Texts about songs. */
import assert from "node:assert/strict";
import test from "node:test";
import * as text from "../../../assets/core/text.js";

const TODAY = new Date("2026-11-26T12:00:00Z");

test("a text names the artist and the genres; unknown genres are left out", () => {
  assert.equal(text.artistAndGenres({ artist: "One", genres: ["Waltz", "Slow"] }), "One · Waltz, Slow");
  assert.equal(text.artistAndGenres({ artist: "", genres: ["Waltz"] }), "Unknown artist · Waltz");
  assert.equal(text.artistAndGenres({ artist: "One", genres: [] }), "One");
  assert.equal(text.artistAndGenres({ artist: "", genres: [] }), "Unknown artist");
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

test("a time is rounded, so that the length of a song is the same everywhere", () => {
  assert.deepEqual([29.4, 29.98, 30.02, 59.6].map(text.formatTime), ["0:29", "0:30", "0:30", "1:00"]);
});

test("the player's times never exceed the song's length, which is that of the library", () => {
  const times = (currentTime, duration, libraryS) => Object.values(text.timesOf({ currentTime, duration }, libraryS)).join(" / ");
  assert.equal(times(29.7, 29.7, 29.4), "0:29 / 0:29");
  assert.equal(times(12.2, 30.6, 30.4), "0:12 / 0:30");
  assert.equal(times(30.6, 30.6, null), "0:31 / 0:31");
  // Only a preview of the song plays.
  assert.equal(times(3, 30, 200), "0:03 / 0:30");
  assert.equal(times(0, NaN, 200), "0:00 / 0:00");
});

test("a time has hours only if it needs them", () => {
  assert.deepEqual([0, 7, 187, 3723, null, NaN].map(text.formatTime), ["0:00", "0:07", "3:07", "1:02:03", "0:00", "0:00"]);
});
