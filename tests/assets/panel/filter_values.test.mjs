/** The filter: how the controls' values become a filter, and what a click on the legend isolates. */
import assert from "node:assert/strict";
import test from "node:test";
import { NO_FILTER, chipsOf, describeCounts, describeUnknown, groupField, hiddenKinds, namesAfter, parse } from "../../../assets/panel/filter_values.js";

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

test("a click on the legend shows only a group or all; with Shift it adds or removes the group", () => {
  for (const [names, name, hasShift, expected] of [
    [[], "a", false, ["a"]],
    [["a"], "a", false, []],
    [["A"], "a", false, []],
    [["a"], "b", false, ["b"]],
    [["a", "c"], "a", false, ["a"]],
    [[], "b", true, ["b"]],
    [["a"], "c", true, ["a", "c"]],
    [["a", "c"], "a", true, ["c"]],
    [["c"], "c", true, []],
  ]) {
    assert.deepEqual(namesAfter(names, name, hasShift), expected);
  }
});

test("the rows of the legend are values of one field of the filter", () => {
  const fields = ["cluster", "genre", "artist", "year"].map((colouring) => groupField({ projection: "pca", colouring }));
  assert.deepEqual(fields, ["clusters", "genres", "artists", null]);
  assert.equal(groupField({ projection: "original", colouring: "year" }), "clusters");
});

test("each condition has a chip, which says what it removes", () => {
  assert.deepEqual(chipsOf(NO_FILTER), []);
  const filter = { genres: ["Piano", "Waltz"], clusters: ["Slow"], artists: ["Été"], years: [1970, 1977], duration_s: [11, 187], hide: ["duplicates", "missing"] };
  const chips = chipsOf(filter);
  assert.deepEqual(
    chips.map(({ text }) => text),
    ["Genre: Piano", "Genre: Waltz", "Cluster: Slow", "Artist: Été", "Year: 1970 – 1977", "Length: 0:11 – 3:07", "No duplicates", "No missing songs"],
  );
  assert.equal(chips[0].label, "Remove the filter genre: Piano");
  assert.deepEqual(chips[0].without, { ...filter, genres: ["Waltz"] });
  assert.deepEqual(chips[4].without, { ...filter, years: null });
  assert.deepEqual(chips[6].without, { ...filter, hide: ["missing"] });
});

test("the numbers of matching and hidden songs are shown", () => {
  assert.equal(describeCounts({ lit: 8, songs: 24, away: 0 }), "8 of 24 songs");
  assert.equal(describeCounts({ lit: 1870, songs: 1870, away: 0 }), "All 1,870 songs");
  assert.equal(describeCounts({ lit: 1, songs: 1, away: 0 }), "1 song");
  assert.equal(describeCounts({ lit: 12345, songs: 100000, away: 1200 }), "12,345 of 100,000 songs · 1,200 hidden");
  assert.match(describeCounts({ lit: 0, songs: 24, away: 2 }), /^No songs match these filters · 2 hidden$/);
});

test("names that the library does not have are said", () => {
  assert.equal(describeUnknown("genres", ["Nonsense"]), "The genre “Nonsense” is not in this library.");
  assert.equal(describeUnknown("artists", ["A", "B"]), "The artists “A”, “B” are not in this library.");
  assert.equal(describeUnknown("clusters", ["A"]), "This map has no cluster called “A”, so the filter was removed.");
});
