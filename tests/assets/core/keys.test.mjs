/** The keyboard shortcuts. */
import assert from "node:assert/strict";
import test from "node:test";
import { actionOf, mayRepeat, mount } from "../../../assets/core/keys.js";
import { state, update } from "../../../assets/core/state.js";
import { showAll } from "../../../assets/map/camera.js";
import { toggle as toggleHearing } from "../../../assets/sound/hover.js";
import * as audio from "../../../assets/sound/audio.js";
import { changeRepeat, next } from "../../../assets/sound/queue.js";
import { toggle as toggleSpectrogram } from "../../../assets/sound/spectrogram.js";
import { makePage } from "../sound/fake_page.mjs";
import { fakeElement, makeDocument, makeMap } from "../map/frame.mjs";

const LETTERS = ["m", "n", "p", "r", "h", "s", "f", "l", "b"];

test("each key calls its function", () => {
  const actions = { n: next, r: changeRepeat, h: toggleHearing, s: toggleSpectrogram, 0: showAll };
  for (const [key, action] of Object.entries(actions)) assert.equal(actionOf(key), action, key);
});

test("Space and m say what they do to screen readers", () => {
  const element = makePage();
  audio.mount();
  const announcer = fakeElement();
  const { getElementById } = globalThis.document;
  globalThis.document.getElementById = (id) => (id === "announcer" ? announcer : getElementById(id));
  update({ song: { title: "Rain" }, playing: 0, sound: "playing", previewed: null });
  element.paused = false;
  const said = [" ", " ", "m", "m"].map((key) => {
    actionOf(key)();
    update({ sound: element.paused ? "paused" : "playing" });
    return announcer.textContent;
  });
  assert.deepEqual(said, ["Paused", "Playing", "Muted", "Sound on"]);
});

test("l and b turn the lasso and the box on and off", () => {
  const toolAfter = (key) => {
    actionOf(key)();
    return state.tool;
  };
  assert.deepEqual(["l", "b", "b", "l", "l"].map(toolAfter), ["lasso", "box", null, "lasso", null]);
});

test("plus and minus zoom in and out by the same factor", () => {
  makeDocument();
  globalThis.matchMedia = () => ({ matches: true });
  const scaleAfter = (key) => {
    update({ map: makeMap([[0, 0]], { bounds: [0, 960, 0, 752] }), viewport: { x: 0, y: 0, scale: 1 } });
    actionOf(key)();
    return state.viewport.scale;
  };
  assert.deepEqual(["+", "=", "-"].map(scaleAfter), [1 / 1.6, 1 / 1.6, 1.6]);
});

test("/, ? and f use the search, the list of keys and the filter", () => {
  const used = [];
  makeDocument({
    search: fakeElement({ focus: () => used.push("search") }),
    keys: fakeElement({ showModal: () => used.push("keys") }),
    "filter-toggle": fakeElement({ click: () => used.push("filter") }),
  });
  for (const key of ["/", "?", "f"]) actionOf(key)();
  assert.deepEqual(used, ["search", "keys", "filter"]);
});

test("capital letters do the same as small letters, and other keys do nothing", () => {
  for (const key of LETTERS) assert.equal(actionOf(key.toUpperCase()), actionOf(key), key);
  for (const key of LETTERS) assert.equal(typeof actionOf(key), "function", key);
  for (const key of ["x", "9", "Enter", "Tab", "F5", "Shift", "End"]) assert.equal(actionOf(key), undefined, key);
});

test("a key that is held acts once, unless it zooms", () => {
  assert.deepEqual(["+", "=", "-"].map(mayRepeat), [true, true, true]);
  for (const key of [".", " ", "i", "n", "m", "ArrowLeft"]) assert.equal(mayRepeat(key), false, key);
  const listeners = [];
  makeDocument();
  Object.assign(globalThis.document, { addEventListener: (kind, listener) => listeners.push([kind, listener]) });
  globalThis.Element = class {
    matches() {
      return false;
    }
  };
  mount();
  update({ notices: [], song: null, previewed: null });
  const press = (repeat) => {
    const event = { key: ".", target: new Element(), repeat, preventDefault() {} };
    for (const [kind, listener] of listeners) if (kind === "keydown") listener(event);
    return state.notices.length;
  };
  assert.equal(press(true), 0);
  assert.equal(press(false), 1);
});
