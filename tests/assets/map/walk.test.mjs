/** Walks: through a song and its neighbours. */
import assert from "node:assert/strict";
import test from "node:test";
import { clearCaches } from "../../../assets/core/api.js";
import { state, update } from "../../../assets/core/state.js";
import { beginAtUpload, goTowards, hasPrevious, hasStep, playNearby, step } from "../../../assets/map/walk.js";
import * as audio from "../../../assets/sound/audio.js";
import { forgetHeard } from "../../../assets/sound/heard.js";
import { makePage, serve, settled } from "../sound/fake_page.mjs";
import { PIXELS, fakeElement, makeDocument, makeMap } from "./frame.mjs";

const ROW = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0]];

/** Play song 0 of a row of songs; each song sounds like the next two. @param {object} [options] As those of `makeMap`. */
async function playFirst(options) {
  clearCaches();
  forgetHeard();
  const element = makePage();
  const { getElementById } = globalThis.document;
  makeDocument({ audio: element });
  const made = globalThis.document.getElementById;
  globalThis.document = { ...globalThis.document, hidden: true, getElementById: (id) => (id === "audio" ? getElementById(id) : made(id)) };
  globalThis.matchMedia = () => ({ matches: true });
  audio.mount();
  serve((address) => {
    const index = Number(address.split("/")[2]);
    const neighbours = [index + 1, index + 2].filter((other) => other < 6).map((other) => ({ index: other }));
    return address.startsWith("songs/") ? { id: `${index}.mp3`, title: "", artist: "", index } : { neighbours };
  });
  const song = { id: "0.mp3", title: "", artist: "", index: 0 };
  const map = makeMap(ROW, { order: String(Math.random()), lit: 6, ...options });
  update({ map, viewport: PIXELS, moved: null, upload: null, song, playing: 0, requested: 0, walk: [0, 1, 2], walkPosition: 0 });
}

test("a walk at an uploaded song begins with this song, and no song of the map is selected", () => {
  const neighbours = [{ index: 4 }, { index: 2 }];
  update({ selected: 1, selectedId: "a", linesFrom: 1, walkPosition: 3, isUploading: true });
  beginAtUpload({ token: "t", neighbours, places: {} });
  assert.deepEqual([state.walk, state.walkPosition], [[null, 4, 2], 0]);
  assert.deepEqual([state.selected, state.selectedId, state.linesFrom], [null, null, null]);
  assert.deepEqual([state.upload.token, state.isUploading, state.lineEnds, state.neighbours], ["t", false, neighbours, neighbours]);
});

test("a walk of a single song has no next song", async () => {
  update({ walk: [3], walkPosition: 0, requested: 3 });
  await step(1);
  assert.deepEqual([state.walkPosition, state.requested], [0, 3]);
});

test("if there is no song in a direction, screen readers say so", () => {
  const announcer = fakeElement();
  makeDocument({ announcer });
  update({ map: makeMap([[0, 0], [-5, 0]]), requested: 0 });
  goTowards("ArrowRight");
  assert.match(announcer.textContent, /no song/);
  assert.equal(state.requested, 0);
});

test("next and previous skip songs that do not match the filter or are hidden", async () => {
  await playFirst({ filteredOut: [1] });
  await step(1);
  assert.deepEqual([state.playing, state.walkPosition], [2, 2]);
  await playFirst({ hidden: [2] });
  await step(-1);
  assert.equal(state.playing, 1);
});

test("if no song of the walk matches the filter, next plays the nearest song that does, and previous does nothing", async () => {
  await playFirst({ filteredOut: [1, 2, 3] });
  assert.deepEqual([hasStep(), hasPrevious()], [true, false]);
  await step(-1);
  assert.equal(state.playing, 0);
  await step(1);
  await settled();
  assert.equal(state.playing, 4);
});

test("after the last song of the walk, next goes on as at a song's end; if all songs were heard, it begins again", async () => {
  await playFirst();
  const played = [];
  for (let i = 0; i < 6; i++) {
    await step(1);
    await settled();
    played.push(state.playing);
  }
  assert.deepEqual(played.slice(0, 5), [1, 2, 3, 4, 5]);
  assert.notEqual(played[5], 5);
});

test("there is no next song before one plays", () => {
  update({ song: null, walk: [], walkPosition: 0, map: makeMap(ROW, { lit: 6 }) });
  assert.deepEqual([hasStep(), hasPrevious()], [false, false]);
});

test("the music goes on with songs that sound like the last one, and previous goes back the same way", async () => {
  await playFirst();
  const played = [];
  for (let song = 0; song < 5; song++) {
    assert.equal(await playNearby(), true);
    await settled();
    played.push(state.playing);
  }
  assert.deepEqual(played, [1, 2, 3, 4, 5]);
  await step(-1);
  assert.equal(state.playing, 4);
});

test("a request of the user is not replaced by the song that the music would go on with", async () => {
  await playFirst();
  const going = playNearby();
  update({ requested: 5, playing: 5 });
  assert.equal(await going, true);
  assert.equal(state.playing, 5);
});
