/** The numbers behind the two pictures of a song: its waveform's bars and its spectrogram's colours. Pure functions. */

/** The spectrogram's colours from silence to the loudest sound, as [level, red, green, blue]. */
export const COLOUR_STOPS = [
  [0, 10, 12, 20],
  [0.3, 38, 44, 102],
  [0.55, 140, 50, 122],
  [0.78, 236, 120, 80],
  [1, 255, 244, 200],
];

/**
 * @param {import("../core/types.js").State["song"]} song
 * @returns {string|null} The id of the song whose pictures are shown. There are none of an uploaded song, nor of a song
 *   whose file is missing: its preview is shorter, so pictures of the whole song would be wrong.
 */
export function picturedId(song) {
  return song && "id" in song && !song.gone_since ? song.id : null;
}

/** @param {{currentTime: number, duration: number}} audio @returns {number} The fraction of the song that has played, from 0 to 1. */
export function playedShare({ currentTime, duration }) {
  return duration > 0 ? Math.min(currentTime / duration, 1) : 0;
}

/** @param {number[]} peaks @param {number} count @returns {number[]} The highest peak in each of `count` equal parts of a song. */
export function barsOf(peaks, count) {
  return Array.from({ length: count }, (_, bar) => {
    const from = Math.floor((bar * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / count));
    return Math.max(...peaks.slice(from, to));
  });
}

/** @param {number} level From 0 to 1. @returns {number[]} Red, green, blue and opacity, from 0 to 255. */
export function colourAt(level) {
  const above = Math.max(1, COLOUR_STOPS.findIndex(([stop]) => stop >= level));
  const [[low, ...from], [high, ...to]] = [COLOUR_STOPS[above - 1], COLOUR_STOPS[above]];
  const fraction = (level - low) / (high - low);
  return [...from.map((value, i) => Math.round(value + (to[i] - value) * fraction)), 255];
}

/** @param {number} hz @returns {string} A frequency on the spectrogram's axis, such as "4 kHz". */
export function formatFrequency(hz) {
  return hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`;
}
