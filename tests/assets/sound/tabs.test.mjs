/** Several tabs: only one of them sounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import * as audioPart from "../../../assets/sound/audio.js";
import { mount } from "../../../assets/sound/tabs.js";
import { makePage } from "./fake_page.mjs";

const audio = makePage();
audioPart.mount();

/** What this tab told the others. */
const told = [];
let channel;

test("a browser without channels needs nothing", () => {
  const { BroadcastChannel } = globalThis;
  delete globalThis.BroadcastChannel;
  mount();
  globalThis.BroadcastChannel = BroadcastChannel;
});

test("a tab tells the others when a song or a preview starts, once each", () => {
  globalThis.BroadcastChannel = class extends EventTarget {
    constructor() {
      super();
      channel = this;
    }
    postMessage = (message) => told.push(message);
  };
  mount();
  update({ sound: "loading" });
  update({ sound: "playing" });
  assert.equal(told.length, 1);
  update({ previewed: 3 });
  assert.equal(told.length, 2);
  update({ previewed: null, sound: "paused" });
  assert.equal(told.length, 2);
  update({ sound: "playing" });
  assert.equal(told.length, 3);
});

test("when another tab starts, the song and the preview of this one stop, and it tells nobody", async () => {
  await audioPart.start();
  update({ previewed: 3 });
  const before = told.length;
  channel.dispatchEvent(new MessageEvent("message", { data: told[0] }));
  assert.deepEqual([audio.paused, state.sound, state.previewed], [true, "paused", null]);
  assert.equal(told.length, before);
});

test("a song that is paused for a preview does not continue after another tab has started", async () => {
  await audioPart.start();
  audioPart.pauseForPreview();
  channel.dispatchEvent(new MessageEvent("message", { data: told[0] }));
  audioPart.resumeAfterPreview();
  assert.deepEqual([audio.paused, state.sound], [true, "paused"]);
});
