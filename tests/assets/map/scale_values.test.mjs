import assert from "node:assert/strict";
import { test } from "node:test";

import { formatFrequency, valueText } from "../../../assets/map/scale_values.js";

const plain = (field, form) => ({ title: "", field, form, missing: "Unknown", sure_field: "" });
const tempo = { ...plain("tempo_bpm", "bpm"), missing: "Unknown tempo", sure_field: "tempo_is_sure" };
const key = { ...plain("key", "key"), missing: "Unknown key", sure_field: "key_is_sure" };

test("every form of a value is written with its unit", () => {
  assert.equal(valueText(plain("year", "number"), { year: "1984" }), "1984");
  assert.equal(valueText(plain("duration_s", "time"), { duration_s: 187.4 }), "3:07");
  assert.equal(valueText(plain("loudness_lufs", "lufs"), { loudness_lufs: -14.3 }), "-14 LUFS");
  assert.equal(valueText(plain("brightness_hz", "hz"), { brightness_hz: 1812 }), "1.8 kHz");
  assert.equal(valueText(plain("energy", "share"), { energy: 0.618 }), "62%");
  assert.equal(valueText(tempo, { tempo_bpm: 119.6, tempo_is_sure: true }), "120 bpm");
  assert.equal(valueText(key, { key: "A minor", camelot: "8A", key_is_sure: true }), "A minor · 8A");
});

test("doubt is said as doubt", () => {
  assert.equal(valueText(tempo, { tempo_bpm: 119.6, tempo_is_sure: false }), "about 120 bpm (not sure)");
  assert.equal(valueText(key, { key: "A minor", camelot: "8A", key_is_sure: false }), "A minor · 8A (not sure)");
});

test("an unknown value has the legend's name for it; 0 is a value", () => {
  for (const unknown of [null, undefined, ""]) assert.equal(valueText(tempo, { tempo_bpm: unknown }), "Unknown tempo");
  assert.equal(valueText(key, {}), "Unknown key");
  assert.equal(valueText(plain("energy", "share"), { energy: 0 }), "0%");
});

test("a frequency just below 1,000 Hz is written in the unit that its rounded value has", () => {
  assert.deepEqual([850.4, 999.4, 999.6, 12_345].map(formatFrequency), ["850 Hz", "999 Hz", "1.0 kHz", "12.3 kHz"]);
});
