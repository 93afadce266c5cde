/** The seek bar: a waveform's bars, and how far a song has come; the colours of a spectrogram. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const explorer = load("sound/waveform");
const { waveform } = explorer;

test("each bar is as tall as the loudest of its part of the song", () => {
  assert.deepEqual(waveform.bars([1, 9, 2, 3, 4, 0], 3), [9, 3, 4]);
  assert.deepEqual(waveform.bars([1, 9, 2, 3, 4], 2), [9, 4]);
  assert.deepEqual(waveform.bars([5, 6], 4), [5, 5, 6, 6]);
});

test("no part of a song is left out, however many bars there are", () => {
  const peaks = Array.from({ length: 800 }, (_, i) => (i * 37) % 256);
  for (const count of [1, 7, 100, 799, 800]) {
    const bars = waveform.bars(peaks, count);
    assert.equal(bars.length, count);
    assert.equal(Math.max(...bars), Math.max(...peaks));
  }
});

test("how far a song has come is a share of its length", () => {
  const share = (currentTime, duration) => {
    explorer.player = { audio: { currentTime, duration } };
    return waveform.share;
  };
  assert.deepEqual([share(5, 20), share(25, 20), share(0, NaN), share(3, 0)], [0.25, 1, 0, 0]);
});

test("colours go from dark to light through the given ones", () => {
  for (const [share, ...colour] of waveform.HEAT) assert.deepEqual(waveform.heat(share), [...colour, 255]);
  const light = Array.from({ length: 256 }, (_, level) => waveform.heat(level / 255).slice(0, 3).reduce((a, b) => a + b));
  assert.ok(light.every((value, i) => i === 0 || value >= light[i - 1]));
});
