/** Which files are not sent to be placed on the map. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { upload } = load("panel/upload");

test("a file that is empty or too large is refused in a sentence", () => {
  const limit = upload.MOST_BYTES;
  assert.match(upload.problemOf({ name: "big.wav", size: limit + 1 }), /big\.wav is too large.* 50 MB/);
  assert.match(upload.problemOf({ name: "none.mp3", size: 0 }), /none\.mp3 is empty/);
  assert.equal(upload.problemOf({ name: "song.mp3", size: limit }), "");
  assert.equal(upload.problemOf({ name: "song.mp3", size: 1 }), "");
});
