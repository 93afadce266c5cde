/** The filter: how the controls' values become a filter, and what a click on the legend isolates. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { filters } = load("panel/filters");
const RANGES = { firstYear: 1970, lastYear: 1990, longest: 600 };
const UNTOUCHED = { genres: null, clusters: null, artists: null, years: null, duration: null, hide: [] };
const NO_FILTER = { genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] };

const parse = (controls, before = null) => filters.parse({ ...UNTOUCHED, ...RANGES, ...controls }, before);

test("untouched controls give an empty filter", () => {
  assert.deepEqual(parse({}), NO_FILTER);
});

test("a range that includes all songs is no filter", () => {
  assert.deepEqual(parse({ years: [1970, 1990], duration: [0, 600] }), NO_FILTER);
  assert.deepEqual(parse({ years: [1960, 2000], duration: [0, 601] }), NO_FILTER);
});

test("a range that excludes songs at either end is a filter", () => {
  assert.deepEqual(parse({ years: [1971, 1990] }).years, [1971, 1990]);
  assert.deepEqual(parse({ years: [1970, 1989] }).years, [1970, 1989]);
  assert.deepEqual(parse({ duration: [1, 600] }).duration_s, [1, 600]);
});

test("a filter can combine genres, artists and hidden songs", () => {
  const filter = parse({ genres: ["Waltz"], artists: ["A", "B"], hide: ["missing"] });
  assert.deepEqual(filter, { ...NO_FILTER, genres: ["Waltz"], artists: ["A", "B"], hide: ["missing"] });
});

test("the ranges of an address are kept until the sliders' limits are known", () => {
  const before = { years: [1975, 1980], duration_s: [9, 99] };
  const filter = parse({ genres: ["Waltz"], years: [0, 1], duration: [0, 1] }, before);
  assert.deepEqual(filter, { ...NO_FILTER, genres: ["Waltz"], ...before });
});

test("each switch that is on hides its kind of songs", () => {
  assert.deepEqual(filters.hiddenKinds({ duplicates: true, missing: false }), ["duplicates"]);
  assert.deepEqual(filters.hiddenKinds({ missing: true, duplicates: true }), ["duplicates", "missing"]);
  assert.deepEqual(filters.hiddenKinds({}), []);
});

test("a click on the legend isolates a group or shows all; with Shift it adds or removes the group", () => {
  for (const [isolated, group, hasShift, expected] of [
    [[], 0, false, [0]],
    [[0], 0, false, []],
    [[0], 1, false, [1]],
    [[0, 2], 0, false, [0]],
    [[], 1, true, [1]],
    [[0], 2, true, [0, 2]],
    [[0, 2], 0, true, [2]],
    [[2], 2, true, []],
  ]) {
    assert.deepEqual(filters.isolatedAfter(isolated, group, hasShift), expected);
  }
});

test("the numbers of matching and hidden songs are shown", () => {
  assert.equal(filters.describe({ matching: 8, songs: 24, hidden: 0 }), "8 of 24 songs");
  assert.equal(filters.describe({ matching: 12345, songs: 100000, hidden: 1200 }), "12,345 of 100,000 songs · 1,200 hidden");
  assert.match(filters.describe({ matching: 0, songs: 24, hidden: 2 }), /^No song/);
});

test("the sliders follow the limits of a library that grows, and keep what the user chose", () => {
  globalThis.document = { getElementById: () => ({}) };
  filters.current = { ...NO_FILTER };
  assert.deepEqual(filters.setRanges(1970, 1990, 600), [[1970, 1990], [0, 600]]);
  assert.equal(filters.setRanges(1970, 1990, 600), null);
  assert.deepEqual(filters.setRanges(1960, 1995, 900), [[1960, 1995], [0, 900]]);
  filters.current = { ...NO_FILTER, years: [1975, 1980] };
  assert.deepEqual(filters.setRanges(1960, 1999, 900), [[1975, 1980], [0, 900]]);
});
