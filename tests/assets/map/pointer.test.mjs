/** The pointer: hovering, clicks, panning, shapes and pinching. */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import * as pointer from "../../../assets/map/pointer.js";
import { PIXELS, SIZE, fakeElement, makeDocument, makeMap } from "./frame.mjs";

/** The listeners on the frame and on the window, by the event's kind. */
const listeners = { frame: {}, window: {} };
const listenTo = (place) => (kind, listener) => (listeners[place][kind] ??= []).push(listener);
/** What the next animation frame calls. @type {(function(): void)[]} */
let scheduled = [];

globalThis.Element = class {
  closest() {
    return null;
  }
};
globalThis.HTMLElement = class extends Element {};
globalThis.WheelEvent = { DOM_DELTA_LINE: 1 };
globalThis.window = { addEventListener: listenTo("window") };
globalThis.requestAnimationFrame = (callback) => scheduled.push(callback);
globalThis.cancelAnimationFrame = () => {};
globalThis.fetch = async () => ({ ok: false, text: async () => "No such song." });
const frame = fakeElement({ clientWidth: SIZE.width, clientHeight: SIZE.height, addEventListener: listenTo("frame") });
makeDocument({ "map-frame": frame, tooltip: fakeElement({ hidden: true }) });
pointer.mount();

/** An event goes to the frame, then to the window. */
function send(kind, x, y, details = {}) {
  const event = { clientX: x, clientY: y, pointerId: 1, pointerType: "mouse", button: 0, target: new Element(), preventDefault() {}, ...details };
  for (const place of ["frame", "window"]) for (const listener of listeners[place][kind] ?? []) listener(event);
}

function nextFrame() {
  const callbacks = scheduled;
  scheduled = [];
  for (const callback of callbacks) callback();
}

/** @param {number} id */
const finger = (id) => ({ pointerId: id, pointerType: "touch" });

beforeEach(() => {
  scheduled = [];
  update({ map: makeMap([[100, -100], [300, -100]]), viewport: PIXELS, hovered: null, playing: null, tool: null, shape: null });
});

test("the song under the pointer is hovered until the pointer leaves", () => {
  send("pointermove", 105, 100);
  nextFrame();
  assert.equal(state.hovered, 0);
  send("pointermove", 200, 100);
  nextFrame();
  assert.equal(state.hovered, null);
  send("pointermove", 305, 100);
  nextFrame();
  send("pointerleave", 305, 100);
  assert.equal(state.hovered, null);
});

test("a click plays the song under the pointer; a finger may be further away", () => {
  send("pointerdown", 120, 100);
  send("pointerup", 120, 100);
  assert.equal(state.playing, null);
  send("pointerdown", 105, 100);
  send("pointerup", 105, 100);
  assert.equal(state.playing, 0);
  send("pointerdown", 320, 100, finger(2));
  send("pointerup", 320, 100, finger(2));
  assert.equal(state.playing, 1);
});

test("a drag pans, plays nothing, and shows no tooltip", () => {
  send("pointerdown", 100, 100);
  assert.ok(state.isDragging);
  send("pointermove", 102, 100);
  assert.deepEqual(state.viewport, PIXELS);
  send("pointermove", 110, 95);
  nextFrame();
  assert.equal(state.hovered, null);
  assert.deepEqual(state.viewport, { ...PIXELS, x: 490, y: -409 });
  send("pointerup", 110, 95);
  assert.deepEqual([state.playing, state.isDragging], [null, false]);
});

test("a drag with a tool selects the songs inside the shape", () => {
  update({ tool: "box", chosen: [] });
  send("pointerdown", 50, 50);
  send("pointermove", 150, 150);
  assert.equal(state.shape.kind, "box");
  send("pointerup", 150, 150);
  assert.deepEqual([state.chosen, state.shape], [[0], null]);
  assert.deepEqual(state.viewport, PIXELS);
});

test("a second finger ends a shape and begins to zoom", () => {
  update({ tool: "lasso" });
  send("pointerdown", 400, 404, finger(1));
  send("pointerdown", 600, 404, finger(2));
  assert.equal(state.shape, null);
  update({ map: makeMap([[0, 0]], { bounds: [0, 9600, 0, 7520] }), viewport: PIXELS });
  send("pointermove", 500, 404, finger(2));
  assert.deepEqual(state.viewport, { x: 600, y: -404, scale: 2 });
  send("pointerup", 500, 404, finger(2));
  assert.ok(state.isDragging);
  send("pointerup", 400, 404, finger(1));
  assert.ok(!state.isDragging);
});

test("the wheel zooms around the pointer, and cards scroll themselves", () => {
  update({ map: makeMap([[500, -404]], { bounds: [0, 960, 0, 752] }) });
  send("wheel", 500, 404, { deltaY: -100, deltaMode: 0 });
  const { scale } = state.viewport;
  assert.ok(scale < 1 && scale > 0.5);
  update({ viewport: PIXELS });
  send("wheel", 500, 404, { deltaY: -10, deltaMode: 1 });
  assert.ok(state.viewport.scale < scale);
  const card = Object.assign(new Element(), { closest: (selector) => (selector === ".card" ? card : null) });
  update({ viewport: PIXELS });
  send("wheel", 500, 404, { deltaY: -100, target: card });
  assert.deepEqual(state.viewport, PIXELS);
});
