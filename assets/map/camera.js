/**
 * The camera: which part of the map the frame shows, and how that moves. All positions are computed from
 * `state.viewport` and the area that no card covers.
 */

import { byId, prefersReducedMotion } from "../core/dom.js";
import { state, subscribe, update } from "../core/state.js";
import { placeOf } from "./songs.js";
import { nearestPlaces } from "./song_grid.js";
import { between, closestScale, ease, fitting, frameAt, offsetInto, panned, towardsMiddle, withSongs, zoomed } from "./viewport.js";

/** @typedef {import("../core/types.js").Viewport} Viewport */
/** @typedef {import("../core/types.js").Area} Area */
/** @typedef {import("./viewport.js").FrameOnMap} FrameOnMap */
/** @typedef {import("../core/address.js").Position} Position */

export const GAP_PX = 20;
/** Frames up to this width have the layout of a phone. */
export const NARROW_PX = 640;
/** In a frame with a shorter side than this, the songs come closer to the cards. */
const SMALL_PX = 560;
const GLIDE_MS = 650;
const SHORT_GLIDE_MS = 260;
const ZOOM_MS = 200;
/** Each press of a zoom button or key zooms by this factor. */
export const ZOOM_STEP = 1.6;
/** `flyTo` zooms in to this, if the map shows more. */
const CLOSE_ZOOM = 2.5;
/** The map counts as moving until the viewport has been the same for this long. */
const SETTLE_MS = 120;

/** Zooming in ends where so many songs fill the view; on a map of few songs, it goes on to a single one. */
const SONGS_IN_VIEW = 3;
const FEW_SONGS = 10;
/** If no song is in view for this long, the map glides back to the nearest one. */
const RETURN_MS = 400;
/** Of so many songs around the middle, one must be in view. */
const SONGS_AROUND = 64;

/** The free area for which the map is drawn. A card that changes does not move the map before the next viewport. @type {Area|null} */
let shownArea = null;
/** The animation frame of the glide; null if the map does not glide. @type {number|null} */
let glide = null;
let movedAt = -Infinity;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let returnTimer;

/** Watch the window's size, the cards and the zoom buttons. */
export function mount() {
  byId("zoom-in").addEventListener("click", () => zoomBy(1 / ZOOM_STEP));
  byId("zoom-out").addEventListener("click", () => zoomBy(ZOOM_STEP));
  byId("zoom-fit").addEventListener("click", showAll);
  subscribe(["viewport"], () => {
    shownArea = null;
    movedAt = performance.now();
  });
  subscribe(["viewport", "isDragging"], () => {
    clearTimeout(returnTimer);
    if (state.isUserPositioned && !state.isDragging) returnTimer = setTimeout(returnToSongs, RETURN_MS);
  });
  subscribe(["map"], (changed) => changed.has("viewport") && stopGlide());
  // The cards change in the same round of calls, perhaps after this one.
  subscribe(["isPanelOpen", "isSpectrogramOpen", "isInsideOpen"], () => queueMicrotask(adjustToCards));
  new ResizeObserver(onResize).observe(frame());
  const side = document.querySelector(".side");
  if (side) new ResizeObserver(() => state.isUserPositioned || onResize()).observe(side);
}

/** @returns {HTMLElement} The element that contains the map. It fills the window. */
export function frame() {
  return byId("map-frame");
}

/** @returns {{width: number, height: number}} In CSS pixels. */
export function frameSize() {
  const { clientWidth: width, clientHeight: height } = frame();
  return { width, height };
}

/** @returns {Area} The part of the frame that no card covers now. */
export function freeArea() {
  const { width, height } = frameSize();
  const boxOf = (/** @type {string} */ selector) => {
    const element = document.querySelector(selector);
    return element?.getClientRects().length ? element.getBoundingClientRect() : null;
  };
  // A card is beside the map if it is higher than it is wide; otherwise above or below it.
  const isBeside = (/** @type {DOMRect|null} */ box) => box !== null && box.height > box.width;
  const [side, panel, tools] = [boxOf(".side"), boxOf(".page.panel-open .panel"), boxOf(".map-tools")];
  const isSheet = panel !== null && width <= NARROW_PX;
  const below = [".player", ".spectrogram", ".inside-wide", ".trust", ".welcome", ".map-note"].map((selector) => boxOf(selector)?.top);
  const bottoms = [...below, isSheet ? panel.top : undefined, isBeside(tools) ? undefined : tools?.top];
  const rights = [isSheet ? undefined : panel?.left, isBeside(tools) ? tools?.left : undefined];
  const tops = [boxOf(".header")?.bottom, isBeside(side) ? undefined : boxOf(".warnings")?.bottom];
  const known = (/** @type {(number|undefined)[]} */ values) => values.filter((value) => value !== undefined);
  const gap = Math.min(width, height) < SMALL_PX ? GAP_PX / 2 : GAP_PX;
  return {
    top: Math.max(0, ...known(tops)) + 1.4 * gap,
    bottom: Math.min(height, ...known(bottoms)) - gap,
    left: (isBeside(side) ? /** @type {DOMRect} */ (side).right : 0) + gap,
    right: Math.min(width, ...known(rights)) - gap,
  };
}

/** @returns {Viewport} The viewport that shows all songs in the free area. Needs a map. */
export function fittingViewport() {
  return fitting(bounds(), freeArea());
}

/** @returns {number[]} */
function bounds() {
  if (!state.map) throw new Error("There is no map yet.");
  return state.map.meta.bounds;
}

/** @returns {Viewport} */
function viewportNow() {
  if (!state.viewport) throw new Error("There is no map yet.");
  return state.viewport;
}

/** @returns {number} 1 if the map shows all songs, 2 if it shows a quarter of the area. Needs a map. */
export function zoomNow() {
  return fittingViewport().scale / viewportNow().scale;
}

/** @param {Viewport} [viewport] @returns {FrameOnMap} Where the frame lies on the map. */
export function frameOnMap(viewport = viewportNow()) {
  shownArea ??= freeArea();
  return frameAt(viewport, shownArea);
}

/** Convert map units to pixels of the frame. @param {number} x @param {number} y */
export function toPixels(x, y) {
  const { left, top, unitsPerPixel } = frameOnMap();
  return { x: (x - left) / unitsPerPixel, y: (top - y) / unitsPerPixel };
}

/** Convert pixels of the frame to map units. @param {number} x @param {number} y */
export function toMap(x, y) {
  const { left, top, unitsPerPixel } = frameOnMap();
  return { x: left + x * unitsPerPixel, y: top - y * unitsPerPixel };
}

/** Show a viewport, also one that is shown already: the free area may be another one. @param {Viewport} viewport */
export function setViewport(viewport) {
  update({ viewport: { ...viewport } });
}

function onResize() {
  if (state.map) setViewport(state.isUserPositioned ? viewportNow() : fittingViewport());
}

/**
 * The free area changed, because a card was opened or closed: show all songs in it. If the user has chosen the
 * viewport, show its centre in the middle of the free area.
 */
function adjustToCards() {
  if (!state.map) return;
  if (state.isUserPositioned) setViewport(viewportNow());
  else glideTo(fittingViewport(), SHORT_GLIDE_MS);
}

/** Pan by pixels. @param {number} dx @param {number} dy */
export function panBy(dx, dy) {
  if (!state.map) return;
  stopGlide();
  update({ isUserPositioned: true, viewport: panned(viewportNow(), dx, dy) });
}

/**
 * Zoom around a pixel of the frame: the point of the map at this pixel does not move.
 * @param {number} pixelX @param {number} pixelY @param {number} factor Below 1 zooms in.
 */
export function zoomAt(pixelX, pixelY, factor) {
  if (!state.map) return;
  stopGlide();
  update({ isUserPositioned: true, viewport: zoomedAt([pixelX, pixelY], factor) });
}

/** Zoom around the middle of the free area. @param {number} factor Below 1 zooms in. */
export function zoomBy(factor) {
  if (!state.map) return;
  const { left, right, top, bottom } = freeArea();
  glideByUser(zoomedAt([(left + right) / 2, (top + bottom) / 2], factor), ZOOM_MS);
}

/**
 * @param {[number, number]} pixel @param {number} factor
 * @returns {Viewport} Zooming in ends where only few songs are in view. Beside all songs, it moves the nearest one into view.
 *   Zooming out ends with the map in the middle.
 */
function zoomedAt(pixel, factor) {
  const free = freeArea();
  const all = fitting(bounds(), free);
  const fittingScale = all.scale;
  if (factor >= 1) return towardsMiddle(viewportNow(), zoomed(viewportNow(), free, fittingScale, pixel, factor), all);
  const { x, y } = toMap(...pixel);
  const songs = nearestPlaces(x, y, SONGS_AROUND);
  const nearest = songs.slice(0, (state.map?.count ?? 0) < FEW_SONGS ? 1 : SONGS_IN_VIEW);
  const viewport = zoomed(viewportNow(), free, fittingScale, pixel, factor, closestScale(free, nearest));
  return withSongs(viewport, free, songs) ?? viewport;
}

/** If the user has moved the map so far that no song is in view, glide back to the nearest one. */
function returnToSongs() {
  if (!state.map || !state.viewport || !state.isUserPositioned || state.isDragging || isMoving()) return;
  const { x, y } = state.viewport;
  const viewport = withSongs(state.viewport, freeArea(), nearestPlaces(x, y, SONGS_AROUND));
  if (viewport) glideTo(viewport, SHORT_GLIDE_MS);
}

/** Show all songs, until the user moves the map. */
export function showAll() {
  showPosition(null);
}

/** Move to a position from the address. @param {Position|null} position Null shows all songs. */
export function showPosition(position) {
  if (!state.map) return;
  update({ isUserPositioned: Boolean(position) });
  const all = fittingViewport();
  glideTo(position ? { x: position.x, y: position.y, scale: all.scale / position.zoom } : all, GLIDE_MS);
}

/**
 * Move a song into the middle of the free area, and zoom in to its surroundings if the map shows more than them.
 * @param {number} index
 */
export function flyTo(index) {
  const place = placeOf(index);
  if (place) flyToPlace(place);
}

/** @param {number[]} place In map units. */
export function flyToPlace([x, y]) {
  const closeScale = fittingViewport().scale / CLOSE_ZOOM;
  glideByUser({ x, y, scale: Math.min(viewportNow().scale, closeScale) }, GLIDE_MS);
}

/** Pan by the shortest distance that brings a song into the free area. @param {number} index */
export function panIntoView(index) {
  const place = placeOf(index);
  const offset = place && offsetInto(freeArea(), toPixels(...place));
  if (offset) glideByUser(panned(viewportNow(), ...offset), SHORT_GLIDE_MS);
}

/** @param {Viewport} target @param {number} durationMs */
function glideByUser(target, durationMs) {
  update({ isUserPositioned: true });
  glideTo(target, durationMs);
}

/** Move to a viewport smoothly, or at once if the user's system asks for less motion. @param {Viewport} target @param {number} durationMs */
export function glideTo(target, durationMs) {
  stopGlide();
  if (prefersReducedMotion()) {
    setViewport(target);
    return;
  }
  const start = viewportNow();
  const began = performance.now();
  const step = (/** @type {number} */ now) => {
    const progress = Math.min(Math.max((now - began) / durationMs, 0), 1);
    glide = progress < 1 ? requestAnimationFrame(step) : null;
    // From a place far away, the sum would miss the target.
    setViewport(progress < 1 ? between(start, target, ease(progress)) : target);
  };
  glide = requestAnimationFrame(step);
}

/** Stop the map where it is. */
export function stopGlide() {
  if (glide !== null) cancelAnimationFrame(glide);
  glide = null;
}

/** @returns {boolean} Whether the map glides, or the viewport has changed a moment ago. */
export function isMoving() {
  return glide !== null || performance.now() - movedAt < SETTLE_MS;
}
