/** How points look: their size, opacity and glow, from the number of songs, the zoom and the frame. Pure functions. */

/**
 * @typedef {object} PointStyle The colours of a map. Colours are CSS colours: "#rrggbb" or "rgba(r, g, b, a)".
 * @property {string[]} palette By colour number.
 * @property {string} ground The background. @property {string} filteredOut Of songs that do not match the filter.
 * @property {string} ring Of the rings around chosen songs. @property {RingStyle} [ringStyle] How strong they are; if it is left
 *   out, as around few songs.
 * @property {boolean} isOnRegions Whether points are black, because they lie on regions that have the palette's colours.
 *
 * @typedef {object} RingStyle
 * @property {number} width_px In CSS pixels. @property {number} opacity 0 for no rings.
 *
 * @typedef {object} Glow
 * @property {number} sigma_px The standard deviation of the blur, in CSS pixels.
 * @property {number} strength How fast the glow becomes opaque with the density of songs.
 * @property {number} maxOpacity
 *
 * @typedef {object} PointsView What is drawn, and how. Lengths are CSS pixels.
 * @property {number} left @property {number} top The frame's top left corner in map units.
 * @property {number} unitsPerPixel Map units.
 * @property {number} width @property {number} height Of the frame.
 * @property {number} density Canvas pixels per CSS pixel.
 * @property {number} diameter Of a point. @property {number} opacity
 * @property {Glow|null} glow
 * @property {number} progress From 0, where points are at their places before, to 1.
 * @property {boolean} isMoving Whether another view follows at once: then some of the points suffice.
 */

/** How transparent a point is whose song has a flag, from 0 to 1. In the original view, only missing songs fade. */
export const FADING = { missing: 0.25, faded: 0.62, veryFaded: 0.85, missingOnRegions: 0.45 };
const MAX_DIAMETER_PX = 11;
const NARROW_FACTOR = 0.72;
/** In the original view, points are smaller, because the cells carry the colours. */
const ON_REGIONS_FACTOR = 0.62;
const MIN_ON_REGIONS_PX = 1.6;
/** Up to this number of songs, no point merges with too many others. */
const FEW_SONGS = 5000;
const [FEW_OPACITY, MANY_OPACITY, MILLION_OPACITY] = [0.92, 0.75, 0.6];
/** On regions, few points are opaque; through 100,000 or more, the regions' colours must still be seen. */
const MANY_ON_REGIONS_OPACITY = 0.6;
/** From this zoom, points have the opacity of a map of few songs. */
const OPAQUE_ZOOM = 20;
/** How much points grow when one zooms in: 0 not at all, 1 as if only the songs in the frame were on the map. */
const GROWTH = 0.6;
/** How much the smallest points of a sample grow: 0 not at all, 0.5 so that they cover the area of all points. And the limit. */
const SAMPLE_GROWTH = 0.4;
const MAX_SAMPLE_GROWTH = 1.7;
const GLOW_SIGMA_PX = 16;
/** Of up to so many songs, each glows on four pixels of the small picture: it does not jump from pixel to pixel while the map moves. */
export const MAX_SPREAD = 20_000;
/** Up to the first number of songs, a place may glow this much; less from the second on, where places would become flat areas. */
const [FEW_GLOWS, MANY_GLOWS] = [200, 3000];
const [FEW_GLOW_OPACITY, MANY_GLOW_OPACITY] = [0.5, 0.32];
/** How much less a song glows among many: 0 not at all, 1 so that all songs together glow the same. */
const DIMMING = 0.8;

/** Up to the first number of chosen songs, rings are strong; from the second on, they are faint outlines, or none. */
const [FEW_RINGS, MANY_RINGS] = [100, 3000];
const [FEW_RINGS_PX, MANY_RINGS_PX] = [1.5, 0.5];
/** @type {RingStyle} */
export const FEW_RINGS_STYLE = { width_px: FEW_RINGS_PX, opacity: 1 };
/** On regions, rings are all that marks the chosen songs: they stay visible. */
const MANY_RINGS_ON_REGIONS_OPACITY = 0.7;
/** If rings are fainter than this, the other songs fade, too. */
const FADING_RINGS_OPACITY = 0.5;

/**
 * Rings around many songs would hide the map: the more songs are chosen, the thinner and fainter they are.
 * @param {number} count How many songs are chosen. @param {boolean} isOnRegions
 * @returns {RingStyle & {othersFade: boolean}} Whether the songs that are not chosen fade: on regions, songs do not fade.
 */
export function ringStyle(count, isOnRegions) {
  const share = Math.min(Math.max(Math.log(count / FEW_RINGS) / Math.log(MANY_RINGS / FEW_RINGS), 0), 1);
  const opacity = 1 + ((isOnRegions ? MANY_RINGS_ON_REGIONS_OPACITY : 0) - 1) * share;
  const width_px = FEW_RINGS_PX + (MANY_RINGS_PX - FEW_RINGS_PX) * share;
  return { width_px, opacity, othersFade: !isOnRegions && opacity < FADING_RINGS_OPACITY };
}

/** @param {number} radius Of a point. @param {RingStyle} style @returns {number} The radius of the middle of its ring, in CSS pixels. */
export function ringRadius(radius, { width_px }) {
  return Math.max(radius, 2) + width_px;
}

/** @param {number} count @returns {number} A diameter in pixels: many points do not merge, and one is not too small to see. */
export function markerSize(count) {
  const digits = Math.log10(Math.max(count, 1));
  const smallest = 3 - Math.min(Math.max(digits - 5, 0), 1);
  return Math.min(Math.max(15 - 2.6 * digits, smallest), MAX_DIAMETER_PX);
}

/**
 * @param {object} map
 * @param {number} map.count How many songs it has. @param {number} map.zoom 1 shows all songs, 2 a quarter of the area.
 * @param {boolean} map.isNarrow Whether the frame is that of a phone. @param {boolean} map.isOnRegions
 * @returns {{diameter: number, opacity: number}}
 */
export function pointStyle({ count, zoom, isNarrow, isOnRegions }) {
  const zoomedIn = Math.max(zoom, 1);
  const whole = markerSize(count);
  let diameter = whole + GROWTH * (markerSize(count / zoomedIn ** 2) - whole);
  if (isOnRegions) diameter = Math.max(ON_REGIONS_FACTOR * diameter, MIN_ON_REGIONS_PX);
  if (isNarrow) diameter *= NARROW_FACTOR;
  const [opacity, most] = isOnRegions ? [opacityOnRegions(count), 1] : [wholeOpacity(count), FEW_OPACITY];
  const share = Math.min(Math.log(zoomedIn) / Math.log(OPAQUE_ZOOM), 1);
  return { diameter, opacity: opacity + (most - opacity) * share };
}

/** @param {number} count @returns {number} */
function opacityOnRegions(count) {
  const share = Math.log(Math.max(count / FEW_SONGS, 1)) / Math.log(100_000 / FEW_SONGS);
  return 1 + (MANY_ON_REGIONS_OPACITY - 1) * Math.min(share, 1);
}

/**
 * Of a sample, points are larger and more opaque, so that the map does not become dark while it moves.
 * @param {{diameter: number, opacity: number}} style Of a point if all are drawn. @param {number} share Of the points that are drawn.
 * @returns {{diameter: number, opacity: number}}
 */
export function sampleStyle({ diameter, opacity }, share) {
  // Where points are large, the map is zoomed in: they lie apart, and growing would be visible.
  const growth = SAMPLE_GROWTH * (1 - Math.min(diameter / MAX_DIAMETER_PX, 1));
  return { diameter: diameter * Math.min(share ** -growth, MAX_SAMPLE_GROWTH), opacity: 1 - (1 - opacity) ** (1 / share) };
}

/** @param {number} count @returns {number} The opacity of a point while all songs are in the frame. */
function wholeOpacity(count) {
  if (count < FEW_SONGS) return FEW_OPACITY;
  return MANY_OPACITY + (MILLION_OPACITY - MANY_OPACITY) * Math.min(Math.max(Math.log10(count) - 5, 0), 1);
}

/**
 * The glow below the points. Many songs would make a solid area: the more songs the frame shows, the less each glows.
 * @param {object} map
 * @param {number} map.lit How many songs match the filter. @param {number} map.zoom As in `pointStyle`.
 * @param {number} map.width @param {number} map.height Of the frame. @param {"dark"|"light"} map.theme
 * @returns {Glow}
 */
export function glowStyle({ lit, zoom, width, height, theme }) {
  const frameFactor = Math.min(Math.min(width, height) / 700, 1);
  const zoomFactor = Math.min(Math.max(zoom, 0.8), 2.2);
  // A larger glow reaches more songs, too.
  const crowd = Math.max((lit / Math.max(zoom, 1) ** 2) * zoomFactor ** 2, FEW_GLOWS);
  const single = (theme === "dark" ? 0.128 : 0.115) * (FEW_GLOWS / crowd) ** DIMMING;
  const share = Math.min(Math.log(crowd / FEW_GLOWS) / Math.log(MANY_GLOWS / FEW_GLOWS), 1);
  const maxOpacity = FEW_GLOW_OPACITY + (MANY_GLOW_OPACITY - FEW_GLOW_OPACITY) * share;
  return { sigma_px: GLOW_SIGMA_PX * frameFactor * zoomFactor, strength: single / maxOpacity, maxOpacity };
}

/**
 * @param {string} css "#rrggbb", "rgb(r, g, b)" or "rgba(r, g, b, a)".
 * @returns {[number, number, number, number]} From 0 to 1, not premultiplied.
 */
export function parseColour(css) {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(css.trim());
  if (hex) return [parseInt(hex[1], 16) / 255, parseInt(hex[2], 16) / 255, parseInt(hex[3], 16) / 255, 1];
  const [red, green, blue, alpha = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
  if (!css.trim().startsWith("rgb") || blue === undefined) throw new Error(`"${css}" is not a colour like "#0c0e13" or "rgba(12, 14, 19, 0.5)".`);
  return [red / 255, green / 255, blue / 255, alpha];
}
