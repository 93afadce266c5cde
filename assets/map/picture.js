/** A picture of the map as the page shows it, without the cards: regions, glow, points, lines and names, and a line below. */

import { element } from "../core/dom.js";
import { state } from "../core/state.js";
import { GAP_PX, frame, frameSize, freeArea, toPixels } from "./camera.js";
import { CanvasPoints } from "./canvas_points.js";
import { drawCopy } from "./drawing.js";
import { drawLights, drawNeighbourLines, uploadPlace } from "./overlays.js";
import { parseColour } from "./point_style.js";
import { drawCells, drawCrosses } from "./regions.js";
import { colourOf, placeOf } from "./songs.js";

/** @typedef {import("../core/types.js").Area} Area */
/** @typedef {import("../core/types.js").MapMeta} MapMeta */
/** @typedef {{ground: string, text: string, dim: string, halo: string}} Look The picture's colours, besides those of the groups. */

/** Pixels of the picture for each pixel of the page. */
const DENSITY = 2;
const CAPTION_PX = 40;
const CAPTION_FONT = "13px";
/** The colours on white paper. */
const PAPER = { ground: "#ffffff", text: "#171a21", dim: "#545d6e", halo: "rgba(255, 255, 255, 0.9)" };
/** The dark theme's colours are mixed with black for paper: this share remains. */
const INK = 0.72;
const PROJECTIONS = { tsne: "t-SNE", umap: "UMAP", pca: "PCA", original: "Original view" };

/**
 * Draw the map. Needs a map.
 * @param {object} [options]
 * @param {boolean} [options.isForPaper] Whether it is drawn in dark colours on white, whatever the theme is.
 * @returns {HTMLCanvasElement}
 */
export function compose({ isForPaper = false } = {}) {
  const { meta } = /** @type {import("../core/types.js").MapState} */ (state.map);
  const area = visibleArea();
  const [width, height] = [area.right - area.left, area.bottom - area.top];
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas"));
  canvas.width = Math.round(width * DENSITY);
  canvas.height = Math.round((height + CAPTION_PX) * DENSITY);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const look = isForPaper ? PAPER : themeLook(meta);
  context.setTransform(DENSITY, 0, 0, DENSITY, 0, 0);
  context.fillStyle = look.ground;
  context.fillRect(0, 0, width, height + CAPTION_PX);
  drawCaption(context, captionOf(meta), look, height);
  context.beginPath();
  context.rect(0, 0, width, height);
  context.clip();
  context.translate(-area.left, -area.top);
  drawMap(context, isForPaper ? paperOptions(meta) : {});
  drawMarks(context, look);
  drawNames(context, look, isForPaper);
  return canvas;
}

/** @returns {Area} The part of the frame that no card covers: the free area with its margin. */
export function visibleArea() {
  const { width, height } = frameSize();
  const { left, right, top, bottom } = freeArea();
  const margin = GAP_PX - 2;
  const area = {
    left: Math.max(Math.round(left - margin), 0),
    right: Math.min(Math.round(right + margin), width),
    top: Math.max(Math.round(top - margin), 0),
    bottom: Math.min(Math.round(bottom + margin), height),
  };
  // Cards can cover the map: then the picture shows all of it.
  return area.right - area.left < 80 || area.bottom - area.top < 80 ? { left: 0, top: 0, right: width, bottom: height } : area;
}

/** @param {MapMeta} meta @returns {Look} */
function themeLook({ ground }) {
  const style = getComputedStyle(frame());
  const [text, dim, halo] = ["--text", "--dim", "--halo"].map((name) => style.getPropertyValue(name));
  return { ground, text, dim, halo };
}

/** @param {MapMeta} meta @returns {Parameters<typeof drawCopy>[2]} How points are drawn on paper. */
function paperOptions({ theme, colours }) {
  const palette = theme === "dark" ? colours.map(darkened) : colours;
  return { style: { palette, ground: PAPER.ground, filteredOut: "rgba(120, 126, 138, 0.35)", ring: PAPER.text }, hasGlow: false };
}

/** @param {string} colour @returns {string} The colour mixed with black. */
export function darkened(colour) {
  const numbers = parseColour(colour).slice(0, 3).map((value) => Math.round(value * INK * 255));
  return `#${numbers.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {CanvasRenderingContext2D} context @param {Parameters<typeof drawCopy>[2]} options */
function drawMap(context, options) {
  const layer = new CanvasPoints(document.createElement("canvas"));
  const view = drawCopy(layer, DENSITY, options);
  drawCells(context, view);
  context.drawImage(layer.canvas, 0, 0, view.width, view.height);
  drawCrosses(context, view);
  context.save();
  drawNeighbourLines(context);
  drawLights(context);
  context.restore();
}

/** Draw the marks of the song in the player and of the uploaded song. @param {CanvasRenderingContext2D} context @param {Look} look */
function drawMarks(context, look) {
  const playing = placeOf(state.playing);
  const uploaded = uploadPlace();
  if (playing && state.playing !== null) drawDisc(context, toPixels(...playing), colourOf(state.playing), look);
  if (uploaded) drawDisc(context, toPixels(uploaded[0], uploaded[1]), look.dim, look);
}

/** @param {CanvasRenderingContext2D} context @param {{x: number, y: number}} pixel @param {string} colour @param {Look} look */
function drawDisc(context, { x, y }, colour, look) {
  for (const [radius, fill] of /** @type {[number, string][]} */ ([[10, look.halo], [8, colour], [5, look.text]])) {
    context.fillStyle = fill;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * Draw the names that are shown on the map, where they are.
 * @param {CanvasRenderingContext2D} context @param {Look} look @param {boolean} isForPaper
 */
function drawNames(context, look, isForPaper) {
  const origin = frame().getBoundingClientRect();
  context.lineJoin = "round";
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  for (const label of document.querySelectorAll("#labels .shown")) {
    const { left, top, height } = label.getBoundingClientRect();
    const style = getComputedStyle(label);
    context.font = fontOf(style);
    context.direction = /** @type {CanvasDirection} */ (style.direction);
    context.letterSpacing = style.letterSpacing;
    const { fontBoundingBoxAscent: above, fontBoundingBoxDescent: below } = context.measureText(label.textContent ?? "");
    const [x, y] = [left - origin.left, top - origin.top + (height - above - below) / 2 + above];
    const isOnRegions = state.map?.meta.regions !== null;
    context.strokeStyle = isOnRegions ? "rgba(0, 0, 0, 0.78)" : look.halo;
    context.lineWidth = parseFloat(style.webkitTextStrokeWidth) || 4;
    context.strokeText(label.textContent ?? "", x, y);
    context.fillStyle = isForPaper && !isOnRegions ? look.text : style.color;
    context.fillText(label.textContent ?? "", x, y);
  }
}

/** @param {CSSStyleDeclaration} style @returns {string} A font for a canvas. */
function fontOf({ fontWeight, fontSize, fontFamily }) {
  return `${fontWeight} ${fontSize} ${fontFamily}`;
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {Look} look @param {number} top */
function drawCaption(context, text, look, top) {
  context.font = `${CAPTION_FONT} ${getComputedStyle(frame()).fontFamily}`;
  context.textBaseline = "middle";
  context.fillStyle = look.dim;
  context.fillText(text, 16, top + CAPTION_PX / 2);
}

/**
 * @param {Pick<MapMeta, "projection"|"colouring"|"counts"|"is_filtered"|"lit"|"songs">} meta
 * @returns {string} The line below the picture: what it shows.
 */
export function captionOf({ projection, colouring, counts, is_filtered: isFiltered, lit, songs }) {
  const name = PROJECTIONS[/** @type {keyof typeof PROJECTIONS} */ (projection)] ?? projection;
  const view = projection === "original" ? name : `${name}, coloured by ${colouring}`;
  const filtered = isFiltered ? `${lit.toLocaleString("en")} of ${songs.toLocaleString("en")} songs match the filters` : "";
  return ["Music Explorer", counts, view, filtered].filter(Boolean).join(" · ");
}
