/** The camera: how the viewport in the state moves. */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import * as camera from "../../../assets/map/camera.js";
import { PIXELS, makeDocument, makeMap } from "./frame.mjs";

let isMotionReduced = true;
globalThis.matchMedia = () => ({ matches: isMotionReduced });
/** The animation's next frame. @type {(function(number): void)|null} */
let nextFrame = null;
globalThis.requestAnimationFrame = (step) => {
  nextFrame = step;
  return 1;
};
globalThis.cancelAnimationFrame = () => (nextFrame = null);
globalThis.ResizeObserver = class {
  observe() {}
};
makeDocument();
camera.mount();

beforeEach(() => {
  isMotionReduced = true;
  update({ map: makeMap([[10, -100], [5000, -100]]), viewport: PIXELS, isUserPositioned: false });
});

test("pixels and map units are converted into each other", () => {
  assert.deepEqual(camera.toPixels(10, -20), { x: 10, y: 20 });
  assert.deepEqual(camera.toMap(10, 20), { x: 10, y: -20 });
});

test("panning moves the map with the pointer, and zooming keeps the pixel under it", () => {
  update({ map: makeMap([[400, -300]], { bounds: [0, 960, 0, 752] }) });
  camera.panBy(7, -3);
  assert.deepEqual(camera.toPixels(10, -20), { x: 17, y: 17 });
  const before = camera.toMap(200, 300);
  camera.zoomAt(200, 300, 0.999);
  const { x, y } = camera.toMap(200, 300);
  assert.ok(Math.hypot(x - before.x, y - before.y) < 1e-9);
  assert.ok(state.isUserPositioned);
});

test("showing all songs ends the user's position", () => {
  camera.panBy(7, -3);
  camera.showAll();
  assert.deepEqual(state.viewport, camera.fittingViewport());
  assert.equal(state.isUserPositioned, false);
});

test("a position from the address is shown at its zoom", () => {
  camera.showPosition({ x: 3, y: 4, zoom: 2 });
  assert.deepEqual(state.viewport, { x: 3, y: 4, scale: camera.fittingViewport().scale / 2 });
  assert.ok(state.isUserPositioned);
});

test("the map moves to a song outside the free area only", () => {
  update({ viewport: { ...PIXELS, x: 300 } });
  const before = state.viewport;
  camera.panIntoView(0);
  assert.equal(state.viewport, before);
  camera.panIntoView(1);
  assert.equal(camera.toPixels(5000, -100).x, 956);
});

test("flying to a song zooms in, but never out", () => {
  camera.showAll();
  const closeScale = camera.fittingViewport().scale / 2.5;
  camera.flyTo(0);
  assert.deepEqual(state.viewport, { x: 10, y: -100, scale: closeScale });
  camera.setViewport({ x: 0, y: 0, scale: closeScale / 3 });
  camera.flyTo(0);
  assert.equal(state.viewport.scale, closeScale / 3);
});

test("a glide ends at its target, and stops when another map gets another viewport", () => {
  isMotionReduced = false;
  const target = { x: 0, y: 0, scale: 2 };
  camera.glideTo(target, 100);
  nextFrame(performance.now() + 50);
  assert.ok(state.viewport.scale > 1 && state.viewport.scale < 2);
  assert.ok(camera.isMoving());
  nextFrame(performance.now() + 200);
  assert.deepEqual(state.viewport, target);
  camera.glideTo(PIXELS, 100);
  update({ map: makeMap([[0, 0]]) });
  assert.notEqual(nextFrame, null);
  update({ map: makeMap([[0, 0]]), viewport: { ...PIXELS } });
  assert.equal(nextFrame, null);
});
