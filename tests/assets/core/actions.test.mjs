/** Selecting songs: what the state says, and what is asked of the server. */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import * as actions from "../../../assets/core/actions.js";
import { clearCaches } from "../../../assets/core/api.js";
import { state, subscribe, update } from "../../../assets/core/state.js";
import { makeMap } from "../map/frame.mjs";

const UPLOAD = { token: "t", title: "Mine", neighbours: [], places: {} };
/** What was asked of the server. @type {string[]} */
let asked = [];
/** Answers that the server holds back, by address. @type {Map<string, function(): void>} */
let held = new Map();
/** The addresses whose answers are held back. @type {RegExp|null} */
let holds = null;

globalThis.fetch = async (address) => {
  asked.push(address);
  if (holds?.test(address)) await new Promise((resolve) => held.set(address, resolve));
  const index = Number(address.match(/\d+$/)?.[0]);
  const id = decodeURIComponent(address.split("by-id/")[1] ?? "");
  const answer = id ? { index: id === "gone" ? null : Number(id.slice(4)) } : { id: `song${index}`, neighbours: [{ index: index + 1 }, { index: index + 2 }] };
  return { ok: true, json: async () => answer };
};

/** Wait until all answers that are not held back have arrived. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

actions.mount();

beforeEach(async () => {
  holds = null;
  for (const answer of held.values()) answer();
  held = new Map();
  await settle();
  clearCaches();
  update({ map: makeMap([[0, 0]]), moved: null, message: "" });
  actions.select(null);
  asked = [];
});

test("a selected song is shown at once; its id and neighbours follow, and are asked for once", async () => {
  update({ upload: UPLOAD, isUploading: true, walkPosition: 3 });
  const selections = [];
  subscribe(["selections"], () => selections.push(state.selected));
  const before = state.selections;
  actions.select(5);
  assert.deepEqual([state.selected, state.linesFrom, state.selections], [5, 5, before + 1]);
  assert.deepEqual([state.upload, state.isUploading, state.walk, state.walkPosition], [null, true, [5], 0]);
  // An upload that is being analysed goes on behind the song.
  assert.equal(state.isUploadAside, true);
  update({ isUploading: false });
  assert.deepEqual([state.neighbours, state.lineEnds, state.selectedId], [[], [], null]);
  await settle();
  assert.equal(state.selectedId, "song5");
  assert.deepEqual(state.walk, [5, 6, 7]);
  assert.deepEqual([state.neighbours, state.lineEnds], [[{ index: 6 }, { index: 7 }], [{ index: 6 }, { index: 7 }]]);
  assert.deepEqual(asked, ["songs/1/5", "neighbours/1/5"]);
  assert.deepEqual(selections, [5]);
});

test("a late answer about a song that is not selected any more is ignored", async () => {
  holds = /5$/;
  actions.select(5);
  await settle();
  actions.select(8);
  await settle();
  for (const answer of held.values()) answer();
  await settle();
  assert.deepEqual([state.selectedId, state.walk], ["song8", [8, 9, 10]]);
});

test("the id before stays until the song is loaded; no song has no id at once", async () => {
  actions.select(5);
  await settle();
  actions.select(6);
  assert.equal(state.selectedId, "song5");
  actions.select(null);
  assert.deepEqual([state.selectedId, state.walk, state.linesFrom], [null, [], null]);
});

test("a walk that has gone on to other songs stays when the selected song is loaded again", async () => {
  actions.select(5);
  await settle();
  const walk = [5, 6, 40, 41];
  update({ walk, walkPosition: 2 });
  clearCaches();
  update({ map: { ...state.map, meta: { ...state.map.meta, changes: "another" } } });
  await settle();
  assert.deepEqual([state.walk, state.walkPosition], [walk, 2]);
});

test("a song that is loaded again keeps the walk's position, and the lines of another song", async () => {
  actions.select(5);
  await settle();
  update({ walkPosition: 2, linesFrom: 9, lineEnds: [] });
  update({ map: makeMap([[0, 0]], { changes: "3" }) });
  await settle();
  assert.deepEqual([state.walkPosition, state.lineEnds], [2, []]);
});

test("files that went missing load the selected song again; other colours do not", async () => {
  actions.select(5);
  await settle();
  clearCaches();
  asked = [];
  update({ map: makeMap([[0, 0]]) });
  await settle();
  assert.deepEqual(asked, []);
  update({ map: makeMap([[0, 0]], { changes: "2" }) });
  await settle();
  assert.deepEqual(asked, ["songs/1/5", "neighbours/1/5"]);
});

test("on a map whose songs have unknown indices, the same song is selected by its id", async () => {
  actions.select(5);
  await settle();
  update({ map: makeMap([[0, 0]], { revision: 2 }), moved: null, selected: null, selectedId: null });
  assert.deepEqual(asked.at(-1), "songs/2/by-id/song5");
  await settle();
  assert.equal(state.selected, 5);
});

test("a song in an address that is not on the map gives a message", async () => {
  await actions.openSong("gone");
  assert.match(state.message, /not on the map/);
  assert.equal(state.selected, null);
});

test("the address's song that is selected already is not selected again", async () => {
  actions.select(5);
  await settle();
  const { selections } = state;
  await actions.openSong("song5");
  assert.equal(state.selections, selections);
  await actions.openSong(null);
  assert.equal(state.selected, null);
});

test("a song in the address waits for the map", async () => {
  update({ map: null });
  await actions.openSong("gone");
  assert.deepEqual([asked, state.message], [[], ""]);
  update({ map: makeMap([[0, 0]]) });
  await settle();
  assert.match(state.message, /not on the map/);
});
