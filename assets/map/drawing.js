/**
 * Draws the map: in one animation frame the points, and what lies below and above them. If the songs have moved since the
 * last drawing, their points glide.
 */

import { pixelDensity, prefersReducedMotion } from "../core/dom.js";
import { state, subscribe, update } from "../core/state.js";
import { countLit, litFlags } from "../inside/lights.js";
import { NARROW_PX, frame, frameOnMap, frameSize, isMoving, zoomNow } from "./camera.js";
import { CHOSEN, VERY_FADED } from "./flags.js";
import { place as placeLabels } from "./labels.js";
import { isVisibleMove, placesBefore, placesDuring } from "./new_map.js";
import { paint as paintOverlays } from "./overlays.js";
import { glowStyle, pointStyle, ringStyle } from "./point_style.js";
import { points } from "./points_layer.js";
import { paint as paintRegions } from "./regions.js";
import { ease } from "./viewport.js";

/** @typedef {import("../core/types.js").MapState} MapState */
/** @typedef {import("./point_style.js").PointsView} PointsView */
/** @typedef {import("./viewport.js").FrameOnMap} FrameOnMap */

const GLIDE_MS = 600;
/** What the layer of points knows. @type {{layer: object|null, map: MapState|null, chosen: number[], moment: object|null}} */
let given = { layer: null, map: null, chosen: [], moment: null };
/** How many new maps have come since the last drawing: points glide only from the map that was drawn last. */
let newMaps = 0;
/** Where the frame lay on the map in the last drawing, and its size. @type {FrameOnMap & {width: number, height: number}|null} */
let drawnFrame = null;
/**
 * The movement of the points: the places where it began, and when; null before its first frame.
 * @type {{before: Float32Array, began: number|null}|null}
 */
let glide = null;
/** The map whose points have all been drawn. @type {MapState|null} */
let finished = null;
let isScheduled = false;
/** Whether something has changed since the last drawing. Otherwise, the points of that drawing are not complete yet. */
let isChanged = false;

export function mount() {
  subscribe(["map"], () => newMaps++);
  subscribe(["map", "viewport", "chosen", "moment", "hasWebgl"], requestDraw);
  new ResizeObserver(requestDraw).observe(frame());
}

/** Draw everything in the next animation frame. */
export function requestDraw() {
  isChanged = true;
  schedule();
}

function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(drawFrame);
}

/** @param {number} now */
function drawFrame(now) {
  isScheduled = false;
  const { map } = state;
  if (!map || !state.viewport) return;
  const size = frameSize();
  if (!size.width || !size.height) return;
  const at = frameOnMap();
  if (map !== given.map) beginGlide(map, at);
  giveToLayer(map);
  const view = viewOf(map, at, size, glideProgress(now));
  if (isChanged) {
    paintRegions(view);
    paintOverlays();
    placeLabels();
  }
  // While the map stands still for a moment, the points that were drawn while it moved stay.
  const isWaiting = view.isMoving && !isChanged && !glide;
  isChanged = false;
  const isComplete = !isWaiting && points().draw(view);
  drawnFrame = { ...at, ...size };
  if (glide && view.progress >= 1) endGlide();
  else if (isComplete && !glide) finish(map);
  else schedule();
}

/** @param {MapState} map All of its points are drawn. */
function finish(map) {
  if (finished === map) return;
  finished = map;
  const { projection, colouring, theme } = map.meta;
  frame().dataset.drawn = `${projection} ${colouring} ${theme}`;
}

/** A new map has come: if songs have moved visibly since the last drawing, let their points glide. @param {MapState} map @param {FrameOnMap} at */
function beginGlide(map, at) {
  const from = newMaps === 1 ? given.map : null;
  newMaps = 0;
  const isSameRevision = from?.meta.revision === map.meta.revision;
  if (isSameRevision && from?.meta.projection === map.meta.projection) return;
  const before = from && (isSameRevision || state.moved) ? beforePlaces(from, map, at, isSameRevision ? null : state.moved) : null;
  if (!before) {
    if (glide) endGlide();
    return;
  }
  glide = { before, began: null };
  given.map = null;
  frame().classList.add("morphing");
  update({ isGliding: true });
}

/**
 * @param {MapState} from @param {MapState} map @param {FrameOnMap} at @param {Int32Array|null} moved
 * @returns {Float32Array|null} Where the points of a new map begin to glide; null if they do not glide.
 */
function beforePlaces(from, map, at, moved) {
  if (!drawnFrame || prefersReducedMotion()) return null;
  const places = glide ? placesDuring(glide.before, from.places, glideProgress(performance.now())) : from.places;
  const before = placesBefore({ places, from: drawnFrame, to: at, moved, count: map.count });
  return isVisibleMove(before, map.places, at.unitsPerPixel) ? before : null;
}

function endGlide() {
  glide = null;
  frame().classList.remove("morphing");
  update({ isGliding: false });
  requestDraw();
}

/** @param {number} now @returns {number} How far the points have glided, from 0 to 1. */
function glideProgress(now) {
  if (!glide) return 1;
  glide.began ??= now;
  return ease(Math.min(Math.max((now - glide.began) / GLIDE_MS, 0), 1));
}

/** Tell the layer of points what has changed. @param {MapState} map */
function giveToLayer(map) {
  const layer = points();
  const before = layer === given.layer ? given.map : null;
  const { meta } = map;
  if (map.places !== before?.places) layer.setPlaces(map.places, glide?.before ?? null);
  if (map.groups !== before?.groups) layer.setGroups(map.groups);
  const isMarkedAlike = state.chosen === given.chosen && state.moment === given.moment && meta.projection === before?.meta.projection;
  if (map.flags !== before?.flags || map.places !== before.places || !isMarkedAlike) layer.setFlags(drawnFlags(map));
  if (meta !== before?.meta || state.chosen.length !== given.chosen.length) layer.setStyle(styleOf(meta));
  given = { layer, map, chosen: state.chosen, moment: state.moment };
}

/** @param {import("../core/types.js").MapMeta} meta @returns {import("./point_style.js").PointStyle} */
function styleOf(meta) {
  const ring = getComputedStyle(frame()).getPropertyValue("--text");
  const isOnRegions = meta.projection === "original";
  const rings = ringStyle(state.chosen.length, isOnRegions);
  return { palette: meta.colours, ground: meta.ground, filteredOut: meta.filtered_out, ring, ringStyle: rings, isOnRegions };
}

/**
 * Draw all points that the page shows now on another canvas, for a picture of the map. Needs a map.
 * @param {import("./canvas_points.js").CanvasPoints} layer
 * @param {number} density Pixels of the picture for each pixel of the page.
 * @param {{style?: Partial<import("./point_style.js").PointStyle>, hasGlow?: boolean}} [options] What is drawn in another way.
 * @returns {PointsView} What the picture shows.
 */
export function drawCopy(layer, density, { style = {}, hasGlow = true } = {}) {
  const map = /** @type {MapState} */ (state.map);
  const now = viewOf(map, frameOnMap(), frameSize(), 1);
  const view = { ...now, density, isMoving: false, glow: hasGlow ? now.glow : null };
  layer.setPlaces(map.places, null);
  layer.setGroups(map.groups);
  layer.setFlags(drawnFlags(map));
  layer.setStyle({ ...styleOf(map.meta), ...style });
  layer.draw(view);
  return view;
}

/** @param {MapState} map @returns {Uint8Array} Its flags, with what the page shows besides: the lit songs of a moment, the chosen songs. */
function drawnFlags(map) {
  const { moment } = state;
  return withChosen(moment ? { ...map, flags: litFlags(map.flags, moment.lit) } : map);
}

/**
 * Mark the chosen songs with rings. If they are so many that rings would hide the map, the other songs fade.
 * @param {MapState} map @returns {Uint8Array} Its flags, changed.
 */
function withChosen({ flags, meta }) {
  const { chosen } = state;
  if (!chosen.length) return flags;
  const { opacity, othersFade } = ringStyle(chosen.length, meta.projection === "original");
  const copy = othersFade ? flags.map((flag) => flag | VERY_FADED) : flags.slice();
  for (const index of chosen) copy[index] = opacity > 0 ? flags[index] | CHOSEN : flags[index];
  return copy;
}

/**
 * @param {MapState} map @param {FrameOnMap} at @param {{width: number, height: number}} size @param {number} progress Of gliding.
 * @returns {PointsView}
 */
function viewOf({ meta, count, flags }, at, { width, height }, progress) {
  const zoom = zoomNow();
  const isOnRegions = meta.projection === "original";
  // A canvas of another size is empty: draw some points at once.
  const isResized = drawnFrame !== null && (drawnFrame.width !== width || drawnFrame.height !== height);
  return {
    ...at,
    width,
    height,
    density: pixelDensity(),
    ...pointStyle({ count, zoom, isNarrow: width <= NARROW_PX, isOnRegions }),
    glow: isOnRegions ? null : glowStyle({ lit: state.moment ? countLit(flags, state.moment.lit) : meta.lit, zoom, width, height, theme: meta.theme }),
    progress,
    isMoving: glide !== null || isMoving() || isResized,
  };
}
