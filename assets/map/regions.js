/** The original view's coloured cells below the points, and the white crosses at their centres above the points. */

import { byId, clearCanvas } from "../core/dom.js";
import { state } from "../core/state.js";

/** @typedef {import("./point_style.js").PointsView} PointsView */

const EDGE_PX = 1;
/** A cross has four arms of this width at right angles, turned by 45 degrees. */
const ARM_PX = 5.2;
const RIM_PX = 1.5;

/** Draw the cells and crosses, or nothing in other views. @param {PointsView} view */
export function paint({ left, top, unitsPerPixel, width, height }) {
  const { regions = null, colours = [], ground = "" } = state.map?.meta ?? {};
  const [cells, crosses] = [byId("regions"), byId("crosses")];
  cells.hidden = crosses.hidden = !regions;
  if (!regions) return;
  const toPixels = (/** @type {number[]} */ [x, y]) => /** @type {[number, number]} */ ([(x - left) / unitsPerPixel, (top - y) / unitsPerPixel]);
  const below = clearCanvas(cells, width, height);
  below.strokeStyle = ground;
  below.lineWidth = EDGE_PX;
  regions.polygons.forEach((polygon, number) => {
    below.fillStyle = colours[number];
    below.beginPath();
    for (const corner of polygon) below.lineTo(...toPixels(corner));
    below.closePath();
    below.fill();
    below.stroke();
  });
  const above = clearCanvas(crosses, width, height);
  above.fillStyle = "#ffffff";
  above.strokeStyle = "#000000";
  above.lineWidth = RIM_PX;
  for (const centre of regions.centres) drawCross(above, ...toPixels(centre));
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
