/** The grid: the songs near a place. */
import assert from "node:assert/strict";
import test from "node:test";
import { findNearest, makeGrid } from "../../../assets/map/grid.js";
import { makeRandom } from "../page.mjs";

const random = makeRandom(3);

/** @returns {number[]} The songs within a radius that meet a condition, the nearest first, found by checking every song. */
function findByBruteForce(places, x, y, radius, accepts = () => true) {
  const distance = (i) => Math.hypot(places[2 * i] - x, places[2 * i + 1] - y);
  const songs = Array.from({ length: places.length / 2 }, (_, i) => i);
  return songs.filter((i) => accepts(i) && distance(i) <= radius).sort((a, b) => distance(a) - distance(b));
}

/** Songs in clusters, on a map that is wider than high, with one song far away. */
function makePlaces(count) {
  const places = Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 ? 1 : 5) * (Math.floor(3 * random()) + random() ** 3));
  places[0] = 40;
  return places;
}

/** @returns {[number, number]} A place on the map, or beside it. */
const somewhere = () => [20 * random() - 2, 5 * random() - 1];

test("the nearest songs that meet a condition are found, the nearest first", () => {
  for (const count of [1, 2, 24, 3000]) {
    const places = makePlaces(count);
    const grid = makeGrid(places);
    const flags = Uint8Array.from({ length: count }, () => 4 * random());
    for (const [wanted, radius] of [[1, 0.3], [8, 0.7], [8, 100]]) {
      for (let i = 0; i < 40; i++) {
        const [x, y] = somewhere();
        const found = findNearest(grid, x, y, radius, wanted, { flags, mask: 3, value: 1 });
        const expected = findByBruteForce(places, x, y, radius, (index) => flags[index] === 1).slice(0, wanted);
        assert.deepEqual(found.map(({ index }) => index), expected);
      }
    }
  }
});

test("the grid works if all songs are in one place, on one line, and without songs", () => {
  const condition = { flags: new Uint8Array(3), mask: 0, value: 0 };
  const indices = (found) => found.map(({ index }) => index);
  assert.deepEqual(indices(findNearest(makeGrid(new Float32Array([1, 2, 1, 2, 1, 2])), 1, 2, 1, 2, condition)), [0, 1]);
  assert.deepEqual(indices(findNearest(makeGrid(new Float32Array([1, 2, 2, 2, 9, 2])), 8, 2, 7, 3, condition)), [2, 1, 0]);
  assert.deepEqual(findNearest(makeGrid(new Float32Array()), 0, 0, 99, 3, condition), []);
});
