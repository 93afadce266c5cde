/** Decides when a new map is shown by itself. Pure functions. */

/** The shortest time between two maps that are shown by themselves: a millisecond for each song, within these limits. */
const MIN_INTERVAL_MS = 2000;
const MAX_INTERVAL_MS = 60_000;

/**
 * Decide whether a new map is shown.
 * @param {object} situation
 * @param {boolean} situation.isPressed Whether the user drags the map, draws a lasso, or sees the songs move.
 * @param {boolean} situation.usesGroups Whether only some clusters are shown: a new map has other clusters.
 * @param {number} situation.elapsedMs The time since the last new map was shown.
 * @param {number} situation.songCount How many songs the page shows.
 * @returns {"show"|"wait"|"ask"} "ask": the page offers the map, as after the first look.
 */
export function decide({ isPressed, usesGroups, elapsedMs, songCount }) {
  if (usesGroups) return "ask";
  const interval = Math.min(Math.max(songCount, MIN_INTERVAL_MS), MAX_INTERVAL_MS);
  return isPressed || elapsedMs < interval ? "wait" : "show";
}
