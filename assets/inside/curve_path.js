/** The shapes of the curves of loudness and brightness, as SVG paths in a box of 1000 to 100. Pure functions. */

import { wholeNumber } from "./inside_text.js";

export const BOX = { width: 1000, height: 100 };

/** @typedef {(number|null)[]} Values One each `stepS`; null where nothing was measured. */

/** A steady sound is no mountain range: the picture shows at least this. */
const LEAST_DB = 12;
const LEAST_HZ = 1000;
/** Silence does not make everything else flat: the picture shows at most this. */
const MOST_DB = 40;

/** @typedef {{limits: [number, number], text: string}} Range What a picture shows, and what it says about it. */

/** @param {Values} values In LUFS. @returns {Range|null} Null without values. */
export function loudnessRange(values) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return null;
  const high = Math.max(...known);
  const low = Math.max(Math.min(...known), high - MOST_DB);
  const more = Math.max(0, LEAST_DB - (high - low)) / 2;
  const limits = /** @type {[number, number]} */ ([low - more, high + more]);
  return { limits, text: `${wholeNumber(limits[0])} to ${wholeNumber(limits[1])} LUFS` };
}

/** @param {Values} values In Hz. @returns {Range|null} From 0; null without values. */
export function brightnessRange(values) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return null;
  const high = Math.max(LEAST_HZ, ...known);
  return { limits: [0, high], text: `0 to ${(high / 1000).toFixed(1)} kHz` };
}

/**
 * @param {Values} values @param {number} stepS @param {number} durationS @param {[number, number]} range
 * @returns {{line: string, area: string}} The paths of the curve, and of the area below it. Both have gaps where nothing was measured.
 */
export function curvePaths(values, stepS, durationS, [low, high]) {
  const xAt = (/** @type {number} */ seconds) => round(Math.min(seconds / durationS, 1) * BOX.width);
  const yAt = (/** @type {number} */ value) => round((1 - Math.min(Math.max((value - low) / (high - low || 1), 0), 1)) * BOX.height);
  const runs = runsOf(values).map(({ first, last }) => {
    const points = values.slice(first, last + 1).map((value, i) => [xAt((first + i + 0.5) * stepS), yAt(Number(value))]);
    // A value stands for a whole step: the curve reaches to the ends of the first and the last one.
    return [[xAt(first * stepS), points[0][1]], ...points, [xAt((last + 1) * stepS), points[points.length - 1][1]]];
  });
  const join = (/** @type {number[][]} */ points) => points.map((point) => point.join(" ")).join("L");
  return {
    line: runs.map((points) => `M${join(points)}`).join(""),
    area: runs.map((points) => `M${points[0][0]} ${BOX.height}L${join(points)}L${points[points.length - 1][0]} ${BOX.height}Z`).join(""),
  };
}

/** @param {Values} values @returns {{first: number, last: number}[]} The places of the values that follow each other without a gap. */
function runsOf(values) {
  /** @type {{first: number, last: number}[]} */
  const runs = [];
  values.forEach((value, i) => {
    if (value === null) return;
    const run = runs.at(-1);
    if (run && run.last === i - 1) run.last = i;
    else runs.push({ first: i, last: i });
  });
  return runs;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
