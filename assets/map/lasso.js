/** The lasso and box tools: the user draws a shape on the map, and the songs inside it are selected. */

import { announce, byId, clearCanvas } from "../core/dom.js";
import { state, subscribe, update } from "../core/state.js";
import { choose } from "../panel/selection.js";
import { frame, frameSize, toMap } from "./camera.js";
import { cornersOf, songsInside } from "./polygon.js";

/** @typedef {"lasso"|"box"} Tool */
/** @typedef {{kind: Tool, adds: boolean}} NewShape `adds`: the songs inside are added to the selection. */

/** @type {Tool[]} */
const TOOLS = ["lasso", "box"];

export function mount() {
  for (const tool of TOOLS) {
    for (const id of [`tool-${tool}`, `choice-${tool}`]) byId(id).addEventListener("click", () => toggleTool(tool));
  }
  subscribe(["tool"], showTool);
  subscribe(["shape"], () => {
    const canvas = byId("lasso-canvas");
    canvas.hidden = !state.shape;
    const { width, height } = frameSize();
    paint(clearCanvas(canvas, width, height));
  });
}

/** Turn a tool on; turn it off if it is on. @param {Tool|null} tool */
export function toggleTool(tool) {
  update({ tool: state.tool === tool ? null : tool });
}

function showTool() {
  for (const name of TOOLS) byId(`tool-${name}`).setAttribute("aria-pressed", String(state.tool === name));
  frame().classList.toggle("selecting", state.tool !== null);
  if (state.tool) announce(`Draw a ${state.tool} around songs. Hold Shift to add to the selection. Escape cancels.`);
}

/**
 * @param {{shiftKey: boolean}} event A press on the map.
 * @returns {NewShape|null} The shape to draw after it; null for none. Shift without a tool draws a lasso.
 */
export function shapeFor({ shiftKey }) {
  if (!state.tool && !shiftKey) return null;
  return { kind: state.tool ?? "lasso", adds: shiftKey && state.tool !== null };
}

/** @param {NewShape} shape @param {number} x @param {number} y In pixels. */
export function beginShape(shape, x, y) {
  update({ shape: { ...shape, points: [[x, y]] } });
}

/** @param {number} x @param {number} y In pixels. */
export function extendShape(x, y) {
  const { shape } = state;
  if (!shape) return;
  const before = shape.kind === "box" ? shape.points.slice(0, 1) : shape.points;
  update({ shape: { ...shape, points: [...before, [x, y]] } });
}

export function cancelShape() {
  update({ shape: null });
}

/**
 * Select the songs inside the shape that match the filter, and turn the tool off.
 * @param {{shiftKey: boolean}} event The release. With Shift, songs that are already selected stay selected.
 */
export function finishShape({ shiftKey }) {
  const { shape, map } = state;
  update({ shape: null, tool: null });
  if (!shape || !map) return;
  const corners = cornersOf(shape).map(([x, y]) => toMap(x, y));
  choose(songsInside(corners, map.places, map.flags), { adds: shiftKey || shape.adds });
}

/** Draw the shape, if there is one. @param {CanvasRenderingContext2D} context Its coordinates are CSS pixels. */
function paint(context) {
  if (!state.shape) return;
  context.strokeStyle = context.fillStyle = getComputedStyle(frame()).getPropertyValue("--accent");
  context.lineWidth = 1.5;
  context.globalAlpha = 1;
  context.setLineDash([5, 4]);
  context.beginPath();
  for (const [x, y] of cornersOf(state.shape)) context.lineTo(x, y);
  context.closePath();
  context.stroke();
  context.globalAlpha = 0.12;
  context.fill();
}
