/** The comet: when it is asked for, asked for again, and hidden. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import * as comet from "../../../assets/inside/comet.js";
import * as audioPart from "../../../assets/sound/audio.js";
import { fakeElement, makeDocument, makeMap, PIXELS } from "../map/frame.mjs";
import { FakeAudio } from "../sound/fake_page.mjs";

const context = new Proxy({}, { get: () => () => {}, set: () => true });
const [light, trail] = [fakeElement(), fakeElement({ getContext: () => context })];
const audio = new FakeAudio();
globalThis.localStorage = { getItem: () => null, setItem: () => {} };
globalThis.window = new EventTarget();
globalThis.cancelAnimationFrame = () => {};
globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
globalThis.getComputedStyle = () => ({ getPropertyValue: () => "" });
makeDocument({ audio, comet: light, "comet-trail": trail });
audioPart.mount();
comet.mount();

let revision = 0;
let asked = 0;
/** How the server answers. */
let answer = () => path();

function path() {
  return new Response(Float32Array.of(0, 0, 1, 1, 2, 2).buffer, { headers: { "X-Step": "1" } });
}

globalThis.fetch = async () => {
  asked++;
  return answer();
};

async function settled() {
  for (let round = 0; round < 30; round++) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(async () => {
  answer = path;
  update({ playing: null, sound: "paused", previewed: null, isCometOn: true });
  update({ map: makeMap([[0, 0]], { revision: ++revision, order: "" }), viewport: PIXELS, view: { projection: "tsne" } });
  asked = 0;
  update({ playing: 0, song: { id: "0.mp3" } });
});

test("while a preview plays, the comet is hidden, and then there again without another request", async () => {
  update({ sound: "playing" });
  await settled();
  assert.deepEqual([light.hidden, trail.hidden, asked], [false, false, 1]);
  update({ previewed: 4 });
  assert.deepEqual([light.hidden, trail.hidden], [true, true]);
  // The map may move meanwhile.
  comet.paint();
  audio.emit("timeupdate");
  assert.deepEqual([light.hidden, trail.hidden], [true, true]);
  update({ previewed: null });
  assert.deepEqual([light.hidden, trail.hidden, asked], [false, false, 1]);
});

test("after a request without an answer, the comet is asked for again while the song plays", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  answer = () => new Response("Busy", { status: 500 });
  update({ sound: "playing" });
  await settled();
  assert.deepEqual([asked, trail.hidden], [1, true]);
  t.mock.timers.tick(29_000);
  await settled();
  assert.equal(asked, 1);
  answer = path;
  t.mock.timers.tick(1000);
  await settled();
  assert.deepEqual([asked, trail.hidden], [2, false]);
});

test("a song that is paused when the time is over asks when it plays again; another song asks at once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  answer = () => Promise.reject(new TypeError("no network"));
  update({ sound: "playing" });
  await settled();
  update({ sound: "paused" });
  t.mock.timers.tick(30_000);
  await settled();
  assert.equal(asked, 1);
  update({ sound: "playing" });
  await settled();
  assert.equal(asked, 2);
  update({ playing: 1 });
  await settled();
  assert.equal(asked, 3);
  // The clock of the song before does not ask.
  update({ playing: null });
  t.mock.timers.tick(60_000);
  await settled();
  assert.deepEqual([asked, state.playing], [3, null]);
});

test("a song without windows is not asked for again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  answer = () => new Response("No windows", { status: 404 });
  update({ sound: "playing" });
  await settled();
  t.mock.timers.tick(90_000);
  await settled();
  assert.equal(asked, 1);
});
