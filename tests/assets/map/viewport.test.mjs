/** Viewports: which part of the map they show, and how zooming and gliding change them. */
import assert from "node:assert/strict";
import test from "node:test";
import * as viewport from "../../../assets/map/viewport.js";
import { isNear } from "../page.mjs";

const FREE = { left: 200, right: 900, top: 100, bottom: 700 };

/** @returns {number[]} The pixel of the frame at which a viewport shows a place. */
function pixelOf(view, [x, y], free = FREE) {
  const { left, top, unitsPerPixel } = viewport.frameAt(view, free);
  return [(x - left) / unitsPerPixel, (top - y) / unitsPerPixel];
}

const areNear = (a, b, tolerance = 1e-6) => a.every((value, i) => isNear(value, b[i], tolerance));

test("the viewport of the whole map fits its bounds into the middle of the free area", () => {
  for (const bounds of [[-1, 1, -1, 1], [0, 100, 3, 4], [5, 6, -50, 50]]) {
    const view = viewport.fitting(bounds, FREE);
    const [left, right, bottom, top] = bounds;
    const [west, south] = pixelOf(view, [left, bottom]);
    const [east, north] = pixelOf(view, [right, top]);
    assert.ok(areNear([(west + east) / 2, (north + south) / 2], [550, 400]));
    assert.ok(west >= 200 - 1e-6 && east <= 900 + 1e-6 && north >= 100 - 1e-6 && south <= 700 + 1e-6);
    // The bounds fill the area in one direction.
    assert.ok(isNear(east - west, 700, 1e-6) || isNear(south - north, 600, 1e-6));
  }
});

test("a single song is not zoomed in without limit", () => {
  assert.deepEqual(viewport.fitting([2, 2, 3, 3], FREE), { x: 2, y: 3, scale: 0.004 });
});

test("a free area without size gives a valid viewport", () => {
  assert.ok(viewport.fitting([-1, 1, -1, 1], { left: 10, right: 0, top: 10, bottom: 0 }).scale > 0);
});

test("the viewport's centre is in the middle of the free area, and up is up on the map", () => {
  const view = { x: 3, y: -7, scale: 0.01 };
  assert.ok(areNear(pixelOf(view, [3, -7]), [550, 400]));
  assert.ok(areNear(pixelOf(view, [4, -6]), [650, 300]));
});

test("zooming keeps the place under the pointer", () => {
  const view = { x: 1, y: -2, scale: 0.02 };
  const { left, top } = viewport.frameAt(view, FREE);
  const place = [left + 300 * 0.02, top - 650 * 0.02];
  for (const factor of [0.5, 0.9, 1.3]) {
    const zoomed = viewport.zoomed(view, FREE, 0.02, [300, 650], factor);
    assert.ok(isNear(zoomed.scale, 0.02 * factor));
    assert.ok(areNear(pixelOf(zoomed, place), [300, 650]));
  }
});

test("the scale is limited to 3 times and 1/400 of the whole map's", () => {
  const view = { x: 0, y: 0, scale: 1 };
  assert.equal(viewport.zoomed(view, FREE, 1, [0, 0], 1000).scale, 3);
  assert.equal(viewport.zoomed(view, FREE, 1, [0, 0], 1e-9).scale, 1 / 400);
});

test("panning moves each place by the same pixels", () => {
  const view = { x: 1, y: 2, scale: 0.5 };
  const [before, after] = [view, viewport.panned(view, 30, -8)].map((each) => pixelOf(each, [4, 4]));
  assert.deepEqual([after[0] - before[0], after[1] - before[1]], [30, -8]);
});

test("the map does not move to a visible song, and moves just far enough to any other song", () => {
  assert.equal(viewport.offsetInto(FREE, { x: 200, y: 700 }), null);
  assert.deepEqual(viewport.offsetInto(FREE, { x: 950, y: 400 }), [-74, 0]);
  assert.deepEqual(viewport.offsetInto(FREE, { x: 550, y: 40 }), [0, 84]);
  assert.deepEqual(viewport.offsetInto(FREE, { x: 100, y: 800 }), [124, -124]);
});

test("a glide starts at one viewport, ends at the other, and zooms by equal factors", () => {
  const [start, end] = [{ x: 0, y: 10, scale: 1 }, { x: 4, y: 20, scale: 0.01 }];
  assert.deepEqual(viewport.between(start, end, 0), start);
  const arrived = viewport.between(start, end, 1);
  assert.ok(areNear([arrived.x, arrived.y, arrived.scale], [4, 20, 0.01]));
  const half = viewport.between(start, end, 0.5);
  assert.ok(areNear([half.x, half.y, half.scale], [2, 15, 0.1]));
});

test("a movement begins and ends slowly", () => {
  assert.deepEqual([0, 0.5, 1].map(viewport.ease), [0, 0.5, 1]);
  assert.ok(viewport.ease(0.1) < 0.05 && viewport.ease(0.9) > 0.95);
});

test("the viewport stays if its song does; otherwise the song keeps its pixel, and the map its zoom", () => {
  const view = { x: 4, y: 5, scale: 0.1 };
  assert.equal(viewport.following({ viewport: view, zoomBy: 3, before: [1, 2], after: [1, 2] }), view);
  const after = viewport.following({ viewport: view, zoomBy: 2, before: [1, 2], after: [10, 20] });
  assert.deepEqual(after, { x: 16, y: 26, scale: 0.2 });
  // Distance in pixels: (4 - 1) / 0.1 before, (16 - 10) / 0.2 after.
  assert.equal((after.x - 10) / after.scale, 30);
});

test("zooming in ends where the songs around fill the view", () => {
  const view = { x: 0, y: 0, scale: 1 };
  const songs = [[3, 4], [-20, 1], [0, 2]];
  const closest = viewport.closestScale(FREE, songs);
  assert.equal(viewport.zoomed(view, FREE, 1, [550, 400], 1e-3, closest).scale, closest);
  // They fit into the area, and fill its width but for a margin.
  const [left, right] = [-20, 3].map((x) => pixelOf({ x: -8.5, y: 0, scale: closest }, [x, 0])[0]);
  assert.ok(left > FREE.left && left < FREE.left + 30 && right < FREE.right && right > FREE.right - 30);
  // Songs at one place, or no songs, set no other limit.
  assert.equal(viewport.closestScale(FREE, [[7, 7], [7, 7]]), 0);
  assert.equal(viewport.closestScale(FREE, []), 0);
  // A map that is too close already stays; zooming out works.
  const close = { ...view, scale: closest / 2 };
  assert.equal(viewport.zoomed(close, FREE, 1, [550, 400], 0.5, closest).scale, closest / 2);
  assert.equal(viewport.zoomed(close, FREE, 1, [550, 400], 1.5, closest).scale, 0.75 * closest);
});

test("a view without songs goes back to the nearest one by the shortest way; with a song in view it stays", () => {
  const view = { x: 1000, y: 0, scale: 1 };
  const returned = viewport.withSongs(view, FREE, [[100, 20], [0, 0]]);
  assert.deepEqual([returned.y, returned.scale], [0, 1]);
  const [x, y] = pixelOf(returned, [100, 20]);
  assert.ok(x > FREE.left && x < FREE.left + 30 && y > FREE.top && y < FREE.bottom);
  assert.equal(viewport.withSongs(returned, FREE, [[100, 20]]), null);
  // The nearest song can be above the area while another one is beside the middle.
  assert.equal(viewport.withSongs({ x: 0, y: 0, scale: 1 }, FREE, [[0, 310], [340, 0]]), null);
  assert.equal(viewport.withSongs(view, FREE, []), null);
});

test("zooming out to the limit brings the map to the middle, and the place under the pointer stays up to the whole map", () => {
  const all = viewport.fitting([-1, 1, -1, 1], FREE);
  const steps = (view, count) => {
    for (let i = 0; i < count; i++) view = viewport.towardsMiddle(view, viewport.zoomed(view, FREE, all.scale, [300, 650], 1.3), all);
    return view;
  };
  const away = { x: 7, y: -9, scale: all.scale / 4 };
  assert.deepEqual(steps(away, 12), { x: all.x, y: all.y, scale: 3 * all.scale });
  // Again, after panning at the limit.
  assert.deepEqual(steps({ x: 7, y: -9, scale: 3 * all.scale }, 1), { x: all.x, y: all.y, scale: 3 * all.scale });
  assert.deepEqual(steps(away, 3), [1, 1, 1].reduce((view) => viewport.zoomed(view, FREE, all.scale, [300, 650], 1.3), away));
  // On the way the map comes nearer with each step.
  const far = [0, 1, 2, 3].map((count) => Math.hypot(steps({ ...away, scale: all.scale }, count).x, 9));
  assert.ok(far.every((value, i) => !i || value < far[i - 1]), String(far));
});
