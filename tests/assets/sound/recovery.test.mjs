/** FLAC copies: which address is played, and which files end too early. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { recovery } = load("sound/recovery");

test("a file is played from its own address until the browser needs the copy", () => {
  assert.equal(recovery.addressOf("audio/a.mp3"), "audio/a.mp3");
  recovery.needsCopy.add("audio/a.mp3");
  assert.equal(recovery.addressOf("audio/a.mp3"), "audio/a.mp3?copy=flac");
  assert.equal(recovery.addressOf("audio/b.mp3"), "audio/b.mp3");
});

test("songs and uploads have copies; previews and copies have none", () => {
  for (const [address, expected] of [
    ["audio/a.mp3", true],
    ["uploads/0123/audio", true],
    ["preview/a.mp3", false],
    ["audio/a.mp3?copy=flac", false],
    ["audio/a%3Fcopy%3Dflac", true],
  ]) {
    assert.equal(recovery.isOriginal(address), expected, address);
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
    assert.equal(recovery.endedEarly(address, position, duration), expected, `${address} ${position} ${duration}`);
  }
});

test("a copy that fails once is loaded again, because the server may have been busy; then it is an error", async () => {
  const explorer = load("core/api", "sound/recovery");
  const source = "audio/a.ape?copy=flac";
  const shown = [];
  const audio = { src: source, currentTime: 7, getAttribute: () => source };
  explorer.player = {
    audio,
    bar: { dataset: { state: "loading" } },
    start: () => shown.push("started"),
    showError: (sentence) => shown.push(sentence),
  };
  const answers = [503, 206, 206];
  globalThis.fetch = async () => {
    const status = answers.shift();
    return { status, ok: status < 300, headers: new Headers({ "Retry-After": "0.001" }) };
  };
  await explorer.recovery.playCopyOrExplain();
  assert.deepEqual([audio.src, audio.currentTime, shown], [source, 7, ["started"]]);
  await explorer.recovery.playCopyOrExplain();
  assert.equal(shown.length, 2);
  assert.match(shown[1], /cannot play/);
  assert.equal(answers.length, 0);
});
