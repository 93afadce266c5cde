/** The controls of the filter. */
import assert from "node:assert/strict";
import test from "node:test";
import { setFromControls, setRanges } from "../../../assets/panel/filters.js";

const UNTOUCHED = { genres: null, clusters: null, artists: null, years: null, duration: null, hide: [] };

test("the sliders follow the limits of a library that grows, and keep what the user chose", () => {
  globalThis.document = { getElementById: () => ({ querySelector: () => ({}) }) };
  assert.deepEqual(setRanges(1970, 1990, 600), [[1970, 1990], [0, 600]]);
  assert.equal(setRanges(1970, 1990, 600), null);
  assert.deepEqual(setRanges(1960, 1995, 900), [[1960, 1995], [0, 900]]);
  setFromControls({ ...UNTOUCHED, years: [1975, 1980], firstYear: 1960, lastYear: 1995, longest: 900 });
  assert.deepEqual(setRanges(1960, 1999, 900), [[1975, 1980], [0, 900]]);
});
