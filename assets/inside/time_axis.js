/** The time axis that the pictures of a song share. Pure functions. */

/** Seconds between two ticks. */
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
/** The least distance of two ticks' labels. */
const TICK_PX = 52;
/** The last label would be cut off nearer to the end than this. */
const END_PX = 34;
/** The least distance of two beats. */
const BEAT_PX = 4;
const ARROW_S = 5;
const PAGE_S = 30;
/** The End key leaves this much of a song. */
const REST_S = 5;

/** @typedef {{start_s: number, end_s: number, label: string, confidence: number|null}} Section */

/** @param {number} seconds @param {number} durationS @returns {number} Where a second lies on the axis, from 0 to 1. */
export function shareOf(seconds, durationS) {
  return durationS > 0 ? Math.min(Math.max(seconds / durationS, 0), 1) : 0;
}

/** @param {number} share From 0 to 1. @param {number} durationS @returns {number} The second at a place of the axis. */
export function secondsAt(share, durationS) {
  return Math.min(Math.max(share, 0), 1) * durationS;
}

/** @param {number} durationS @param {number} widthPx Of the axis. @returns {number[]} The seconds that are written on the axis. */
export function tickTimes(durationS, widthPx) {
  if (!(durationS > 0) || !(widthPx > 0)) return [];
  const least = (TICK_PX * durationS) / widthPx;
  const step = STEPS_S.find((value) => value >= least) ?? Math.ceil(least / 3600) * 3600;
  const last = durationS * (1 - END_PX / widthPx);
  return Array.from({ length: Math.max(0, Math.floor(last / step)) + 1 }, (_, i) => i * step);
}

/**
 * @param {number[]} beatsS In order. @param {number} durationS @param {number} widthPx Of the axis.
 * @returns {number[]} Where beats are drawn, in pixels. If they are too close, each second, fourth, eighth one and so on is.
 */
export function beatPlaces(beatsS, durationS, widthPx) {
  if (!(durationS > 0) || !(widthPx > 0)) return [];
  const places = beatsS.filter((second) => second >= 0 && second <= durationS).map((second) => (second / durationS) * widthPx);
  const apart = places.length > 1 ? (places[places.length - 1] - places[0]) / (places.length - 1) : widthPx;
  const step = apart > 0 ? 2 ** Math.max(0, Math.ceil(Math.log2(BEAT_PX / apart))) : places.length;
  let last = -Infinity;
  // Beats are not always equally far apart.
  return places.filter((place, i) => i % step === 0 && place - last >= BEAT_PX && ((last = place), true));
}

/** @param {Section[]} sections In order. @param {number} seconds @returns {Section|null} The section at a second. */
export function sectionAt(sections, seconds) {
  return sections.find(({ end_s: end }) => seconds < end) ?? sections.at(-1) ?? null;
}

/**
 * @param {string} key @param {number} seconds The position now. @param {number} durationS
 * @returns {number|null} Where a key moves the position; null if the key does not move it.
 */
export function seekTarget(key, seconds, durationS) {
  const last = Math.max(0, durationS - REST_S);
  /** @type {Object<string, number>} */
  const targets = {
    ...{ ArrowRight: seconds + ARROW_S, ArrowUp: seconds + ARROW_S, ArrowLeft: seconds - ARROW_S, ArrowDown: seconds - ARROW_S },
    ...{ PageUp: seconds + PAGE_S, PageDown: seconds - PAGE_S, Home: 0, End: last },
  };
  // A song must not end because of a key that moves the position.
  return key in targets ? Math.min(Math.max(targets[key], 0), Math.max(last, Math.min(seconds, durationS))) : null;
}
