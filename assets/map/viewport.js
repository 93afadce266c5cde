/** Viewports: which part of the map fits, and how zooming and moving change it. Pure functions. */

/** @typedef {import("../core/types.js").Viewport} Viewport */
/** @typedef {import("../core/types.js").Area} Area */
/** @typedef {{left: number, top: number, unitsPerPixel: number}} FrameOnMap The frame's top left corner in map units,
 *   and how many map units a pixel has. */

/** How far the map can be zoomed in and out, as factors of the scale that shows all songs. */
const MIN_SCALE = 1 / 400;
const MAX_SCALE = 3;
/** `offsetInto` brings a pixel this far inside the area. */
const MARGIN_PX = 24;

/**
 * @param {number[]} bounds Left, right, bottom and top in map units.
 * @param {Area} free
 * @returns {Viewport} The viewport that shows everything inside the bounds in the free area.
 */
export function fitting([left, right, bottom, top], free) {
  const scaleX = Math.max(right - left, 1e-6) / Math.max(free.right - free.left, 50);
  const scaleY = Math.max(top - bottom, 1e-6) / Math.max(free.bottom - free.top, 50);
  const isSinglePoint = right - left < 1e-5 && top - bottom < 1e-5;
  return { x: (left + right) / 2, y: (bottom + top) / 2, scale: isSinglePoint ? 0.004 : Math.max(scaleX, scaleY) };
}

/**
 * @param {Viewport} viewport @param {Area} free
 * @returns {FrameOnMap} Where the frame lies on the map if the viewport's centre is in the middle of the free area.
 */
export function frameAt({ x, y, scale }, free) {
  return { left: x - (scale * (free.left + free.right)) / 2, top: y + (scale * (free.top + free.bottom)) / 2, unitsPerPixel: scale };
}

/**
 * @param {Viewport} viewport
 * @param {Area} free
 * @param {number} fittingScale The scale that shows all songs.
 * @param {number[]} pixel The pixel of the frame that does not move.
 * @param {number} factor Below 1 zooms in.
 * @param {number} [closest] The smallest scale that shows songs: zooming in ends there. See `closestScale`.
 * @returns {Viewport}
 */
export function zoomed({ x, y, scale }, free, fittingScale, [pixelX, pixelY], factor, closest = 0) {
  const right = pixelX - (free.left + free.right) / 2;
  const down = pixelY - (free.top + free.bottom) / 2;
  // A map that is too close already does not zoom out by zooming in.
  const smallest = Math.max(fittingScale * MIN_SCALE, Math.min(closest, scale));
  const next = Math.min(Math.max(scale * factor, smallest), fittingScale * MAX_SCALE);
  return { x: x + right * (scale - next), y: y - down * (scale - next), scale: next };
}

/**
 * Zooming out beyond the whole map brings it to the middle: at the limit its centre is there, wherever it was before.
 * @param {Viewport} before @param {Viewport} after What zooming gives. @param {Viewport} all The viewport that shows all songs.
 * @returns {Viewport}
 */
export function towardsMiddle(before, after, all) {
  const limit = all.scale * MAX_SCALE;
  const room = (/** @type {number} */ scale) => Math.max(limit - Math.max(scale, all.scale), 0);
  const left = room(before.scale) && room(after.scale) / room(before.scale);
  return left < 1 ? { x: all.x + (after.x - all.x) * left, y: all.y + (after.y - all.y) * left, scale: after.scale } : after;
}

/**
 * @param {Area} free @param {number[][]} songs The places of the songs around which one zooms in.
 * @returns {number} The smallest scale at which all of them fit into the area; 0 if they have one place.
 */
export function closestScale(free, songs) {
  if (!songs.length) return 0;
  const extent = (/** @type {number[]} */ values) => Math.max(...values) - Math.min(...values);
  const width = Math.max(free.right - free.left - 2 * MARGIN_PX, 50);
  const height = Math.max(free.bottom - free.top - 2 * MARGIN_PX, 50);
  return Math.max(extent(songs.map(([x]) => x)) / width, extent(songs.map(([, y]) => y)) / height);
}

/**
 * @param {Viewport} viewport @param {Area} free @param {number[][]} songs The places of the songs nearest to the viewport's centre, the
 *   nearest first.
 * @returns {Viewport|null} The viewport that shows the nearest of them after the shortest way; null if any of them is in view.
 */
export function withSongs(viewport, free, songs) {
  const { left, top, unitsPerPixel } = frameAt(viewport, free);
  const offsets = songs.map(([x, y]) => offsetInto(free, { x: (x - left) / unitsPerPixel, y: (top - y) / unitsPerPixel }));
  if (!offsets.length || offsets.includes(null)) return null;
  return panned(viewport, .../** @type {[number, number]} */ (offsets[0]));
}

/** @param {Viewport} viewport @param {number} dx @param {number} dy In pixels: the map moves right and down. @returns {Viewport} */
export function panned({ x, y, scale }, dx, dy) {
  return { x: x - dx * scale, y: y + dy * scale, scale };
}

/**
 * @param {Area} free @param {{x: number, y: number}} pixel
 * @returns {[number, number]|null} The shortest move, in pixels, that brings a pixel into an area; null if it is inside already.
 */
export function offsetInto(free, { x, y }) {
  if (x >= free.left && x <= free.right && y >= free.top && y <= free.bottom) return null;
  const dx = Math.min(free.right - MARGIN_PX - x, 0) + Math.max(free.left + MARGIN_PX - x, 0);
  const dy = Math.min(free.bottom - MARGIN_PX - y, 0) + Math.max(free.top + MARGIN_PX - y, 0);
  return [dx, dy];
}

/**
 * @param {Viewport} start @param {Viewport} target @param {number} progress From 0 to 1.
 * @returns {Viewport} A viewport between two others. The centre is interpolated linearly, the scale geometrically.
 */
export function between(start, target, progress) {
  const interpolate = (/** @type {number} */ from, /** @type {number} */ to) => from + (to - from) * progress;
  return {
    x: interpolate(start.x, target.x),
    y: interpolate(start.y, target.y),
    scale: start.scale * (target.scale / start.scale) ** progress,
  };
}

/**
 * Cubic ease-in and ease-out: slow at both ends, fast in the middle.
 * @param {number} progress The elapsed fraction of the animation's duration, from 0 to 1.
 * @returns {number} The finished fraction of the movement, from 0 to 1.
 */
export function ease(progress) {
  return progress < 0.5 ? 4 * progress ** 3 : 1 - (2 - 2 * progress) ** 3 / 2;
}

/**
 * @param {object} change
 * @param {Viewport} change.viewport The viewport on the old map.
 * @param {number} change.zoomBy The scale that shows all songs of the new map, divided by that of the old one.
 * @param {number[]} change.before @param {number[]} change.after The old and the new place of a song.
 * @returns {Viewport} The viewport on the new map in which the song has the same pixel and the zoom is the same.
 */
export function following({ viewport, zoomBy, before, after }) {
  if (before[0] === after[0] && before[1] === after[1]) return viewport;
  const follow = (/** @type {number} */ centre, /** @type {number} */ from, /** @type {number} */ to) => to + (centre - from) * zoomBy;
  return { x: follow(viewport.x, before[0], after[0]), y: follow(viewport.y, before[1], after[1]), scale: viewport.scale * zoomBy };
}
