/** The player: what it plays, what it says in the state, and what happens on another map. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { clearCaches } from "../../../assets/core/api.js";
import { state, subscribe, update } from "../../../assets/core/state.js";
import * as audioPart from "../../../assets/sound/audio.js";
import * as player from "../../../assets/sound/player.js";
import { makePage, mapOf, serve, settled } from "./fake_page.mjs";

const audio = makePage();
audioPart.mount();
player.mount();

let revision = 0;
subscribe(["song", "sound", "playing"], (changed) => audio.log.push([...changed].sort().join(" ")));

/** The songs by index. Song 5 is missing; of song 6, its seconds 30 to 50 are left as a preview. */
function songAt(index) {
  const gone = index === 5 || index === 6 ? "2026-01-02T00:00:00Z" : null;
  return { id: `${index}.mp3`, title: `Song ${index}`, artist: "", gone_since: gone, fallback: index === 6 ? "preview" : null, preview_start_s: 30, duration_s: 120 };
}

const noticeOf = (key) => state.notices.find((notice) => notice.key === key);

beforeEach(async () => {
  clearCaches();
  serve((address) => songAt(Number(address.split("/")[2])));
  update({ map: mapOf(++revision), moved: null, playing: null, requested: null, song: null, upload: null });
  await player.play(1);
  audio.log.length = 0;
});

test("a song starts to sound before the page is told which song it is", async () => {
  assert.equal(await player.play(2), true);
  assert.deepEqual(audio.log.slice(0, 3), ["playing requested", "load audio/2.mp3", "play"]);
  assert.ok(audio.log.slice(3).some((entry) => entry.includes("song")));
  assert.deepEqual([state.playing, state.requested, state.song.id, state.sound], [2, 2, "2.mp3", "playing"]);
});

test("a song that is only loaded does not play", async () => {
  audio.pause();
  audio.log.length = 0;
  await player.load(3);
  assert.ok(!audio.log.includes("play"));
  assert.deepEqual([state.song.id, state.sound, audio.src], ["3.mp3", "paused", "audio/3.mp3"]);
});

test("a song plays from a second; the one in the player is not loaded again", async () => {
  assert.equal(await player.playFrom(2, 61.5), true);
  assert.deepEqual([state.playing, audio.src, audio.currentTime], [2, "audio/2.mp3", 61.5]);
  audio.log.length = 0;
  await player.playFrom(2, 12);
  assert.deepEqual([audio.currentTime, audio.log], [12, []]);
  audio.pause();
  await player.playFrom(2, 13);
  assert.deepEqual([audio.currentTime, audio.paused, state.sound], [13, false, "playing"]);
  await player.play(3);
  assert.equal(audio.currentTime, 0);
});

test("of a song of which a preview is left, a second plays only if the preview has it", async () => {
  assert.equal(await player.playFrom(6, 40), true);
  assert.deepEqual([audio.src, audio.currentTime], ["preview/6.mp3", 10]);
  // The one in the player stays where it is.
  for (const second of [12, 49.9, 70]) assert.equal(await player.playFrom(6, second), false, `${second}`);
  assert.deepEqual([audio.src, audio.currentTime, audio.paused], ["preview/6.mp3", 10, false]);
  assert.match(noticeOf("fallback").text, /^Only a preview of this song is there: 0:30 to 0:50/);
  await player.playFrom(6, 30);
  assert.equal(audio.currentTime, 0);
  // Another song goes on.
  await player.playFrom(2, 5);
  audio.log.length = 0;
  assert.equal(await player.playFrom(6, 12), false);
  assert.deepEqual([state.playing, audio.src, audio.paused], [2, "audio/2.mp3", false]);
  assert.ok(!audio.log.includes("play"));
  // Without a second, the preview plays from its start.
  assert.equal(await player.play(6), true);
  assert.deepEqual([audio.src, audio.currentTime], ["preview/6.mp3", 0]);
});

test("a song that does not sound because of an error is loaded again from a second", async () => {
  audio.error = { code: 2 };
  await player.playFrom(1, 7);
  assert.ok(audio.log.includes("load audio/1.mp3"));
  assert.equal(audio.currentTime, 7);
});

test("only the newest request is played", async () => {
  const waiting = [];
  serve((address) => new Promise((resolve) => waiting.push(() => resolve(songAt(Number(address.split("/")[2]))))));
  const [first, second] = [player.play(7), player.play(8)];
  waiting[1]();
  assert.equal(await second, true);
  waiting[0]();
  assert.equal(await first, null);
  assert.deepEqual([state.playing, audio.src], [8, "audio/8.mp3"]);
});

test("if a song's file is missing, the song that plays continues, or what is left of it plays", async () => {
  assert.equal(await player.play(5), false);
  assert.deepEqual([state.playing, state.requested, state.song.id, audio.paused], [1, 5, "1.mp3", false]);
  assert.match(state.message, /“Song 5”.*cannot be played/);
  assert.equal(await player.play(6), true);
  assert.deepEqual([state.playing, audio.src], [6, "preview/6.mp3"]);
  assert.match(noticeOf("fallback").text, /preview plays instead/);
  assert.deepEqual([noticeOf("fallback").kind, state.message], ["info", ""]);
});

test("an error of the server is shown, and the next song clears it", async () => {
  serve(() => new Response("The library is busy.", { status: 503 }));
  assert.equal(await player.play(9), null);
  assert.deepEqual([state.sound, state.message], ["error", "The library is busy."]);
  serve(() => songAt(4));
  await player.play(4);
  assert.deepEqual([state.sound, state.message], ["playing", ""]);
});

test("if the browser forbids the sound, the page says what to do; a newer click is no error", async () => {
  const { play } = audio;
  for (const [name, sound, isTold] of [["NotAllowedError", "paused", true], ["AbortError", "loading", false]]) {
    update({ notices: [] });
    audio.play = () => Promise.reject(new DOMException("no", name));
    await player.play(2);
    assert.deepEqual([state.sound, state.message], [sound, ""]);
    assert.equal(/Press Play/.test(noticeOf("press-play")?.text), isTold);
  }
  // What a browser says of another failure is not shown.
  audio.play = () => Promise.reject(new DOMException("Operation failed: 0x8", "UnknownError"));
  await player.play(2);
  assert.deepEqual([state.sound, state.message], ["error", "The browser cannot play this song."]);
  audio.play = play;
});

test("the song pauses for a preview, but the page shows that it plays", () => {
  player.pauseForPreview();
  assert.deepEqual([audio.paused, player.isPlaying(), state.sound], [true, true, "playing"]);
  player.resumeAfterPreview();
  assert.deepEqual([audio.paused, audio.volume], [false, state.volume]);
  // A pause during the preview lasts.
  player.pauseForPreview();
  player.toggle();
  player.resumeAfterPreview();
  assert.deepEqual([audio.paused, player.isPlaying(), state.sound], [true, false, "paused"]);
});

test("an uploaded song can be paused, although it is on no map", async () => {
  await player.playUpload({ token: "0123", title: "Mine", artist: "", genres: [] }, "uploads/0123/audio");
  assert.deepEqual([state.playing, audio.src, state.sound], [null, "uploads/0123/audio", "playing"]);
  player.toggle();
  assert.deepEqual([audio.paused, state.sound], [true, "paused"]);
});

test("on a map whose indices nobody knows, the player asks for the index of its song", async () => {
  serve((address) => ({ index: address.endsWith("by-id/1.mp3") ? 17 : null }));
  update({ map: mapOf(++revision), moved: null, playing: null, requested: null });
  await settled();
  assert.deepEqual([state.playing, state.requested, audio.paused], [17, 17, false]);
  // Another drawing of the same map changes nothing.
  serve(() => assert.fail("Nothing is asked."));
  update({ map: mapOf(revision) });
  await settled();
  assert.equal(state.playing, 17);
});

test("an answer about a map before is ignored", async () => {
  const waiting = [];
  serve(() => new Promise((resolve) => waiting.push((index) => resolve({ index }))));
  update({ map: mapOf(++revision), moved: null, playing: null, requested: null });
  update({ map: mapOf(++revision) });
  waiting[0](3);
  await settled();
  assert.equal(state.playing, null);
  waiting[1](4);
  await settled();
  assert.equal(state.playing, 4);
});

test("after a song that cannot be played, the mark returns to the song that plays, also on another map", async () => {
  const moved = new Int32Array(100).fill(-1);
  moved[1] = 11;
  update({ map: mapOf(++revision), moved, playing: 11, requested: 11 });
  clearCaches();
  assert.equal(await player.play(5), false);
  assert.equal(state.playing, 11);
});

test("a volume outside 0 to 1 is limited, and changing it ends muting", () => {
  player.toggleMute();
  assert.deepEqual([state.isMuted, audio.muted], [true, true]);
  for (const [wanted, expected] of [[3, 1], [-1, 0], [NaN, 0], [0.4, 0.4]]) {
    player.setVolume(wanted);
    assert.deepEqual([state.volume, audio.volume, state.isMuted, audio.muted], [expected, expected, false, false]);
  }
});
