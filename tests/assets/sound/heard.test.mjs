/** Which songs were heard. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { clearCaches } from "../../../assets/core/api.js";
import { update } from "../../../assets/core/state.js";
import * as heard from "../../../assets/sound/heard.js";
import { serve } from "./fake_page.mjs";

heard.mount();
let order = 0;

/** A map of another order. @param {Int32Array|null} moved */
function showMap(moved = null) {
  clearCaches();
  update({ map: { meta: { revision: ++order, order: String(order), hide: [] }, count: 10 }, moved });
}

/** Song 3 and song 4 have the same sound. */
function songAt(index, shift = 0) {
  const number = index - shift;
  const same_sound = [3, 4].includes(number) ? [{ index: 7 - number + shift }] : [];
  return { id: `${number}.mp3`, title: "", index, same_sound, same_recording: [] };
}

function play(index) {
  update({ playing: index, song: songAt(index), sound: "loading" });
  update({ sound: "playing" });
}

beforeEach(() => {
  heard.forgetHeard();
  update({ playing: null, song: null, sound: "paused" });
  serve((address) => songAt(Number(address.split("/")[2])));
  showMap();
});

test("a song is heard when it sounds, not when it is only loaded", async () => {
  update({ playing: 2, song: songAt(2), sound: "paused" });
  assert.equal(await heard.isHeard(2), false);
  update({ sound: "playing" });
  assert.deepEqual([heard.isKnownHeard(2), await heard.isHeard(2), await heard.isHeard(1)], [true, true, false]);
});

test("another file with the same sound is heard, too", async () => {
  play(3);
  assert.deepEqual([heard.isKnownHeard(4), await heard.isHeard(4)], [true, true]);
});

test("while the next song is requested, the song that still sounds does not mark it as heard", async () => {
  play(2);
  update({ playing: 5, sound: "loading" });
  update({ sound: "playing" });
  assert.equal(await heard.isHeard(5), false);
});

test("on a map with other indices, heard songs are known by their ids", async () => {
  play(2);
  play(3);
  serve((address) => songAt(Number(address.split("/")[2]), 1));
  showMap(Int32Array.from({ length: 10 }, (_, i) => i + 1));
  assert.deepEqual([heard.isKnownHeard(3), heard.isKnownHeard(5), heard.isKnownHeard(2)], [true, true, false]);
  // Nobody knows the indices: the server tells the ids.
  showMap(null);
  assert.equal(heard.isKnownHeard(3), false);
  assert.deepEqual([await heard.isHeard(3), await heard.isHeard(4), await heard.isHeard(2)], [true, true, false]);
});
