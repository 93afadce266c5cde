/** How maps are loaded: which arrays are fetched, which map is shown, and what happens to the indices in the state. */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { clearCaches, getSong } from "../../../assets/core/api.js";
import { state, update } from "../../../assets/core/state.js";
import { flagsKey, prefetch, requestPosition, showMap } from "../../../assets/map/loader.js";

const initial = { ...state };
const frame = { clientWidth: 900, clientHeight: 700, getClientRects: () => [] };
globalThis.document = { getElementById: () => frame, querySelector: () => null };
/** What the server answers, by the beginning of the address; and the addresses that were asked. */
let answers = {};
let asked = [];
let revision = 100;

globalThis.fetch = async (address) => {
  asked.push(address);
  const [, answer = { status: 404, body: "" }] = Object.entries(answers).find(([start]) => address.startsWith(start)) ?? [];
  const { status = 200, body = answer } = answer;
  return new Response(body, { status });
};

/** @returns {object} The description of a map of three songs; the server has its arrays. */
function makeMap(changes = {}) {
  const order = `order ${changes.revision ?? revision}`;
  const meta = { projection: "tsne", revision, order, changes: "", hide: [], bounds: [0, 10, 0, 10], ...changes };
  const { projection, changes: token } = meta;
  meta.view = { revision: meta.revision, projection, colouring: "cluster", clusters: 3, changes: token, filter: { hide: meta.hide }, ...meta.view };
  answers = {
    ...answers,
    [`map/${meta.revision}/positions`]: Float32Array.of(1, 1, 5, 5, 9, 9).buffer,
    [`map/${meta.revision}/groups`]: Uint8Array.of(0, 1, 2).buffer,
    [`map/${meta.revision}/flags`]: Uint8Array.of(1, 1, 1).buffer,
  };
  return meta;
}

beforeEach(() => {
  update(initial);
  clearCaches();
  requestPosition("tsne", null);
  [answers, asked] = [{}, []];
  // Arrays are kept by revision: each test has its own.
  revision += 10;
});

test("a map comes with its arrays, and shows all songs", async () => {
  await showMap(makeMap());
  assert.equal(state.map.count, 3);
  assert.deepEqual([...state.map.places], [1, 1, 5, 5, 9, 9]);
  assert.deepEqual([[...state.map.groups], [...state.map.flags]], [[0, 1, 2], [1, 1, 1]]);
  assert.deepEqual([state.viewport.x, state.viewport.y, state.isUserPositioned], [5, 5, false]);
});

test("arrays that are here already are not fetched again, and keep their identity", async () => {
  const meta = makeMap();
  await showMap(meta);
  const { places, groups, flags } = state.map;
  asked = [];
  await showMap(makeMap({ view: { colouring: "genre" } }));
  assert.deepEqual(asked.map((address) => address.split("?")[0]), [`map/${revision}/groups`, `map/${revision}/flags`]);
  assert.equal(state.map.places, places);
  asked = [];
  await showMap(meta);
  assert.deepEqual(asked, []);
  assert.deepEqual([state.map.groups === groups, state.map.flags === flags], [true, true]);
});

test("the original view has the places of PCA", async () => {
  await showMap(makeMap({ projection: "original" }));
  assert.ok(asked.includes(`map/${revision}/positions/pca`));
});

test("the newest of several maps is shown", async () => {
  const [first, second] = [makeMap(), makeMap({ revision: revision + 1 })];
  await Promise.all([showMap(first), showMap(second)]);
  assert.equal(state.map.meta, second);
  assert.equal(state.moved, null);
});

test("a map waits until the lasso is drawn", async () => {
  update({ shape: { kind: "lasso", adds: false, points: [] } });
  const shown = showMap(makeMap());
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(state.map, null);
  update({ shape: null });
  await shown;
  assert.equal(state.map.count, 3);
});

test("on a new map, songs have their new indices in the same update", async () => {
  await showMap(makeMap());
  update({ playing: 0, chosen: [1, 2] });
  answers[`songs/${revision + 1}/since/${revision}`] = Int32Array.of(2, 0, -1).buffer;
  await showMap(makeMap({ revision: revision + 1 }));
  assert.deepEqual([...state.moved], [2, 0, -1]);
  assert.deepEqual([state.playing, state.chosen], [2, [0]]);
});

test("a map of the same songs needs no question; one of the same revision moves nothing", async () => {
  await showMap(makeMap());
  update({ playing: 1 });
  asked = [];
  await showMap(makeMap({ revision: revision + 1, order: `order ${revision}` }));
  assert.ok(!asked.some((address) => address.startsWith("songs/")));
  assert.deepEqual([[...state.moved], state.playing], [[0, 1, 2], 1]);
  await showMap(makeMap({ revision: revision + 1, order: `order ${revision}`, projection: "umap" }));
  assert.deepEqual([state.moved, state.playing], [null, 1]);
});

test("another library's map of the same revision has its own arrays, and its songs are others", async () => {
  await showMap(makeMap());
  update({ playing: 1, selected: 2, isUserPositioned: true, viewport: { x: 99, y: 99, scale: 1 } });
  const other = makeMap({ order: "other" });
  answers[`map/${revision}/positions`] = Float32Array.of(2, 2, 4, 4).buffer;
  answers[`map/${revision}/groups`] = answers[`map/${revision}/flags`] = Uint8Array.of(1, 1).buffer;
  await showMap(other);
  assert.deepEqual([...state.map.places], [2, 2, 4, 4]);
  assert.deepEqual([state.playing, state.selected, state.viewport.x], [null, null, 5]);
});

test("a map that could not be loaded is reported until one is shown", async () => {
  await showMap(makeMap());
  answers = {};
  const meta = makeMap({ projection: "umap" });
  answers[`map/${revision}/flags`] = Uint8Array.of(1).buffer;
  await showMap(meta);
  assert.match(state.mapProblem, /only a part of the map/);
  // What did not fit is asked for again.
  answers[`map/${revision}/flags`] = Uint8Array.of(1, 1, 1).buffer;
  await showMap(meta);
  assert.deepEqual([state.mapProblem, state.map.meta], ["", meta]);
});

test("if the server does not answer at all, the page says so", async () => {
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.reject(new TypeError("refused"));
  prefetch(makeMap().view);
  await new Promise((resolve) => setTimeout(resolve, 10));
  globalThis.fetch = fetch;
  assert.match(state.mapProblem, /does not answer/);
  await showMap(makeMap());
  assert.equal(state.mapProblem, "");
});

test("a viewport that the user chose follows the song that plays", async () => {
  await showMap(makeMap());
  const scale = state.viewport.scale / 4;
  update({ playing: 0, isUserPositioned: true, viewport: { x: 1, y: 1, scale } });
  answers[`songs/${revision + 1}/since/${revision}`] = Int32Array.of(2, 1, 0).buffer;
  await showMap(makeMap({ revision: revision + 1 }));
  assert.deepEqual(state.viewport, { x: 9, y: 9, scale });
});

test("a position in the address is shown once, with the next map of its projection", async () => {
  requestPosition("tsne", { x: 2, y: 3, zoom: 4 });
  await showMap(makeMap());
  assert.deepEqual([state.viewport.x, state.viewport.y, state.isUserPositioned], [2, 3, true]);
  await showMap(makeMap({ projection: "umap" }));
  await showMap(makeMap());
  assert.deepEqual([state.viewport.x, state.viewport.y, state.isUserPositioned], [5, 5, false]);
});

test("if nobody knows the new indices, the state has none", async () => {
  await showMap(makeMap());
  update({ playing: 1, selected: 1, selectedId: "b", chosen: [1], walk: [1, 2], walkPosition: 1, neighbours: [{ index: 2 }] });
  await showMap(makeMap({ revision: revision + 1 }));
  assert.deepEqual([state.playing, state.selected, state.chosen, state.walk, state.neighbours, state.moved], [null, null, [], [], [], null]);
});

test("answers about songs are asked again if files or hidden songs have changed", async () => {
  await showMap(makeMap());
  answers[`songs/${revision}/1`] = JSON.stringify({ id: "b" });
  for (const changes of [{ changes: "1" }, { hide: ["missing"] }, { view: { clusters: 9 } }, { revision: revision + 1 }]) {
    await showMap(makeMap());
    const answer = getSong(1);
    await answer;
    await showMap(makeMap({ view: { colouring: "genre" } }));
    assert.equal(getSong(1), answer);
    await showMap(makeMap(changes));
    const next = getSong(1);
    next.catch(() => {});
    assert.notEqual(next, answer, JSON.stringify(changes));
  }
});

test("if the server has no such map, the page says why and keeps its map", async () => {
  await showMap(makeMap());
  const { map } = state;
  const next = makeMap({ revision: revision + 1 });
  answers[`map/${revision + 1}/flags`] = { status: 409, body: "The library has changed: reload the page." };
  await showMap(next);
  assert.equal(state.map, map);
  assert.equal(state.mapProblem, "The library has changed: reload the page.");
  answers[`map/${revision + 1}/flags`] = Uint8Array.of(1).buffer;
  await showMap(next);
  assert.match(state.mapProblem, /reload the page/);
  assert.equal(state.map, map);
});

test("what was loaded in advance is not loaded again for the server's description of the same view", async () => {
  const meta = makeMap();
  const { filter, ...view } = meta.view;
  prefetch({ ...view, theme: "dark", filter: {} });
  const inAdvance = [...asked];
  meta.view = { ...view, theme: "light", filter: { years: null, duration_s: null, genres: [], clusters: [], artists: [], ...filter } };
  await showMap(meta);
  assert.equal(inAdvance.length, 3);
  assert.deepEqual(asked, inAdvance);
});

test("views in which songs have other flags have other keys", () => {
  const view = { revision: 1, projection: "tsne", colouring: "genre", clusters: 5, fade: false, changes: "", filter: {} };
  const others = [{ revision: 2 }, { projection: "pca" }, { fade: true }, { changes: "a" }, { clusters: 6 }, { colouring: "cluster" }];
  const lists = ["genres", "clusters", "artists", "hide"].map((name) => ({ [name]: ["a"] }));
  const filters = [...lists, { years: [1, 2] }, { duration_s: [1, 2] }];
  const views = [view, ...others.map((other) => ({ ...view, ...other })), ...filters.map((filter) => ({ ...view, filter }))];
  assert.equal(new Set(views.map(flagsKey)).size, views.length);
});

/** @returns {Promise<object>} The view of a map that is shown. */
async function shownView(changes) {
  const meta = makeMap({ theme: "dark", slots: { Waltz: 0, Jazz: 1 }, ...changes });
  await showMap(meta);
  return { ...meta.view, theme: "dark" };
}

test("an isolated group is drawn before the server has answered", async () => {
  const view = await shownView();
  const loading = prefetch({ ...view, filter: { ...view.filter, clusters: ["Jazz"] } });
  assert.deepEqual([...state.map.flags], [0, 1, 0]);
  answers[`map/${revision}/flags`] = Uint8Array.of(0, 1, 1).buffer;
  await loading;
});

test("the server's flags replace what the page has drawn before", async () => {
  const view = await shownView();
  answers[`map/${revision}/flags`] = Uint8Array.of(0, 1, 1).buffer;
  await prefetch({ ...view, filter: { ...view.filter, clusters: ["Jazz"] } });
  assert.deepEqual([...state.map.flags], [0, 1, 1]);
});

test("a grey group, and a filter that changes as well, wait for the server", async () => {
  const view = await shownView();
  for (const filter of [{ clusters: ["Techno"] }, { clusters: ["Jazz"], genres: ["Jazz"] }, { genres: ["Jazz"] }, { clusters: ["constructor"] }]) {
    const { flags } = state.map;
    const loading = prefetch({ ...view, filter: { ...view.filter, ...filter } });
    assert.equal(state.map.flags, flags);
    await loading;
  }
});

test("new colours are drawn before the server has described them, at the same places", async () => {
  const view = await shownView();
  const { places, meta } = state.map;
  answers[`map/${revision}/groups`] = Uint8Array.of(2, 2, 0).buffer;
  await prefetch({ ...view, colouring: "genre" });
  assert.deepEqual([...state.map.groups], [2, 2, 0]);
  assert.deepEqual([state.map.places === places, state.map.meta === meta], [true, true]);
});

test("a genre that is isolated is drawn at once where genres give the colours", async () => {
  const view = await shownView({ view: { colouring: "genre" } });
  const loading = prefetch({ ...view, filter: { ...view.filter, genres: ["Waltz"] } });
  assert.deepEqual([...state.map.flags], [1, 0, 0]);
  await loading;
});

test("a scale has other colours than groups and keys, so these wait for their description; another scale does not", async () => {
  const view = await shownView();
  answers[`map/${revision}/groups`] = Uint8Array.of(63, 64, 0).buffer;
  await prefetch({ ...view, colouring: "year" });
  assert.deepEqual([...state.map.groups], [0, 1, 2]);
  const scale = { title: "Year", field: "year", form: "number", missing: "No year", sure_field: "" };
  await showMap(makeMap({ theme: "dark", slots: {}, scale, view: { colouring: "year" } }));
  answers[`map/${revision}/groups`] = Uint8Array.of(5, 6, 7).buffer;
  await prefetch({ ...view, colouring: "length" });
  assert.deepEqual([...state.map.groups], [5, 6, 7]);
  answers[`map/${revision}/groups`] = Uint8Array.of(0, 0, 0).buffer;
  for (const colouring of ["genre", "key"]) {
    await prefetch({ ...view, colouring });
    assert.deepEqual([...state.map.groups], [5, 6, 7]);
  }
});

test("another theme or projection, and the original view, wait for their description", async () => {
  const view = await shownView();
  const { map } = state;
  answers[`map/${revision}/groups`] = Uint8Array.of(2, 2, 0).buffer;
  for (const changes of [{ theme: "light" }, { projection: "umap" }, { projection: "original" }]) {
    await prefetch({ ...view, colouring: "genre", ...changes });
    assert.equal(state.map, map);
  }
  const original = await shownView({ projection: "original", slots: {} });
  const before = state.map;
  await prefetch({ ...original, clusters: 9 });
  assert.equal(state.map, before);
});

test("of two questions, the later one is drawn", async () => {
  const view = await shownView();
  answers = { [`map/${revision}/groups?projection=tsne&colouring=genre`]: Uint8Array.of(2, 2, 0).buffer, ...answers };
  await Promise.all([prefetch({ ...view, colouring: "genre" }), prefetch(view)]);
  assert.deepEqual([...state.map.groups], [0, 1, 2]);
});

test("a second group that is isolated before the server has answered is not hidden by the first", async () => {
  const view = await shownView();
  const both = [["Waltz"], ["Jazz"]].map((clusters) => prefetch({ ...view, filter: { ...view.filter, clusters } }));
  assert.deepEqual([...state.map.flags], [0, 1, 0]);
  await Promise.all(both);
});

test("if the server does not answer, the points look as its last description says", async () => {
  const view = await shownView();
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.reject(new TypeError("refused"));
  await prefetch({ ...view, filter: { ...view.filter, clusters: ["Jazz"] } });
  globalThis.fetch = fetch;
  assert.deepEqual([...state.map.flags], [1, 1, 1]);
});
