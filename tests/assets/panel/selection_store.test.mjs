/** The selections: kept in the browser, undone, and found again on another map. */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import { HIDDEN, LIT } from "../../../assets/map/flags.js";
import { clear, choose, discard, moveTo, open, openNew, remove, rename, toggle } from "../../../assets/panel/selection.js";
import { load, mount, notShown, redo, undo } from "../../../assets/panel/selection_store.js";

/** The songs' ids by index on the server's map, and those in the library but not on the map. */
let library = [];
let unmapped = [];
let revision = 0;
let answers = true;
const asked = [];

globalThis.fetch = async (address, { body }) => {
  if (!answers) throw new TypeError("Failed to fetch");
  asked.push(address);
  const { songs, ids } = JSON.parse(body);
  const numbers = () => ids.map((id) => (library.includes(id) ? library.indexOf(id) : null));
  const answer = songs ? { ids: songs.map((index) => library[index]) } : { songs: numbers(), unmapped: ids.filter((id) => unmapped.includes(id)) };
  return { ok: true, json: async () => answer };
};
const values = new Map();
globalThis.localStorage = {
  getItem: (key) => values.get(key) ?? null,
  setItem: (key, value) => values.set(key, value),
  removeItem: (key) => values.delete(key),
  key: (i) => [...values.keys()][i] ?? null,
  get length() {
    return values.size;
  },
};
const listeners = {};
globalThis.window = { addEventListener: (kind, listener) => (listeners[kind] = listener) };

/** A map with these songs arrives. @param {string[]} ids @param {Int32Array|null} moved @param {object} options */
function arrive(ids, moved, { chosen = moved ? undefined : [], hidden = [], name = "lib" } = {}) {
  library = ids;
  revision += 1;
  const flags = Uint8Array.from(ids, (_, i) => (hidden.includes(i) ? LIT | HIDDEN : LIT));
  const map = /** @type {any} */ ({ meta: { revision, order: ids.join(), library: name }, count: ids.length, flags });
  update({ map, moved, ...(chosen && { chosen, chosenPosition: null }) });
}

/** Hide songs of the map that is drawn, or show them again. @param {number[]} hidden */
function hide(hidden) {
  const map = /** @type {any} */ (state.map);
  update({ map: { ...map, flags: map.flags.map((_, i) => (hidden.includes(i) ? LIT | HIDDEN : LIT)) } });
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const storedIds = () => [...values].flatMap(([key, text]) => (key.startsWith("selection lib") ? [JSON.parse(text).songs] : []));

mount();
beforeEach(async () => {
  [answers, unmapped] = [true, []];
  values.clear();
  arrive(["a", "b", "c", "d"], null, { name: "other" });
  arrive(["a", "b", "c", "d"], null);
  load();
  await settle();
  choose([3, 0, 1], { adds: false });
  await settle();
});

test("a selection is kept by ids and is there again after a reload", async () => {
  assert.deepEqual(storedIds(), [["d", "a", "b"]]);
  load();
  await settle();
  assert.deepEqual(state.chosen, [3, 0, 1]);
});

test("on a map with unknown indices all songs are found by their ids, in their order; removed ones are told of once", async () => {
  unmapped = ["b"];
  arrive(["new", "c", "d"], null);
  await settle();
  assert.deepEqual([state.chosen, state.chosenPosition], [[2], null]);
  assert.deepEqual(state.selectionNews, { kind: "gone", count: 1, name: "Selection" });
  assert.deepEqual(notShown(), { hidden: 0, unmapped: 1, gone: 1 });
  assert.deepEqual(storedIds(), [["d", "a", "b"]]);
  // A later map has them again, at their old positions.
  arrive(["a", "new", "b", "d"], Int32Array.of(1, -1, 3), { chosen: [3] });
  await settle();
  assert.deepEqual(state.chosen, [3, 0, 2]);
});

test("songs follow to a map with known indices, and so does what can be undone", async () => {
  remove(0);
  arrive(["new", "a", "b", "c", "d"], Int32Array.of(1, 2, 3, 4), { chosen: [4, 2] });
  await settle();
  assert.deepEqual(state.chosen, [4, 2]);
  undo();
  assert.deepEqual(state.chosen, [4, 1, 2]);
});

test("hidden songs come back when they are shown again, also after changes meanwhile", () => {
  hide([0]);
  assert.deepEqual([state.chosen, notShown().hidden], [[3, 1], 1]);
  toggle(2);
  hide([]);
  assert.deepEqual(state.chosen, [3, 0, 1, 2]);
});

test("every change can be undone and redone", async () => {
  const changes = [
    () => toggle(2), () => remove(0), () => moveTo(3, 1), () => choose([2], { adds: false }), () => choose([2], { adds: true }), clear,
    () => rename("Friday"), openNew, () => discard(state.desk.open),
  ];
  const shown = () => [state.desk.selections.find(({ key }) => key === state.desk.open).name, state.desk.selections.length, ...state.chosen];
  for (const change of changes) {
    const before = shown();
    change();
    const after = shown();
    undo();
    assert.deepEqual(shown(), before, String(change));
    redo();
    assert.deepEqual(shown(), after, String(change));
    undo();
  }
  await settle();
  assert.deepEqual(storedIds(), [["d", "a", "b"]]);
});

test("another selection is opened, and the one before is kept", async () => {
  const first = state.desk.open;
  openNew();
  assert.deepEqual(state.chosen, []);
  toggle(2);
  await settle();
  assert.deepEqual(storedIds(), [["d", "a", "b"], ["c"]]);
  open(first);
  assert.deepEqual(state.chosen, [3, 0, 1]);
  load();
  await settle();
  assert.deepEqual([state.desk.selections.length, state.chosen], [2, [3, 0, 1]]);
});

test("a lasso around no song leaves the selection as it is", () => {
  choose([], { adds: false });
  assert.deepEqual([state.chosen, state.selectionNews.kind], [[3, 0, 1], "no-songs"]);
});

test("while the server does not answer nothing is lost, and the selection is kept when it answers again", async () => {
  answers = false;
  update({ serverAnswers: false });
  toggle(2);
  await settle();
  assert.deepEqual(storedIds(), [["d", "a", "b"]]);
  answers = true;
  update({ serverAnswers: true });
  await settle();
  assert.deepEqual(storedIds(), [["d", "a", "b", "c"]]);
});

test("another library has other selections, and coming back shows the first ones", async () => {
  arrive(["a", "x"], null, { name: "other" });
  await settle();
  assert.deepEqual(state.chosen, []);
  arrive(["b", "a", "d"], null);
  await settle();
  assert.deepEqual(state.chosen, [2, 1, 0]);
});

test("what another window changes is shown here, and nothing that is open here is taken away", async () => {
  const key = state.desk.open;
  values.set(`selection lib ${key}`, JSON.stringify({ name: "Theirs", songs: ["c"] }));
  listeners.storage({ key: `selection lib ${key}`, storageArea: localStorage });
  await settle();
  assert.deepEqual([state.chosen, state.desk.selections[0].name], [[2], "Theirs"]);
  undo();
  assert.deepEqual(state.chosen, [3, 0, 1]);
  values.delete(`selection lib ${key}`);
  listeners.storage({ key: `selection lib ${key}`, storageArea: localStorage });
  assert.deepEqual(state.chosen, [3, 0, 1]);
});

test("a browser without room says so once and changes go on", async () => {
  const { setItem } = localStorage;
  localStorage.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  toggle(2);
  await settle();
  assert.equal(state.selectionNews.kind, "no-room");
  update({ selectionNews: null });
  remove(2);
  await settle();
  assert.deepEqual([state.selectionNews.kind, state.chosen], ["removed", [3, 0, 1]]);
  localStorage.setItem = setItem;
});

test("changes can be undone after a reload, also a deletion; undo tells which selection came back", async () => {
  const first = state.desk.open;
  rename("Friday");
  openNew();
  toggle(2);
  discard(first);
  await settle();
  load();
  await settle();
  assert.deepEqual([state.desk.selections.length, state.selectionUndo], [1, true]);
  undo();
  await settle();
  assert.deepEqual(state.selectionNews, { kind: "undone-back", count: 3, name: "Friday" });
  redo();
  assert.equal(state.selectionNews.kind, "redone-gone");
  undo();
  open(first);
  await settle();
  assert.deepEqual(state.chosen, [3, 0, 1]);
});

test("a cleared selection comes back after a reload; damaged changes and those of other selections are forgotten", async () => {
  clear();
  await settle();
  load();
  await settle();
  assert.deepEqual(state.chosen, []);
  undo();
  await settle();
  assert.deepEqual(state.chosen, [3, 0, 1]);
  const key = "selection-steps lib";
  for (const text of ["{", "null", "[]", '{"selections":[],"steps":[{}]}', values.get(key).replace('"d"', '"x"')]) {
    values.set(key, text);
    load();
    await settle();
    assert.deepEqual([state.selectionUndo, state.chosen], [false, [3, 0, 1]], text);
  }
});

test("a name that another selection has gets a number", () => {
  rename("Friday");
  openNew();
  rename("Friday");
  assert.deepEqual(state.desk.selections.map(({ name }) => name), ["Friday", "Friday 2"]);
});
