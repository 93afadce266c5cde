/** Facts about single songs on the map that is drawn: place, colour, visibility. */

import { state } from "../core/state.js";
import { storedProjection } from "../core/text.js";
import { HIDDEN, isVisible } from "./flags.js";

/** @param {number|null} index @returns {[number, number]|null} A song's place in map units. */
export function placeOf(index) {
  const { map } = state;
  return map && index !== null && index < map.count ? [map.places[2 * index], map.places[2 * index + 1]] : null;
}

/** @param {number} index @returns {boolean} Whether a song matches the filter and is not hidden. Other songs are grey or not drawn. */
export function matchesFilter(index) {
  return state.map !== null && isVisible(state.map.flags[index]);
}

/** @param {number} index @returns {boolean} Whether the user has hidden a song from the map. */
export function isHidden(index) {
  return state.map !== null && (state.map.flags[index] & HIDDEN) !== 0;
}

/** @param {number} index @returns {string} The colour of a song's group without fading; grey if the song does not match the filter. */
export function colourOf(index) {
  if (!state.map) return "var(--accent)";
  const { meta, groups, flags } = state.map;
  // A hidden song can play and have a mark. The mark gets the colour that small groups share.
  if (flags[index] & HIDDEN) return meta.colours[meta.colours.length - 1];
  return isVisible(flags[index]) ? meta.colours[groups[index]] : meta.filtered_out;
}

/** @returns {string|null} The projection that gives the points their places; null without a map. */
export function shownProjection() {
  return state.map && storedProjection(state.map.meta.projection);
}
