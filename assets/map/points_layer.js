/** Chooses how points are drawn: with WebGL2, or without it on a 2-D canvas. A lost WebGL context is restored. */

import { byId, element } from "../core/dom.js";
import { update } from "../core/state.js";
import { CanvasPoints } from "./canvas_points.js";
import { WebglPoints } from "./points.js";

const NOTE = "This browser draws the map without WebGL: without glow, and of a large map only some of the songs.";

/** @type {WebglPoints|CanvasPoints|null} */
let layer = null;
/** @type {HTMLCanvasElement|null} The canvas of the 2-D stand-in. */
let standIn = null;
/** @type {HTMLElement|null} */
let note = null;

/** Start drawing with WebGL2, and watch the context. */
export function mount() {
  const canvas = byId("points");
  canvas.addEventListener("webglcontextlost", (/** @type {Event} */ event) => {
    // Otherwise the browser does not restore the context.
    event.preventDefault();
    useCanvas(canvas);
  });
  canvas.addEventListener("webglcontextrestored", () => useWebgl(canvas));
  useWebgl(canvas);
}

/**
 * @returns {WebglPoints|CanvasPoints} The layer in use. It can be another one after each change of `state.hasWebgl`: then it
 *   knows no points yet.
 */
export function points() {
  if (!layer) throw new Error("The layer of points is not mounted yet.");
  return layer;
}

/** @param {HTMLCanvasElement} canvas */
function useWebgl(canvas) {
  try {
    layer = new WebglPoints(canvas);
  } catch (error) {
    // A map without WebGL is better than none; for developers, the console says why.
    console.warn(error);
    useCanvas(canvas);
    return;
  }
  canvas.hidden = false;
  standIn?.remove();
  note?.remove();
  standIn = note = null;
  update({ hasWebgl: true });
}

/** @param {HTMLCanvasElement} canvas */
function useCanvas(canvas) {
  canvas.hidden = true;
  standIn ??= /** @type {HTMLCanvasElement} */ (element("canvas", canvas.className, null, { id: "points-2d" }));
  note ??= /** @type {HTMLElement} */ (element("p", "map-note", NOTE, { role: "status" }));
  canvas.after(standIn);
  canvas.parentElement?.append(note);
  layer = new CanvasPoints(standIn);
  update({ hasWebgl: false });
}
