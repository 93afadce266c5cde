/** The names of the groups on the map. A label covers as few points as possible, and never another label. */

import { byId, element } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { frameOnMap, freeArea, zoomNow } from "./camera.js";
import { HIDDEN } from "./flags.js";

/** @typedef {import("../core/types.js").Area} Area The edges of a label are one, too. */
/** @typedef {import("../core/types.js").MapState} MapState */
/** @typedef {import("./viewport.js").FrameOnMap} FrameOnMap */
/**
 * @typedef {object} Label
 * @property {HTMLElement} element
 * @property {import("../core/types.js").Place} place
 * @property {number} width @property {number} height In pixels; 0 before they are measured.
 */

/**
 * A group can have several dense areas. Only the most crowded one has a label, until the zoom is above this (1: all songs
 * are visible).
 */
const CLOSE_ZOOM = 1.8;
/** Two labels with the same name must be this far apart. */
const SAME_NAME_GAP_PX = 260;
/** A label's box is tested against at most this many points. */
const MAX_SAMPLES = 3000;

/** @type {Label[]} */
let labels = [];
/** The places of the points that labels avoid: x0, y0, x1, y1 and so on. @type {Float32Array} */
let samples = new Float32Array();

export function mount() {
  subscribe(["map"], makeLabels);
}

function makeLabels() {
  if (!state.map) return;
  const { names, regions } = state.map.meta;
  labels = names.map((place) => {
    const label = element("span", "", place.name, { dir: "auto" });
    label.style.color = `color-mix(in oklab, ${place.colour} 62%, var(--text))`;
    return { element: label, place, width: 0, height: 0 };
  });
  samples = sampled(state.map);
  const container = byId("labels");
  container.classList.toggle("on-regions", regions !== null);
  container.replaceChildren(...labels.map((label) => label.element));
}

/**
 * @param {Pick<MapState, "count"|"places"|"flags">} map
 * @returns {Float32Array} The places of the songs that are not hidden; of every n-th song if there are more than MAX_SAMPLES.
 */
export function sampled({ count, places, flags }) {
  const stride = Math.ceil(count / MAX_SAMPLES);
  const chosen = [];
  for (let i = 0; i < count; i += stride) if (!(flags[i] & HIDDEN)) chosen.push(places[2 * i], places[2 * i + 1]);
  return Float32Array.from(chosen);
}

/** Place the labels for the viewport now, and hide those that do not fit. */
export function place() {
  if (!state.map || !state.viewport || state.isGliding) return;
  const free = freeArea();
  const frame = frameOnMap();
  for (const label of labels) {
    label.width ||= label.element.offsetWidth;
    label.height ||= label.element.offsetHeight;
  }
  const boxed = labels.map((label) => ({ name: label.place.name, rank: label.place.rank, boxes: boxesOf(label, frame) }));
  const isClose = zoomNow() > CLOSE_ZOOM;
  arrange(boxed, { free, points: pixelsOf(samples, frame), isClose, covered: coveredAreas() }).forEach((box, i) => {
    const { element } = labels[i];
    element.classList.toggle("shown", Boolean(box));
    if (box) element.style.transform = `translate(${box.left}px, ${box.top}px)`;
  });
}

/** @returns {Area[]} The small cards inside the free area. */
function coveredAreas() {
  const bar = document.querySelector("#filter-state:not([hidden])");
  return bar ? [bar.getBoundingClientRect()] : [];
}

/** @param {Float32Array} places @param {FrameOnMap} frame @returns {Float32Array} The pixels of places. */
function pixelsOf(places, { left, top, unitsPerPixel }) {
  const pixels = new Float32Array(places.length);
  for (let i = 0; i < places.length; i += 2) {
    pixels[i] = (places[i] - left) / unitsPerPixel;
    pixels[i + 1] = (top - places[i + 1]) / unitsPerPixel;
  }
  return pixels;
}

/**
 * @param {Label} label @param {FrameOnMap} frame
 * @returns {Area[]} The boxes that a label may have: above, below, or in the middle of its dense area.
 */
function boxesOf({ place, width, height }, { left, top, unitsPerPixel }) {
  const middleX = (place.x - left) / unitsPerPixel;
  return [
    [place.top, -16],
    [place.bottom, 16],
    [(place.top + place.bottom) / 2, 0],
  ].map(([y, shiftPx]) => {
    const boxTop = (top - y) / unitsPerPixel + shiftPx - height / 2;
    return { left: middleX - width / 2, right: middleX + width / 2, top: boxTop, bottom: boxTop + height };
  });
}

/**
 * Choose a box for each label, one label after another: the free box that covers the fewest points.
 * @param {{name: string, rank: number, boxes: Area[]}[]} labels The most important first: by rank, then by the size of the
 *   group.
 * @param {object} options
 * @param {Area} options.free The area that no card covers.
 * @param {ArrayLike<number>} options.points Pixels of points that labels should not cover: x0, y0, x1, y1 and so on.
 * @param {boolean} options.isClose Whether labels with a rank above 0 are shown.
 * @param {Area[]} [options.covered] Areas that a label must not touch.
 * @returns {(Area|undefined)[]} Each label's box; undefined if the label does not fit.
 */
export function arrange(labels, { free, points, isClose, covered = [] }) {
  /** @type {(Area & {name: string})[]} */
  const taken = [];
  return labels.map(({ name, rank, boxes }) => {
    if (rank > 0 && !isClose) return undefined;
    const [best] = boxes
      .filter((box) => isInside(box, free) && ![...covered, ...taken].some((other) => overlaps(box, other)))
      .filter((box) => !taken.some((other) => other.name === name && isNear(box, other)))
      .map((box) => ({ box, points: countCovered(box, points) }))
      .sort((a, b) => a.points - b.points);
    if (best) taken.push({ ...best.box, name });
    return best?.box;
  });
}

/** @param {Area} box @param {ArrayLike<number>} points @returns {number} How many points a box covers. */
function countCovered({ left, right, top, bottom }, points) {
  let count = 0;
  for (let i = 0; i < points.length; i += 2) {
    if (points[i] > left - 4 && points[i] < right + 4 && points[i + 1] > top - 3 && points[i + 1] < bottom + 3) count += 1;
  }
  return count;
}

/** @param {Area} box @param {Area} area */
function isInside(box, area) {
  return box.left >= area.left - 16 && box.right <= area.right + 16 && box.top >= area.top - 16 && box.bottom <= area.bottom + 8;
}

/** @param {Area} a @param {Area} b */
function isNear(a, b) {
  return Math.hypot(a.left - b.left, a.top - b.top) < SAME_NAME_GAP_PX;
}

/** @param {Area} a @param {Area} b */
function overlaps(a, b) {
  return a.left < b.right + 6 && b.left < a.right + 6 && a.top < b.bottom + 2 && b.top < a.bottom + 2;
}
