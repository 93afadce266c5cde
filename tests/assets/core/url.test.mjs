/** When the address is written: steps in the browser's history, and the end of a restoration. */
import assert from "node:assert/strict";
import test, { mock } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import * as url from "../../../assets/core/url.js";
import { fakeElement, makeDocument, makeMap } from "../map/frame.mjs";

const NO_FILTER = { genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] };
const VIEW = { projection: "tsne", colouring: "cluster", clusters: 3, fade: false, theme: "dark", revision: 1, changes: "", filter: NO_FILTER };

mock.timers.enable({ apis: ["setTimeout"] });
/** What was written: how, and the query. @type {string[]} */
let steps = [];
const setProps = [];
const go = (kind) => (_state, _title, address) => {
  const query = address.split("?")[1] ?? "";
  globalThis.location = { pathname: "/", search: query && "?" + query };
  steps.push(`${kind} ${query}`);
};
let goBack;
globalThis.window = {
  addEventListener: (_kind, listener) => (goBack = listener),
  dash_clientside: { set_props: (id, props) => setProps.push([id, props]) },
};
globalThis.history = { pushState: go("push"), replaceState: go("replace") };
globalThis.location = { pathname: "/", search: "" };
globalThis.matchMedia = () => ({ matches: true });
makeDocument({ controls: fakeElement({ dataset: { projection: "tsne", clusters: "3", mostClusters: "24", colourings: "cluster genre artist" } }) });
url.mount();

/** @returns {string[]} The steps since the last call. */
function newSteps() {
  const made = steps;
  steps = [];
  return made;
}

test("the first view adds no step to the history, and each later change of the controls does", () => {
  url.restoreOnce();
  assert.deepEqual(state.defaults, { projection: "tsne", clusters: 3, mostClusters: 24, colourings: ["cluster", "genre", "artist"] });
  update({ view: VIEW });
  update({ view: { ...VIEW } });
  assert.deepEqual(newSteps(), []);
  update({ view: { ...VIEW, fade: true } });
  assert.deepEqual(newSteps(), ["push fade=1"]);
  update({ view: VIEW });
  assert.deepEqual(newSteps(), ["push "]);
});

test("another song is a step; no song, or a song that a new map has lost, is none", () => {
  update({ selected: 1, selections: 1 });
  update({ selectedId: "a" });
  assert.deepEqual(newSteps(), ["push song=a"]);
  update({ selectedId: null, selections: 2 });
  assert.deepEqual(newSteps(), ["replace "]);
  update({ selectedId: "b" });
  newSteps();
  update({ selectedId: null, map: makeMap([[0, 0]]) });
  assert.deepEqual(newSteps(), []);
  update({ selectedId: "b" });
  newSteps();
  update({ selectedId: null, upload: { token: "t", places: {}, neighbours: [] } });
  assert.deepEqual(newSteps(), ["push "]);
});

test("the position is written a while after the last movement, and adds no step", () => {
  update({ viewport: { x: 1, y: 2, scale: 1 }, isUserPositioned: true });
  mock.timers.tick(300);
  update({ viewport: { x: 3, y: 2, scale: 1 } });
  mock.timers.tick(300);
  assert.deepEqual(newSteps(), []);
  mock.timers.tick(100);
  const [step, ...others] = newSteps();
  assert.match(step, /^replace x=3\.0000&y=2\.0000&zoom=0\.00\d+$/);
  assert.deepEqual(others, []);
  update({ isUserPositioned: false });
  mock.timers.tick(400);
  assert.deepEqual(newSteps(), ["replace "]);
});

test("going back sets the controls, and nothing is written before the page shows all of it", () => {
  globalThis.location = { pathname: "/", search: "?view=umap&colour=genre&genre=Waltz" };
  setProps.length = 0;
  goBack();
  const set = setProps.filter(([id, { value }]) => (id === "filter-genres" || !id.startsWith("filter")) && !id.startsWith("hide") && value);
  assert.deepEqual(set, [
    ["projection", { value: "umap" }],
    ["colouring", { value: "genre" }],
    ["filter-genres", { value: ["Waltz"] }],
  ]);
  update({ view: { ...VIEW, projection: "umap" } });
  assert.deepEqual(newSteps(), []);
  const restored = { ...VIEW, projection: "umap", colouring: "genre", filter: { ...NO_FILTER, genres: ["Waltz"] } };
  update({ view: restored });
  assert.deepEqual(newSteps(), []);
  update({ view: { ...restored, fade: true } });
  assert.deepEqual(newSteps(), ["push view=umap&colour=genre&fade=1&genre=Waltz"]);
});

test("an address that the page cannot show is given up after a while", () => {
  globalThis.location = { pathname: "/", search: "?view=pca" };
  goBack();
  update({ view: VIEW });
  assert.deepEqual(newSteps(), []);
  mock.timers.tick(3000);
  update({ view: { ...VIEW, fade: true } });
  assert.deepEqual(newSteps(), ["push fade=1"]);
});

test("an address is waited for anew after each step back", () => {
  for (const search of ["?view=pca", "?view=original"]) {
    globalThis.location = { pathname: "/", search };
    goBack();
    mock.timers.tick(2000);
  }
  // This is 4 seconds after the first step, and 2 seconds after the second.
  update({ view: { ...VIEW, projection: "umap" } });
  assert.deepEqual(newSteps(), []);
  mock.timers.tick(1000);
  update({ view: { ...VIEW, projection: "umap", fade: true } });
  assert.deepEqual(newSteps(), ["push view=umap&fade=1"]);
});

test("an address with too many clusters is written anew, and waited for as that", () => {
  globalThis.location = { pathname: "/", search: "?clusters=999" };
  goBack();
  assert.deepEqual(newSteps(), ["replace clusters=24"]);
  update({ view: { ...VIEW, clusters: 24 } });
  update({ view: { ...VIEW, clusters: 24, fade: true } });
  assert.deepEqual(newSteps(), ["push clusters=24&fade=1"]);
});

test("a filter that loses unknown names is no step", () => {
  globalThis.location = { pathname: "/", search: "?genre=Nonsense" };
  goBack();
  update({ view: { ...VIEW, filter: { ...NO_FILTER, genres: ["Nonsense"] } } });
  const map = makeMap([[0, 0]]);
  update({ map: { ...map, meta: { ...map.meta, unknown: { genres: ["Nonsense"], clusters: [], artists: [] } } } });
  newSteps();
  update({ view: VIEW });
  assert.deepEqual(newSteps(), ["replace "]);
});
