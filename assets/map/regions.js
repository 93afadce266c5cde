/** The original view's coloured cells below the points, and the white crosses at their centres above the points. */

import { byId, clearCanvas } from "../core/dom.js";
import { state } from "../core/state.js";

/** @typedef {import("./point_style.js").PointsView} PointsView */

const EDGE_PX = 1;
/** A cross has four arms of this width at right angles, turned by 45 degrees. */
const ARM_PX = 5.2;
const RIM_PX = 1.5;

/** Draw the cells and crosses, or nothing in other views. @param {PointsView} view */
export function paint(view) {
  const { width, height } = view;
  const regions = state.map?.meta.regions ?? null;
  const [cells, crosses] = [byId("regions"), byId("crosses")];
  cells.hidden = crosses.hidden = !regions;
  if (!regions) return;
  drawCells(clearCanvas(cells, width, height), view);
  drawCrosses(clearCanvas(crosses, width, height), view);
}

/** @typedef {{left: number, top: number, unitsPerPixel: number}} At Where the frame lies on the map. */

/** @param {At} at @param {number[]} place @returns {[number, number]} Its pixel. */
function pixelOf({ left, top, unitsPerPixel }, [x, y]) {
  return [(x - left) / unitsPerPixel, (top - y) / unitsPerPixel];
}

/** Draw the cells, if there are any. @param {CanvasRenderingContext2D} below @param {At} at */
export function drawCells(below, at) {
  const { regions = null, colours = [], ground = "" } = state.map?.meta ?? {};
  below.strokeStyle = ground;
  below.lineWidth = EDGE_PX;
  regions?.polygons.forEach((polygon, number) => {
    below.fillStyle = colours[number];
    below.beginPath();
    for (const corner of polygon) below.lineTo(...pixelOf(at, corner));
    below.closePath();
    below.fill();
    below.stroke();
  });
}

/** Draw the crosses, if there are any. @param {CanvasRenderingContext2D} above @param {At} at */
export function drawCrosses(above, at) {
  above.fillStyle = "#ffffff";
  above.strokeStyle = "#000000";
  above.lineWidth = RIM_PX;
  for (const centre of state.map?.meta.regions?.centres ?? []) drawCross(above, ...pixelOf(at, centre));
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y In pixels. */
function drawCross(context, x, y) {
  // Half an arm's width along both axes after the turn by 45 degrees: from corner to corner of the outline.
  const step = ARM_PX / Math.SQRT2;
  const corners = [[0, 1], [1, 2], [2, 1], [1, 0], [2, -1], [1, -2], [0, -1], [-1, -2], [-2, -1], [-1, 0], [-2, 1], [-1, 2]];
  context.beginPath();
  for (const [right, down] of corners) context.lineTo(x + right * step, y + down * step);
  context.closePath();
  context.fill();
  context.stroke();
}
