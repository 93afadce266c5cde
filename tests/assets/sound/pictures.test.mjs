/** The waveform's bars, the song's progress, and the spectrogram's colours and axis. */
import assert from "node:assert/strict";
import test from "node:test";
import { barsOf, COLOUR_STOPS, colourAt, formatFrequency, picturedId, playedShare } from "../../../assets/sound/pictures.js";

test("each bar has the height of the highest peak in its part of the song", () => {
  assert.deepEqual(barsOf([1, 9, 2, 3, 4, 0], 3), [9, 3, 4]);
  assert.deepEqual(barsOf([1, 9, 2, 3, 4], 2), [9, 4]);
  assert.deepEqual(barsOf([5, 6], 4), [5, 5, 6, 6]);
});

test("every peak is part of a bar, for any number of bars", () => {
  const peaks = Array.from({ length: 800 }, (_, i) => (i * 37) % 256);
  for (const count of [1, 7, 100, 799, 800]) {
    const bars = barsOf(peaks, count);
    assert.equal(bars.length, count);
    assert.equal(Math.max(...bars), Math.max(...peaks));
  }
});

test("progress is the played share of the song's length", () => {
  const progress = (currentTime, duration) => playedShare({ currentTime, duration });
  assert.deepEqual([progress(5, 20), progress(25, 20), progress(0, NaN), progress(3, 0)], [0.25, 1, 0, 0]);
});

test("the colours go from dark to light through the colour stops", () => {
  for (const [level, ...colour] of COLOUR_STOPS) assert.deepEqual(colourAt(level), [...colour, 255]);
  const brightness = Array.from({ length: 256 }, (_, level) => colourAt(level / 255).slice(0, 3).reduce((a, b) => a + b));
  assert.ok(brightness.every((value, i) => i === 0 || value >= brightness[i - 1]));
});

test("frequencies from 1 kHz on are written in kHz", () => {
  assert.deepEqual([200, 1000, 12000].map(formatFrequency), ["200 Hz", "1 kHz", "12 kHz"]);
});

test("there are pictures of songs of the library whose files exist", () => {
  const songs = [null, { token: "0123" }, { id: "a", gone_since: "2026-01-01" }, { id: "b", gone_since: null }];
  assert.deepEqual(songs.map(picturedId), [null, null, null, "b"]);
});
