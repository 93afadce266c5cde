/** Which files the page refuses to upload. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { upload } = load("panel/upload");

test("an empty or too large file is refused with a message", () => {
  const limit = upload.MAX_BYTES;
  assert.match(upload.problemOf({ name: "big.wav", size: limit + 1 }), /big\.wav is too large.* 50 MB/);
  assert.match(upload.problemOf({ name: "none.mp3", size: 0 }), /none\.mp3 is empty/);
  assert.equal(upload.problemOf({ name: "song.mp3", size: limit }), "");
  assert.equal(upload.problemOf({ name: "song.mp3", size: 1 }), "");
});
