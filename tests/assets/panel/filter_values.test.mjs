/** The filter: how the controls' values become a filter, and what a click on the legend isolates. */
import assert from "node:assert/strict";
import test from "node:test";
import { NO_FILTER, describeCounts, hiddenKinds, isolatedAfter, parse } from "../../../assets/panel/filter_values.js";

const RANGES = { firstYear: 1970, lastYear: 1990, longest: 600 };
const UNTOUCHED = { genres: null, clusters: null, artists: null, years: null, duration: null, hide: [] };

const filterOf = (controls, before = null) => parse({ ...UNTOUCHED, ...RANGES, ...controls }, before);

test("untouched controls give an empty filter", () => {
  assert.deepEqual(filterOf({}), NO_FILTER);
});

test("a range that includes all songs is no filter", () => {
  assert.deepEqual(filterOf({ years: [1970, 1990], duration: [0, 600] }), NO_FILTER);
  assert.deepEqual(filterOf({ years: [1960, 2000], duration: [0, 601] }), NO_FILTER);
});

test("a range that excludes songs at either end is a filter", () => {
  assert.deepEqual(filterOf({ years: [1971, 1990] }).years, [1971, 1990]);
  assert.deepEqual(filterOf({ years: [1970, 1989] }).years, [1970, 1989]);
  assert.deepEqual(filterOf({ duration: [1, 600] }).duration_s, [1, 600]);
});

test("a filter can combine genres, artists and hidden songs", () => {
  const filter = filterOf({ genres: ["Waltz"], artists: ["A", "B"], hide: ["missing"] });
  assert.deepEqual(filter, { ...NO_FILTER, genres: ["Waltz"], artists: ["A", "B"], hide: ["missing"] });
});

test("the ranges of an address are kept until the sliders' limits are known", () => {
  const before = { ...NO_FILTER, years: [1975, 1980], duration_s: [9, 99] };
  const filter = filterOf({ genres: ["Waltz"], years: [0, 1], duration: [0, 1] }, before);
  assert.deepEqual(filter, { ...before, genres: ["Waltz"] });
});

test("each switch that is on hides its kind of songs", () => {
  assert.deepEqual(hiddenKinds({ duplicates: true, missing: false }), ["duplicates"]);
  assert.deepEqual(hiddenKinds({ missing: true, duplicates: true }), ["duplicates", "missing"]);
  assert.deepEqual(hiddenKinds({}), []);
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
    assert.deepEqual(isolatedAfter(isolated, group, hasShift), expected);
  }
});

test("the numbers of matching and hidden songs are shown", () => {
  assert.equal(describeCounts({ lit: 8, songs: 24, away: 0 }), "8 of 24 songs");
  assert.equal(describeCounts({ lit: 12345, songs: 100000, away: 1200 }), "12,345 of 100,000 songs · 1,200 hidden");
  assert.match(describeCounts({ lit: 0, songs: 24, away: 2 }), /^No song/);
});
