/** Two moments that play in turn: also those of songs of which only a preview is left. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { clearCaches } from "../../../assets/core/api.js";
import { state, update } from "../../../assets/core/state.js";
import * as sound from "../../../assets/inside/why_sound.js";
import * as audioPart from "../../../assets/sound/audio.js";
import * as player from "../../../assets/sound/player.js";
import { makePage, mapOf, serve, settled } from "../sound/fake_page.mjs";

globalThis.requestAnimationFrame = () => 0;
const audio = makePage();
audioPart.mount();
player.mount();
sound.mount();
let revision = 0;
/** Which part plays, as the card is told. */
let parts = [];

/** Of song 6, its seconds 30 to 50 are left as a preview. */
function songAt(index) {
  const gone = index === 6 ? "2026-01-02T00:00:00Z" : null;
  return { id: `${index}.mp3`, title: `Song ${index}`, artist: "", gone_since: gone, fallback: gone && "preview", preview_start_s: 30, duration_s: 120 };
}

/** Let the song play on to a second of its file. */
async function playTo(seconds) {
  audio.emit("timeupdate", { currentTime: seconds });
  await settled();
}

beforeEach(async () => {
  sound.stop();
  await settled();
  clearCaches();
  parts = [];
  audio.duration = 120;
  serve((address) => songAt(Number(address.split("/")[2])));
  update({ map: mapOf(++revision), moved: null, playing: null, requested: null, song: null, upload: null, chosenPosition: null });
  await player.play(1);
  await settled();
});

test("the moments of a preview are those of its song", async () => {
  audio.currentTime = 3;
  sound.playInTurn([{ index: 6, startS: 34 }, { index: 2, startS: 60 }], 5, (part) => parts.push(part));
  await settled();
  assert.deepEqual([audio.src, audio.currentTime], ["preview/6.mp3", 4]);
  audio.duration = 20;
  await playTo(4.1);
  await playTo(8.9);
  assert.deepEqual(parts, [0]);
  // The length of the next file: the fake element keeps it while it loads.
  audio.duration = 120;
  await playTo(9.05);
  assert.deepEqual([parts, audio.src, audio.currentTime], [[0, 1], "audio/2.mp3", 60]);
  await playTo(60.1);
  await playTo(65.05);
  // The player has again what it had.
  assert.deepEqual([parts, audio.src, audio.currentTime], [[0, 1, null], "audio/1.mp3", 3]);
});

test("a preview that was in the player is there again at its second", async () => {
  await player.play(6);
  for (const plays of [true, false]) {
    audio.currentTime = 7;
    if (!plays) audio.pause();
    sound.playInTurn([{ index: 1, startS: 34 }, { index: 2, startS: 60 }], 5, () => {});
    await settled();
    sound.stop();
    await settled();
    assert.deepEqual([audio.src, audio.currentTime, audio.paused], ["preview/6.mp3", 7, !plays]);
  }
});

test("a moment that the preview does not have ends it, and the player has what it had", async () => {
  audio.currentTime = 3;
  sound.playInTurn([{ index: 6, startS: 70 }, { index: 2, startS: 60 }], 5, (part) => parts.push(part));
  await settled();
  assert.deepEqual([parts, sound.isPlaying(), state.playing, audio.src, audio.currentTime], [[0, null], false, 1, "audio/1.mp3", 3]);
});
