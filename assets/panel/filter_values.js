/** The values of the filter: what the controls mean, and what the page says about them. Pure functions. */

import { formatTime } from "../core/text.js";

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
/** The fields of a filter that hold names; and what one of them is called. @type {Object<"genres"|"clusters"|"artists", string>} */
const NAMED = { genres: "Genre", clusters: "Cluster", artists: "Artist" };
/** @type {Object<string, string>} */
const HIDDEN_KINDS = { duplicates: "duplicates", missing: "missing songs" };
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
 * A row of the legend is a value of a field of the filter.
 * @param {{projection: string, colouring: string}} view
 * @returns {"genres"|"clusters"|"artists"|null} The field of the groups that colour the map; null if a continuous scale does.
 */
export function groupField({ projection, colouring }) {
  if (projection === "original") return "clusters";
  return /** @type {Object<string, "genres"|"clusters"|"artists">} */ ({ cluster: "clusters", genre: "genres", artist: "artists" })[colouring] ?? null;
}

/** @param {{projection: string, colouring: string}} view @returns {"groups"|"scale"|"keys"} Which colours a view has: scales share theirs. */
export function paletteOf(view) {
  if (groupField(view) !== null) return "groups";
  return view.colouring === "key" ? "keys" : "scale";
}

/**
 * @param {string[]} names The groups that are shown now; empty if all are.
 * @param {string} name The group that was clicked.
 * @param {boolean} hasShift Whether Shift was pressed: then the click adds this group to the others, or removes it.
 * @returns {string[]} The groups that are shown after the click; empty if all are.
 */
export function namesAfter(names, name, hasShift) {
  // The server ignores case, too.
  const isSame = (/** @type {string} */ other) => other.toLowerCase() === name.toLowerCase();
  const isOn = names.some(isSame);
  if (hasShift) return isOn ? names.filter((other) => !isSame(other)) : [...names, name];
  return isOn && names.length === 1 ? [] : [name];
}

/**
 * @typedef {object} Chip One condition of a filter.
 * @property {string} text What it says. @property {string} label What a click on it does.
 * @property {Filter} without The filter without it.
 */

/** @param {Filter} filter @returns {Chip[]} */
export function chipsOf(filter) {
  /** @type {Chip[]} */
  const chips = [];
  const add = (/** @type {string} */ name, /** @type {string} */ value, /** @type {Partial<Filter>} */ changes) =>
    chips.push({ text: `${name}: ${value}`, label: `Remove the filter ${name.toLowerCase()}: ${value}`, without: { ...filter, ...changes } });
  for (const field of /** @type {("genres"|"clusters"|"artists")[]} */ (Object.keys(NAMED))) {
    const names = filter[field];
    for (const name of names) add(NAMED[field], name, { [field]: names.filter((other) => other !== name) });
  }
  if (filter.years) add("Year", filter.years.join(" – "), { years: null });
  if (filter.duration_s) add("Length", filter.duration_s.map(formatTime).join(" – "), { duration_s: null });
  for (const kind of filter.hide) {
    const name = HIDDEN_KINDS[kind];
    const without = { ...filter, hide: filter.hide.filter((other) => other !== kind) };
    chips.push({ text: `No ${name}`, label: `No ${name}: show them again`, without });
  }
  return chips;
}

/**
 * @param {"genres"|"clusters"|"artists"} field @param {string[]} names
 * @returns {string} That the filter has lost names that are in no song or on no map.
 */
export function describeUnknown(field, names) {
  const list = names.map((name) => `“${name}”`).join(", ");
  if (field === "clusters") return `This map has no cluster called ${list}, so the filter was removed.`;
  const noun = NAMED[field].toLowerCase();
  return names.length === 1 ? `The ${noun} ${list} is not in this library.` : `The ${noun}s ${list} are not in this library.`;
}

/**
 * @param {{lit: number, songs: number, away: number}} counts As in a map's description.
 * @returns {string} How many of the songs match the filter, and how many are hidden.
 */
export function describeCounts({ lit, songs, away }) {
  const all = lit === songs && !away;
  if (all) return songs === 1 ? "1 song" : `All ${songs.toLocaleString("en")} songs`;
  const suffix = away ? ` · ${away.toLocaleString("en")} hidden` : "";
  return lit ? `${lit.toLocaleString("en")} of ${songs.toLocaleString("en")} songs${suffix}` : `No songs match these filters${suffix}`;
}
