/** The time axis that the pictures of a song share. */
import assert from "node:assert/strict";
import test from "node:test";
import { beatPlaces, secondsAt, sectionAt, seekTarget, shareOf, tickTimes } from "../../../assets/inside/time_axis.js";

const SECTIONS = [
  { start_s: 0, end_s: 12, label: "A", confidence: 0.8 },
  { start_s: 12, end_s: 24.5, label: "B", confidence: 0.8 },
  { start_s: 24.5, end_s: 36, label: "A", confidence: 0.8 },
];

test("a place on the axis and its second are each other's inverse, and stay within the song", () => {
  assert.equal(secondsAt(shareOf(24, 36), 36), 24);
  assert.deepEqual([shareOf(-1, 36), shareOf(40, 36), secondsAt(-0.1, 36), secondsAt(1.2, 36)], [0, 1, 0, 36]);
  // A song whose length nobody knows.
  assert.equal(shareOf(3, 0), 0);
});

test("ticks are at round times, far enough apart, and the last label is not cut off", () => {
  assert.deepEqual(tickTimes(36, 286), [0, 10, 20, 30]);
  assert.deepEqual(tickTimes(200, 520), [0, 30, 60, 90, 120, 150, 180]);
  for (const [durationS, width] of [[1, 286], [0.3, 286], [7200, 286], [50000, 286], [245, 900]]) {
    const times = tickTimes(durationS, width);
    const places = times.map((time) => (time / durationS) * width);
    assert.equal(times[0], 0);
    assert.ok(places.every((place, i) => i === 0 || place - places[i - 1] >= 52), `${durationS}: ${times}`);
    assert.ok(places.at(-1) <= width - 34);
  }
  assert.deepEqual([tickTimes(0, 286), tickTimes(36, 0), tickTimes(NaN, 286)], [[], [], []]);
});

test("each second belongs to one section; the last one also has the song's end", () => {
  const labels = [0, 11.9, 12, 24.4, 24.5, 36, 37].map((seconds) => SECTIONS.indexOf(sectionAt(SECTIONS, seconds)));
  assert.deepEqual(labels, [0, 0, 1, 1, 2, 2, 2]);
  assert.equal(sectionAt([], 3), null);
});

test("keys move the position, but never to the end of the song", () => {
  assert.deepEqual(["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"].map((key) => seekTarget(key, 12, 36)), [17, 17, 7, 7]);
  assert.deepEqual(["Home", "End", "PageUp", "PageDown"].map((key) => seekTarget(key, 12, 100)), [0, 95, 42, 0]);
  assert.equal(seekTarget("ArrowLeft", 2, 36), 0);
  assert.equal(seekTarget("ArrowRight", 30, 36), 31);
  // Near the end, a key that goes on does not go back.
  assert.equal(seekTarget("ArrowRight", 34, 36), 34);
  assert.equal(seekTarget("ArrowRight", 1, 3), 1);
  assert.equal(seekTarget("a", 12, 36), null);
});

test("beats are at least four pixels apart; of beats that are closer, each second, fourth and so on is drawn", () => {
  const beats = (count) => Array.from({ length: count }, (_, i) => i * 0.5);
  assert.deepEqual(beatPlaces([0, 0.5, 1], 2, 400), [0, 100, 200]);
  assert.deepEqual(beatPlaces(beats(40), 20, 80).slice(0, 3), [0, 4, 8]);
  assert.deepEqual(beatPlaces(beats(240), 120, 240).slice(0, 3), [0, 4, 8]);
  for (const width of [200, 286, 700, 1200]) {
    const places = beatPlaces(beats(480).map((second, i) => second + (i % 3) * 0.07), 240, width);
    assert.ok(places.length > 10 && places.every((place, i) => !i || place - places[i - 1] >= 4), `${width}`);
  }
  assert.deepEqual(beatPlaces([-1, 3, 9], 5, 100), [60]);
  assert.deepEqual([beatPlaces([], 5, 100), beatPlaces([1], 0, 100), beatPlaces([1, 1, 1], 5, 0)], [[], [], []]);
  assert.equal(beatPlaces([2, 2, 2], 5, 100).length, 1);
});
