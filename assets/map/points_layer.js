/**
 * Chooses what draws the points: the graphics card with WebGL2, or the processor on a 2-D canvas. A lost WebGL context is
 * restored.
 */

import { byId, element } from "../core/dom.js";
import { update } from "../core/state.js";
import { CanvasPoints } from "./canvas_points.js";
import { WebglPoints } from "./points.js";
import { isSoftware, openWebgl } from "./webgl.js";

const NOTE = "This browser has no WebGL: the processor draws the map, which takes longer.";

/** @type {WebglPoints|CanvasPoints|null} */
let layer = null;
/** @type {HTMLCanvasElement|null} The canvas that the processor draws. */
let softwareCanvas = null;
/** @type {HTMLElement|null} */
let note = null;

/** Choose what draws, and watch the WebGL context. */
export function mount() {
  const canvas = byId("points");
  canvas.addEventListener("webglcontextlost", (/** @type {Event} */ event) => {
    // Otherwise the browser does not restore the context.
    event.preventDefault();
    useProcessor(canvas, NOTE);
  });
  canvas.addEventListener("webglcontextrestored", () => choose(canvas));
  choose(canvas);
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
function choose(canvas) {
  try {
    const gl = openWebgl(canvas);
    // The processor draws points faster by itself than it pretends to be a graphics card.
    if (isSoftware(gl)) useProcessor(canvas, "");
    else useWebgl(canvas);
  } catch (error) {
    // A map without WebGL is better than none; for developers, the console says why.
    console.warn(error);
    useProcessor(canvas, NOTE);
  }
}

/** @param {HTMLCanvasElement} canvas @throws {Error} If a shader cannot be compiled. */
function useWebgl(canvas) {
  layer = new WebglPoints(canvas);
  canvas.hidden = false;
  softwareCanvas?.remove();
  softwareCanvas = null;
  say("", canvas);
  update({ hasWebgl: true });
}

/** @param {HTMLCanvasElement} canvas @param {string} text The note that says why. */
function useProcessor(canvas, text) {
  canvas.hidden = true;
  softwareCanvas ??= /** @type {HTMLCanvasElement} */ (element("canvas", canvas.className, null, { id: "points-2d", "aria-hidden": "true" }));
  canvas.after(softwareCanvas);
  say(text, canvas);
  layer = new CanvasPoints(softwareCanvas);
  update({ hasWebgl: false });
}

/** @param {string} text @param {HTMLCanvasElement} canvas */
function say(text, canvas) {
  note?.remove();
  note = text ? element("p", "map-note", text, { role: "status" }) : null;
  if (note) canvas.parentElement?.append(note);
}
