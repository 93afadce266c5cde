/** This moment: which request is sent, and what happens to it when the map changes, another moment is asked for, or a preview plays. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { clearCaches } from "../../../assets/core/api.js";
import { state, update } from "../../../assets/core/state.js";
import * as moment from "../../../assets/inside/moment.js";
import * as audioPart from "../../../assets/sound/audio.js";
import { makeDocument, fakeElement } from "../map/frame.mjs";
import { FakeAudio, mapOf, settled } from "../sound/fake_page.mjs";

const audio = new FakeAudio();
const input = fakeElement({ value: 0, max: 1 });
globalThis.localStorage = { getItem: () => null, setItem: () => {} };
globalThis.window = new EventTarget();
globalThis.cancelAnimationFrame = () => {};
makeDocument({ audio, seek: fakeElement({ querySelector: () => input, append() {} }) });
globalThis.document.createElement = () => fakeElement();
audioPart.mount();
moment.mount();

/** The requests for moments, oldest first. */
let asked = [];
let revision = 0;

/** Answer songs at once, and moments when a test wants it. */
globalThis.fetch = async (address, { signal } = {}) => {
  const [kind, , index] = address.split(/[/?]/);
  if (kind === "songs") return Response.json({ id: `${index}.mp3`, title: `Song ${index}`, artist: "" });
  return new Promise((resolve, reject) => {
    const answer = () => resolve(Response.json({ start_s: 9.5, seconds: 5, moments: [{ index: 8, start_s: 2 }], lit: [[8, 0.9]] }));
    signal.addEventListener("abort", () => reject(signal.reason));
    asked.push({ address, signal, answer });
  });
};

beforeEach(() => {
  moment.closeMoment();
  clearCaches();
  asked = [];
  audio.currentTime = 12;
  update({ map: mapOf(++revision), moved: null, playing: 3, song: { id: "3.mp3" }, previewed: null, notices: [] });
});

test("the moment of the second that plays is asked for and shown", async () => {
  moment.showMomentNow();
  await settled();
  assert.match(asked[0].address, new RegExp(`^moments/${revision}/3\\?at_s=12.00`));
  asked[0].answer();
  await settled();
  assert.deepEqual([state.moment.index, state.moment.atS, [...state.moment.lit]], [3, 12, [[8, 0.9]]]);
});

test("another moment cancels the request before; so does closing", async () => {
  moment.showMoment(3, 5);
  await settled();
  moment.showMoment(3, 6);
  await settled();
  assert.deepEqual(asked.map(({ signal }) => signal.aborted), [true, false]);
  asked[1].answer();
  await settled();
  assert.equal(state.moment.atS, 6);
  moment.showMoment(3, 7);
  await settled();
  moment.closeMoment();
  await settled();
  assert.equal(asked[2].signal.aborted, true);
  assert.deepEqual([state.moment, state.notices], [null, []]);
});

test("while a preview plays, it is not the song in the player that is meant", async () => {
  update({ previewed: 5 });
  moment.showMomentNow();
  await settled();
  assert.equal(asked.length, 0);
  assert.match(state.notices[0].text, /preview/);
});

test("a map that comes before the answer gives the song another index: it is asked for again", async () => {
  moment.showMoment(3, 5);
  await settled();
  clearCaches();
  const moved = Int32Array.from({ length: 10 }, (_, i) => i + 1);
  update({ map: mapOf(++revision), moved, playing: 4 });
  await settled();
  assert.equal(asked[0].signal.aborted, true);
  assert.match(asked[1].address, new RegExp(`^moments/${revision}/4\\?at_s=5.00`));
  asked[1].answer();
  await settled();
  assert.deepEqual([state.moment.index, state.moment.title], [4, "Song 4"]);
});

test("a map without the song, or of which nobody knows the indices, ends the request with a sentence", async () => {
  moment.showMoment(3, 5);
  await settled();
  update({ map: mapOf(++revision), moved: null, playing: null });
  await settled();
  assert.deepEqual([asked.length, asked[0].signal.aborted, state.moment], [1, true, null]);
  assert.match(state.notices[0].text, /not on it/);
});

test("with other songs hidden, the same map is asked again", async () => {
  moment.showMoment(3, 5);
  await settled();
  const map = mapOf(revision);
  update({ map: { ...map, meta: { ...map.meta, hide: ["missing"] } } });
  await settled();
  assert.match(asked[1].address, /^moments\/\d+\/3\?.*hide=missing/);
});
