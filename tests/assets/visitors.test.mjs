/** Which files are not sent to be placed on the map. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./page.mjs";

const { visitors } = load("visitors");

test("a file that is empty or too large is refused in a sentence", () => {
  const limit = visitors.MOST_BYTES;
  assert.match(visitors.problemOf({ name: "big.wav", size: limit + 1 }), /big\.wav is too large.* 50 MB/);
  assert.match(visitors.problemOf({ name: "none.mp3", size: 0 }), /none\.mp3 is empty/);
  assert.equal(visitors.problemOf({ name: "song.mp3", size: limit }), "");
  assert.equal(visitors.problemOf({ name: "song.mp3", size: 1 }), "");
});
