/** Which seconds of a song its stored preview has. */
import assert from "node:assert/strict";
import test from "node:test";
import { canPlayFrom, fileStart, nearestInFile, onlyPreviewText, playsPreview, secondInFile } from "../../../assets/sound/preview_time.js";

const WHOLE = { gone_since: null, fallback: null, preview_start_s: 30, duration_s: 120 };
const PREVIEW = { ...WHOLE, gone_since: "2026-01-02T00:00:00Z", fallback: "preview" };
const COPY = { ...PREVIEW, fallback: "copy" };
const LOST = { ...PREVIEW, fallback: null };

test("only of a song whose file is missing and has no copy, the preview plays", () => {
  assert.deepEqual([WHOLE, PREVIEW, COPY, LOST, null].map(playsPreview), [false, true, false, false, false]);
  assert.deepEqual([WHOLE, PREVIEW, COPY, null, { ...PREVIEW, preview_start_s: null }].map(fileStart), [0, 30, 0, 0, 0]);
});

test("a second of the song is another one of the preview, or the preview does not have it", () => {
  assert.deepEqual([0, 29.9, 30, 34, 49, 49.9, 50, 110].map((second) => secondInFile(PREVIEW, second)), [null, null, 0, 4, 19, null, null, null]);
  assert.deepEqual([secondInFile(WHOLE, 110), secondInFile(COPY, 110)], [110, 110]);
  // Nobody knows where this preview begins.
  assert.equal(secondInFile({ ...PREVIEW, preview_start_s: null }, 0), null);
  // A short song's preview is the song.
  const short = { ...PREVIEW, preview_start_s: 0, duration_s: 8 };
  assert.deepEqual([secondInFile(short, 7), secondInFile(short, 7.8)], [7, null]);
});

test("keys do not leave the preview, and never end it", () => {
  assert.deepEqual([0, 30, 40, 48, 115].map((second) => nearestInFile(PREVIEW, second, 10)), [0, 0, 10, 15, 15]);
  // Near the end, a key that goes on does not go back.
  assert.equal(nearestInFile(PREVIEW, 53, 18), 18);
  assert.equal(nearestInFile({ ...PREVIEW, preview_start_s: 0, duration_s: 3 }, 3, 1), 1);
  assert.equal(nearestInFile(WHOLE, 115, 10), 115);
});

test("a song can be played from a second if its file, a copy, or a preview with this second is there", () => {
  assert.deepEqual([WHOLE, COPY, PREVIEW, LOST].map((song) => canPlayFrom(song, 60)), [true, true, false, false]);
  assert.equal(canPlayFrom(PREVIEW, 40), true);
  assert.match(onlyPreviewText(PREVIEW), /0:30 to 0:50/);
  assert.match(onlyPreviewText({ ...PREVIEW, preview_start_s: null }), /^Only a preview of this song is there\.$/);
});
