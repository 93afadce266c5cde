/** The map's view: what is shown of the map, and how zooming and gliding change it. */
import assert from "node:assert/strict";
import test from "node:test";
import { isNear, load } from "../page.mjs";

const { map } = load("map/view");
const SIZE = { width: 1000, height: 800 };
const FREE = { left: 200, right: 900, top: 100, bottom: 700 };

/** @returns {number[]} Where a place of the map is in the frame, in pixels. */
function pixelOf(view, [x, y], free = FREE) {
  const [[left, right], [bottom, top]] = map.rangesOf(view, free, SIZE);
  return [((x - left) / (right - left)) * SIZE.width, ((top - y) / (top - bottom)) * SIZE.height];
}

const areNear = (one, other, tolerance = 1e-6) => one.every((value, i) => isNear(value, other[i], tolerance));

test("the view of the whole map puts its bounds into the free area, in its middle", () => {
  for (const bounds of [[-1, 1, -1, 1], [0, 100, 3, 4], [5, 6, -50, 50]]) {
    const view = map.viewFitting(bounds, FREE);
    const [left, right, bottom, top] = bounds;
    const [west, south] = pixelOf(view, [left, bottom]);
    const [east, north] = pixelOf(view, [right, top]);
    assert.ok(areNear([(west + east) / 2, (north + south) / 2], [550, 400]));
    assert.ok(west >= 200 - 1e-6 && east <= 900 + 1e-6 && north >= 100 - 1e-6 && south <= 700 + 1e-6);
    // It fills the area in one direction.
    assert.ok(isNear(east - west, 700, 1e-6) || isNear(south - north, 600, 1e-6));
  }
});

test("a single song does not fill the window", () => {
  assert.deepEqual(map.viewFitting([2, 2, 3, 3], FREE), { x: 2, y: 3, scale: 0.004 });
});

test("a free area of no size does not break the view", () => {
  assert.ok(map.viewFitting([-1, 1, -1, 1], { left: 10, right: 0, top: 10, bottom: 0 }).scale > 0);
});

test("map units are as long across as down", () => {
  const [[left, right], [bottom, top]] = map.rangesOf({ x: 0, y: 0, scale: 0.01 }, FREE, SIZE);
  assert.ok(isNear((right - left) / SIZE.width, 0.01) && isNear((top - bottom) / SIZE.height, 0.01));
});

test("zooming leaves the place under the pointer where it is", () => {
  const view = { x: 1, y: -2, scale: 0.02 };
  for (const factor of [0.5, 0.9, 1.3]) {
    const zoomed = map.zoomed(view, FREE, 0.02, [300, 650], factor);
    assert.ok(isNear(zoomed.scale, 0.02 * factor));
    const [[left, right], [bottom, top]] = map.rangesOf(view, FREE, SIZE);
    const place = [left + (0.3) * (right - left), top - (650 / 800) * (top - bottom)];
    assert.ok(areNear(pixelOf(zoomed, place), [300, 650]));
  }
});

test("zooming ends at three times the whole map and at a four-hundredth of it", () => {
  const view = { x: 0, y: 0, scale: 1 };
  assert.equal(map.zoomed(view, FREE, 1, [0, 0], 1000).scale, 3);
  assert.equal(map.zoomed(view, FREE, 1, [0, 0], 1e-9).scale, 1 / 400);
});

test("a song in sight does not move the map; another one moves it no further than needed", () => {
  assert.equal(map.stepInto(FREE, { x: 200, y: 700 }), null);
  assert.deepEqual(map.stepInto(FREE, { x: 950, y: 400 }), [-74, 0]);
  assert.deepEqual(map.stepInto(FREE, { x: 550, y: 40 }), [0, 84]);
  assert.deepEqual(map.stepInto(FREE, { x: 100, y: 800 }), [124, -124]);
});

test("a flight begins at one view, ends at the other, and zooms by equal factors", () => {
  const [start, end] = [{ x: 0, y: 10, scale: 1 }, { x: 4, y: 20, scale: 0.01 }];
  assert.deepEqual(map.viewBetween(start, end, 0), start);
  const arrived = map.viewBetween(start, end, 1);
  assert.ok(areNear([arrived.x, arrived.y, arrived.scale], [4, 20, 0.01]));
  const half = map.viewBetween(start, end, 0.5);
  assert.ok(areNear([half.x, half.y, half.scale], [2, 15, 0.1]));
});
