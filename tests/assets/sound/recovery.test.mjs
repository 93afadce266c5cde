/** Copies of files that the browser cannot play, ends that come too early, and seeks that fail. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import * as player from "../../../assets/sound/audio.js";
import { continueIfEarly, listen, putFile } from "../../../assets/sound/recovery.js";
import { makePage, serve, settled } from "./fake_page.mjs";

const audio = makePage();
player.mount();
listen();

beforeEach(() => {
  audio.log.length = 0;
  audio.emit("seeked", { currentTime: 0, ended: false, paused: true });
  update({ song: null, sound: "playing", message: "" });
});

test("a file that the browser cannot play is replaced by its copy, which plays on at the same position", async () => {
  serve(() => new Response("", { status: 206 }));
  putFile("audio/a.mp3");
  audio.emit("error", { currentTime: 7 });
  await settled();
  assert.deepEqual(audio.log, ["load audio/a.mp3", "load audio/a.mp3?copy=flac", "play"]);
  assert.equal(audio.currentTime, 7);
  // The copy plays at once from now on, and other files from their own addresses.
  putFile("audio/b.mp3");
  putFile("audio/a.mp3");
  assert.deepEqual(audio.log.slice(3), ["load audio/b.mp3", "load audio/a.mp3?copy=flac"]);
});

test("a copy that fails once is loaded again, because the server may have been busy; then it is an error", async () => {
  const answers = [503, 206, 206];
  serve(() => new Response("", { status: answers.shift(), headers: { "Retry-After": "0.001" } }));
  putFile("audio/a.ape?copy=flac");
  audio.emit("error", { currentTime: 7 });
  await settled();
  assert.deepEqual(audio.log.slice(1), ["load audio/a.ape?copy=flac", "play"]);
  assert.deepEqual([audio.currentTime, state.sound, state.message], [7, "playing", ""]);
  audio.emit("error");
  await settled();
  assert.equal(state.sound, "error");
  assert.match(state.message, /cannot play/);
  assert.equal(answers.length, 0);
});

test("the server's reason is shown if it has no file", async () => {
  serve(() => new Response("The file is missing.", { status: 404 }));
  putFile("audio/c.mp3");
  audio.emit("error");
  await settled();
  assert.deepEqual([state.sound, state.message, audio.log], ["error", "The file is missing.", ["load audio/c.mp3"]]);
});

test("a song that is only loaded does not begin to play from its copy", async () => {
  serve(() => new Response("", { status: 206 }));
  update({ sound: "paused" });
  putFile("audio/d.mp3");
  audio.emit("error");
  await settled();
  assert.deepEqual(audio.log, ["load audio/d.mp3", "load audio/d.mp3?copy=flac"]);
});

test("a song that ends too early plays on from its copy", () => {
  update({ song: { id: "e.mp3", duration_s: 10 } });
  putFile("audio/e.mp3");
  audio.emit("timeupdate", { currentTime: 4 });
  audio.emit("timeupdate", { currentTime: 10, ended: true });
  assert.ok(continueIfEarly());
  assert.deepEqual([audio.log.slice(1), audio.currentTime], [["load audio/e.mp3?copy=flac", "play"], 4]);
  // The copy has the same end for good.
  audio.emit("timeupdate", { currentTime: 4.5, ended: false });
  assert.ok(!continueIfEarly());
});

test("a seek that fails is repeated once, a little earlier; then the copy plays", async () => {
  serve(() => new Response("", { status: 206 }));
  putFile("audio/f.mp3");
  audio.emit("seeking", { currentTime: 9 });
  audio.emit("error");
  assert.deepEqual([audio.log.slice(1), audio.currentTime], [["load again", "play"], 7.5]);
  audio.emit("seeking");
  audio.emit("error", { currentTime: 0 });
  await settled();
  assert.deepEqual([audio.log.slice(3), audio.currentTime], [["load audio/f.mp3?copy=flac", "play"], 7.5]);
});
