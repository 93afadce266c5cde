/** What lies above the points: the marks of songs, and the lines from a song to the songs that sound most like it. */

import { byId, clearCanvas } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { paint as paintComet } from "../inside/comet.js";
import { strengthsOf } from "../inside/lights.js";
import { NARROW_PX, frameSize, toPixels } from "./camera.js";
import { colourOf, isHidden, matchesFilter, placeOf, shownProjection } from "./songs.js";

/** A group's colour is invisible on its own region in the original view. */
const LINE_COLOUR_ON_REGIONS = "#14161c";
/** The lights of a moment are smaller on a phone, as all points are. */
const NARROW_LIGHTS = 0.65;

export function mount() {
  subscribe(["playing", "previewed", "pointed", "upload"], placeMarks);
  subscribe(["playing", "upload", "linesFrom", "lineEnds", "moment"], paintNeighbourLines);
  subscribe(["sound"], () => (byId("mark").dataset.state = state.sound));
}

/** Draw everything for the viewport now. */
export function paint() {
  placeMarks();
  paintNeighbourLines();
  paintLights();
  paintComet();
}

/** @returns {number[]|null} The uploaded song's place in map units; null if there is no such song, or no map. */
export function uploadPlace() {
  const projection = shownProjection();
  return (projection !== null && state.upload?.places[projection]) || null;
}

/** Place the marks of the playing song, of the song whose preview plays, of a list's song, and of the uploaded song. */
function placeMarks() {
  if (!state.map) return;
  placeMark(byId("mark"), state.playing);
  placeMark(byId("preview-mark"), state.previewed);
  placeMark(byId("pointed-mark"), state.pointed);
  moveTo(byId("upload-mark"), uploadPlace());
}

/** @param {HTMLElement} mark @param {number|null} index */
function placeMark(mark, index) {
  const place = placeOf(index);
  moveTo(mark, place);
  if (!place || index === null) return;
  mark.style.setProperty("--colour", colourOf(index));
  mark.dataset.index = String(index);
}

/** @param {HTMLElement} mark @param {number[]|null} place Null hides the mark. */
function moveTo(mark, place) {
  mark.hidden = !place;
  if (!place) return;
  const { x, y } = toPixels(place[0], place[1]);
  mark.style.transform = `translate(${x}px, ${y}px)`;
}

/** @returns {number[]|null} Where the lines start, in map units; null if no lines are drawn. */
function lineStart() {
  const { linesFrom, playing, moment } = state;
  // The songs that a moment lights are others than those that the lines lead to.
  if (moment) return null;
  if (linesFrom === null) return uploadPlace();
  // A hidden song has no point where lines could start. If it plays, it has a mark, and lines start there.
  return linesFrom !== playing && isHidden(linesFrom) ? null : placeOf(linesFrom);
}

/** Draw a line to each neighbour. The more similar the neighbour, the stronger the line. */
function paintNeighbourLines() {
  if (!state.map) return;
  const canvas = byId("neighbour-lines");
  const from = lineStart();
  const count = from ? state.lineEnds.length : 0;
  canvas.dataset.count = String(count);
  // An empty canvas above the map takes time in each frame, too.
  canvas.hidden = count === 0;
  if (!from || !count) return;
  const { width, height } = frameSize();
  drawNeighbourLines(clearCanvas(canvas, width, height));
}

/** Draw the lines, if there are any. @param {CanvasRenderingContext2D} context Its coordinates are the frame's pixels. */
export function drawNeighbourLines(context) {
  const from = lineStart();
  if (!state.map || !from) return;
  const start = toPixels(from[0], from[1]);
  const isOnRegions = state.map.meta.regions !== null;
  context.lineWidth = 1.6;
  state.lineEnds.forEach(({ index }, rank) => {
    const place = placeOf(index);
    if (!place) return;
    const { x, y } = toPixels(...place);
    context.strokeStyle = context.fillStyle = isOnRegions ? LINE_COLOUR_ON_REGIONS : colourOf(index);
    context.globalAlpha = 0.95 - 0.05 * rank;
    context.beginPath();
    context.moveTo(start.x, start.y);
    context.lineTo(x, y);
    context.stroke();
    context.beginPath();
    context.arc(x, y, 5.5, 0, 2 * Math.PI);
    context.fill();
  });
}

/** Light the songs that sound like the moment. */
function paintLights() {
  const canvas = byId("moment-lights");
  canvas.hidden = state.moment === null;
  if (!state.moment) return;
  const { width, height } = frameSize();
  drawLights(clearCanvas(canvas, width, height));
}

/** Draw the lights of the moment's songs, if there are any. The more similar a song is, the larger and stronger is its light. @param {CanvasRenderingContext2D} context Its coordinates are the frame's pixels. */
export function drawLights(context) {
  const { map, moment } = state;
  if (!map || !moment) return;
  const isOnRegions = map.meta.regions !== null;
  const size = frameSize().width <= NARROW_PX ? NARROW_LIGHTS : 1;
  // The strongest lights are drawn last.
  for (const [index, strength] of [...strengthsOf(moment.lit)].sort(([, a], [, b]) => a - b)) {
    const place = placeOf(index);
    if (!place || !matchesFilter(index)) continue;
    const { x, y } = toPixels(...place);
    context.fillStyle = isOnRegions ? LINE_COLOUR_ON_REGIONS : colourOf(index);
    disc(context, x, y, size * (6 + 10 * strength), 0.1 + 0.2 * strength);
    disc(context, x, y, size * (2.5 + 4.5 * strength), 0.4 + 0.6 * strength);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius @param {number} opacity */
function disc(context, x, y, radius, opacity) {
  context.globalAlpha = opacity;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
