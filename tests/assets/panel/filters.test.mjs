/** The filters: what the controls mean, and what the legend isolates. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { filters } = load("panel/filters");
const RANGES = { firstYear: 1970, lastYear: 1990, longest: 600 };
const NOTHING = { genres: null, clusters: null, artists: null, years: null, duration: null, hide: [] };
const EMPTY = { genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] };

const read = (controls, before = null) => filters.read({ ...NOTHING, ...RANGES, ...controls }, before);

test("controls that nobody touched filter nothing", () => {
  assert.deepEqual(read({}), EMPTY);
});

test("a range that leaves nothing out is none", () => {
  assert.deepEqual(read({ years: [1970, 1990], duration: [0, 600] }), EMPTY);
  assert.deepEqual(read({ years: [1960, 2000], duration: [0, 601] }), EMPTY);
});

test("a range that leaves something out at either end counts", () => {
  assert.deepEqual(read({ years: [1971, 1990] }).years, [1971, 1990]);
  assert.deepEqual(read({ years: [1970, 1989] }).years, [1970, 1989]);
  assert.deepEqual(read({ duration: [1, 600] }).duration_s, [1, 600]);
});

test("choices of several kinds stand side by side", () => {
  const chosen = read({ genres: ["Waltz"], artists: ["A", "B"], hide: ["missing"] });
  assert.deepEqual(chosen, { ...EMPTY, genres: ["Waltz"], artists: ["A", "B"], hide: ["missing"] });
});

test("ranges of an address hold until the controls know the range of all songs", () => {
  const before = { years: [1975, 1980], duration_s: [9, 99] };
  const chosen = read({ genres: ["Waltz"], years: [0, 1], duration: [0, 1] }, before);
  assert.deepEqual(chosen, { ...EMPTY, genres: ["Waltz"], ...before });
});

test("switches say which kinds are hidden", () => {
  assert.deepEqual(filters.kindsOf({ duplicates: true, missing: false }), ["duplicates"]);
  assert.deepEqual(filters.kindsOf({ missing: true, duplicates: true }), ["duplicates", "missing"]);
  assert.deepEqual(filters.kindsOf({}), []);
});

test("a click on the legend isolates a group or lets it go; Shift adds and takes away", () => {
  for (const [shown, group, isAdded, expected] of [
    [[], 0, false, [0]],
    [[0], 0, false, []],
    [[0], 1, false, [1]],
    [[0, 2], 0, false, [0]],
    [[], 1, true, [1]],
    [[0], 2, true, [0, 2]],
    [[0, 2], 0, true, [2]],
    [[2], 2, true, []],
  ]) {
    assert.deepEqual(filters.isolatedAfter(shown, group, isAdded), expected);
  }
});

test("the number of songs is told, with those that are hidden", () => {
  assert.equal(filters.describe({ lit: 8, songs: 24, away: 0 }), "8 of 24 songs");
  assert.equal(filters.describe({ lit: 12345, songs: 100000, away: 1200 }), "12,345 of 100,000 songs · 1,200 hidden");
  assert.equal(filters.describe({ lit: 0, songs: 24, away: 2 }), "No song is like that");
});
