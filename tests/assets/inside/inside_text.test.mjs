/** What the page says about the inside of a song. */
import assert from "node:assert/strict";
import test from "node:test";
import * as text from "../../../assets/inside/inside_text.js";

const NOTHING = {
  duration_s: 30, has_windows: false, step_s: null, sections: [], tempo_bpm: null, tempo_confidence: null, tempo_source: null, tempo_is_sure: null,
  key: null, camelot: null, key_confidence: null, key_source: null, key_is_sure: null, energy: null, loudness_lufs: null, brightness_hz: null,
  loudness_curve: [], brightness_curve: [], curve_step_s: 1, beats_s: [], advice: null,
};
const MEASURED = {
  ...NOTHING, has_windows: true, tempo_bpm: 120.4, tempo_source: "sound", tempo_is_sure: true, key: "A minor", camelot: "8A", key_source: "sound",
  key_is_sure: false, energy: 0.62, loudness_lufs: -13.6, brightness_hz: 2140, loudness_curve: [-14],
};

test("a section is named by its letter and its times", () => {
  const section = { label: "B", start_s: 62.2, end_s: 94, confidence: 0.7 };
  assert.equal(text.sectionTitle(section), "Section B, 1:02 to 1:34");
  assert.equal(text.sectionTitle({ ...section, confidence: 0.1 }), "Section B, 1:02 to 1:34 (not sure)");
  assert.deepEqual([text.placeText(67, section), text.placeText(67, null)], ["1:07, section B", "1:07"]);
  assert.deepEqual([0.7, 0.4, null].map((confidence) => text.isSure({ ...section, confidence })), [true, false, false]);
});

test("doubt is shown as doubt, and tags are named", () => {
  assert.equal(text.tempoText(MEASURED), "120 bpm");
  assert.equal(text.tempoText({ ...MEASURED, tempo_is_sure: false }), "about 120 bpm (not sure)");
  assert.equal(text.tempoText({ ...MEASURED, tempo_bpm: 128, tempo_source: "tag" }), "128 bpm, from the tags");
  assert.equal(text.keyText(MEASURED), "A minor · 8A (not sure)");
  assert.equal(text.keyText({ ...MEASURED, key_is_sure: true }), "A minor · 8A");
  assert.equal(text.keyText({ ...MEASURED, key_source: "tag" }), "A minor · 8A, from the tags");
});

test("known facts are listed with a sentence each; unknown ones are left out", () => {
  const facts = text.factsOf(MEASURED);
  assert.deepEqual(Object.fromEntries(facts.map(({ name, value }) => [name, value])), {
    ...{ Tempo: "120 bpm", Key: "A minor · 8A (not sure)", Loudness: "−14 LUFS", Brightness: "2.1 kHz", Energy: "62 of 100" },
  });
  assert.ok(facts.every(({ meaning }) => /^[A-Z].*\.$/.test(meaning)));
  assert.deepEqual(text.factsOf(NOTHING), []);
  assert.deepEqual([text.formatBrightness(850.4), text.wholeNumber(-0.2), text.wholeNumber(3.6)], ["850 Hz", "0", "4"]);
});

test("a song of one section is called even, unless that is a guess", () => {
  const one = (confidence) => text.sectionsText([{ label: "A", start_s: 0, end_s: 9, confidence }]);
  assert.match(one(0.9), /alike/);
  assert.match(one(0), /No clear change/);
  const two = (confidence) => text.sectionsText([{ confidence: 0.9 }, { confidence }]);
  assert.equal(two(0.9), "");
  assert.match(two(0.2), /[Ss]ections.* guess/);
});

test("two moments are compared in words", () => {
  assert.equal(new Set([255, 150, 20].map(text.alikeText)).size, 3);
});
