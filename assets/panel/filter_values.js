/** The values of the filter: what the controls mean, and what the page says about them. Pure functions. */

/** @typedef {import("../core/types.js").Filter} Filter */

/**
 * @typedef {object} Controls The values of the filter's controls; null if the user has not touched one.
 * @property {string[]|null} genres @property {string[]|null} clusters @property {string[]|null} artists
 * @property {number[]|null} years @property {number[]|null} duration In seconds.
 * @property {string[]} hide
 * @property {number} firstYear @property {number} lastYear @property {number} longest The limits of the sliders.
 */

/** @type {Filter} */
export const NO_FILTER = { genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] };
/** The kinds of songs that switches hide. */
const HIDEABLE = ["duplicates", "missing"];

/**
 * Make a filter from the controls' values. A range that includes all songs becomes null.
 * @param {Controls} controls
 * @param {Filter|null} before While the sliders' limits are unknown: the current filter, whose ranges are kept. Otherwise null.
 * @returns {Filter}
 */
export function parse({ genres, clusters, artists, years, duration, hide, firstYear, lastYear, longest }, before) {
  return {
    genres: genres || [],
    clusters: clusters || [],
    artists: artists || [],
    years: before ? before.years : restricted(years, firstYear, lastYear),
    duration_s: before ? before.duration_s : restricted(duration, 0, longest),
    hide,
  };
}

/** @param {number[]|null} range @param {number} min @param {number} max @returns {number[]|null} Null if the range excludes nothing. */
function restricted(range, min, max) {
  return !range || (range[0] <= min && range[1] >= max) ? null : range;
}

/** @param {Object<string, boolean>} isOn The state of each switch, by kind. @returns {string[]} The kinds to hide. */
export function hiddenKinds(isOn) {
  return HIDEABLE.filter((kind) => isOn[kind]);
}

/**
 * @param {number[]} isolated The groups that are isolated now.
 * @param {number} group The group that was clicked.
 * @param {boolean} hasShift Whether Shift was pressed: then the click adds this group to the others, or removes it.
 * @returns {number[]} The groups that are isolated after the click; empty if all groups are shown.
 */
export function isolatedAfter(isolated, group, hasShift) {
  const isOn = isolated.includes(group);
  if (hasShift) return isOn ? isolated.filter((other) => other !== group) : [...isolated, group];
  return isOn && isolated.length === 1 ? [] : [group];
}

/**
 * @param {{lit: number, songs: number, away: number}} counts As in a map's description.
 * @returns {string} How many of the songs match the filter, and how many are hidden.
 */
export function describeCounts({ lit, songs, away }) {
  const suffix = away ? ` · ${away.toLocaleString("en")} hidden` : "";
  return lit ? `${lit.toLocaleString("en")} of ${songs.toLocaleString("en")} songs${suffix}` : "No song matches";
}
