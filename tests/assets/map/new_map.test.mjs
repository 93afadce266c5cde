/** What happens to indices, viewport and points when a new map is shown. */
import assert from "node:assert/strict";
import test from "node:test";
import { state } from "../../../assets/core/state.js";
import { forgottenState, isVisibleMove, newIndex, newViewport } from "../../../assets/map/new_map.js";
import { placesBefore, placesDuring, renumberedState, unmoved } from "../../../assets/map/new_map.js";
import { isNear } from "../page.mjs";

/** Of three songs, the first two change places, and the last one is not on the new map. */
const MOVED = Int32Array.of(2, 0, -1);

test("songs get their new indices; songs that are gone, unknown or null have none", () => {
  assert.deepEqual([0, 1, 2, 3, null, undefined].map((index) => newIndex(MOVED, index)), [2, 0, null, null, null, null]);
  assert.deepEqual([...unmoved(3)], [0, 1, 2]);
});

test("all indices of the state are renumbered at once", () => {
  const songs = [{ index: 0, title: "a" }, { index: 2, title: "gone" }, { index: 1, title: "b" }];
  const before = {
    ...state, hovered: 0, pointed: 1, previewed: 1, playing: 2, requested: 2, selected: 1, neighbours: songs, upload: { title: "c", neighbours: songs }, linesFrom: 1,
    lineEnds: songs, walk: [null, 2, 0, 1], walkPosition: 2, chosen: [2, 1, 0], chosenPosition: 1, moment: { index: 1, lit: new Map([[0, 0.9], [2, 0.8]]), moments: songs },
  };
  const next = [{ index: 2, title: "a" }, { index: 0, title: "b" }];
  assert.deepEqual(renumberedState(before, MOVED), {
    hovered: 2, pointed: 0, previewed: 0, playing: null, requested: null, selected: 0, neighbours: next, upload: { title: "c", neighbours: next }, linesFrom: 0,
    lineEnds: next, walk: [null, 2, 0], walkPosition: 1, chosen: [0, 2], chosenPosition: 0, moment: { index: 0, lit: new Map([[2, 0.9]]), moments: next },
  });
});

test("every index in the state is renumbered, or forgotten if nobody knows the new one", () => {
  const withIndices = ["hovered", "pointed", "previewed", "playing", "requested", "selected", "neighbours", "upload", "linesFrom", "lineEnds", "walk", "chosen", "moment"];
  for (const changes of [renumberedState(state, MOVED), forgottenState()]) {
    for (const key of [...withIndices, "walkPosition", "chosenPosition"]) assert.ok(key in changes, key);
  }
});

test("a selection or walk whose song is gone does not play on from there", () => {
  const changes = renumberedState({ ...state, walk: [1, 2], walkPosition: 1, chosen: [2, 0], chosenPosition: 0 }, MOVED);
  assert.deepEqual([changes.walk, changes.walkPosition, changes.chosen, changes.chosenPosition], [[0], 0, [2], null]);
});

const fitting = { x: 5, y: 5, scale: 2 };
const viewport = { x: 1, y: 2, scale: 0.5 };
const change = {
  before: { projection: "tsne", revision: 1 }, after: { projection: "tsne", revision: 2 }, viewport, isUserPositioned: true, fitting, fittingScaleBefore: 1,
  requested: null, followed: null,
};

test("the viewport stays on the same map, and follows a song to a new one", () => {
  const same = newViewport({ ...change, after: change.before });
  assert.deepEqual(same, { viewport, isUserPositioned: true });
  assert.equal(newViewport({ ...change, after: change.before, isUserPositioned: false }).viewport, viewport);
  // The song was one unit right of the centre: at the same pixel, with the same zoom.
  const { viewport: followed } = newViewport({ ...change, followed: { before: [2, 2], after: [9, 9] } });
  assert.deepEqual(followed, { x: 7, y: 9, scale: 1 });
});

test("on another projection, or if no song can be followed, all songs are shown, or the position in the address", () => {
  const all = { viewport: fitting, isUserPositioned: false };
  const followed = { before: [2, 2], after: [9, 9] };
  assert.deepEqual(newViewport(change), all);
  assert.deepEqual(newViewport({ ...change, before: null, viewport: null }), all);
  assert.deepEqual(newViewport({ ...change, isUserPositioned: false, followed }), all);
  assert.deepEqual(newViewport({ ...change, after: { projection: "umap", revision: 1 }, followed }), all);
  const requested = { x: 3, y: 4, zoom: 4 };
  assert.deepEqual(newViewport({ ...change, requested }), { viewport: { x: 3, y: 4, scale: 0.5 }, isUserPositioned: true });
});

test("songs begin to glide at their old pixels; new songs have no old place", () => {
  const from = { left: 0, top: 10, unitsPerPixel: 1 };
  const to = { left: 100, top: 50, unitsPerPixel: 2 };
  const before = placesBefore({ places: Float32Array.of(3, 4, 0, 10, 7, 7), from, to, moved: MOVED, count: 4 });
  assert.deepEqual([...before], [100, 50, NaN, NaN, 106, 38, NaN, NaN]);
  assert.deepEqual([...placesBefore({ places: Float32Array.of(3, 4), from, to, moved: null, count: 1 })], [106, 38]);
});

test("only a visible move needs an animation; new songs do not count", () => {
  const before = Float32Array.of(10, 10, NaN, NaN);
  assert.equal(isVisibleMove(before, Float32Array.of(11, 11, 90, 90), 1), false);
  assert.equal(isVisibleMove(before, Float32Array.of(11, 11.2, 90, 90), 1), true);
  assert.equal(isVisibleMove(before, Float32Array.of(11, 11.2, 90, 90), 2), false);
});

test("a second move begins where the points are during the first one", () => {
  const during = [...placesDuring(Float32Array.of(0, 10, NaN, NaN), Float32Array.of(10, 20, 3, 4), 0.25)];
  assert.ok([2.5, 12.5, 3, 4].every((value, i) => isNear(value, during[i])));
});
