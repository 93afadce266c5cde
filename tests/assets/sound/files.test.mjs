/** The addresses of sound files, and which files end too early. */
import assert from "node:assert/strict";
import test from "node:test";
import { copyOf, endedEarly, fileOf, idOf, isOriginal } from "../../../assets/sound/files.js";

test("a song's file is played, or its stored preview if only that is left", () => {
  assert.equal(fileOf({ id: "a b/c?.mp3", fallback: null }), "audio/a%20b%2Fc%3F.mp3");
  assert.equal(fileOf({ id: "a.mp3", fallback: "copy" }), "audio/a.mp3");
  assert.equal(fileOf({ id: "a.mp3", fallback: "preview" }), "preview/a.mp3");
});

test("songs and uploads have copies; previews and copies have none", () => {
  for (const [address, expected] of [
    ["audio/a.mp3", true],
    ["uploads/0123/audio", true],
    ["preview/a.mp3", false],
    [copyOf("audio/a.mp3"), false],
    ["audio/a%3Fcopy%3Dflac", true],
  ]) {
    assert.equal(isOriginal(address), expected, address);
  }
});

test("a file ends early if more than three seconds of the known duration are missing", () => {
  for (const [address, position, duration, expected] of [
    ["audio/a.mp3", 4.5, 10, true],
    ["audio/a.mp3", 6.9, 10, true],
    ["audio/a.mp3", 7.1, 10, false],
    ["audio/a.mp3", 12, 10, false],
    ["audio/a.mp3", 0, 1.5, false],
    ["audio/a.mp3", 4.5, null, false],
    ["audio/a.mp3", 4.5, undefined, false],
    ["audio/a.mp3?copy=flac", 4.5, 10, false],
    ["preview/a.mp3", 4.5, 10, false],
  ]) {
    assert.equal(endedEarly(address, position, duration), expected, `${address} ${position} ${duration}`);
  }
});

test("an uploaded song has no id", () => {
  assert.deepEqual([idOf(null), idOf({ token: "0123", title: "A" }), idOf({ id: "a.mp3" })], [null, null, "a.mp3"]);
});
