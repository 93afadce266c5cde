/**
 * The points of the map, drawn with WebGL2. Positions, groups and flags lie in buffers on the graphics card; moving the map
 * changes only a few numbers.
 */

import { CHOSEN, LIT, MISSING } from "./flags.js";
import { Glow } from "./glow.js";
import { drawOrder, litRanges, randomOrder, sampleRanges } from "./point_order.js";
import { BEFORE, FLAGS, GROUP, NOWHERE, PLACE, SONG_SHADER } from "./point_shader.js";
import { FADING, FEW_RINGS_STYLE, parseColour, sampleStyle } from "./point_style.js";
import { clear, compile, createTarget, drawInto, openWebgl } from "./webgl.js";

/** @typedef {import("./point_style.js").PointStyle} PointStyle */
/** @typedef {import("./point_style.js").PointsView} PointsView */
/** @typedef {import("./point_order.js").DrawOrder} DrawOrder */

/** While the map moves, as many points are drawn as this time allows. */
const MOVING_MS = 30;
/** Of so few points, all are drawn in each frame, and the time is not measured: that would cost more. */
const MAX_UNMEASURED = 20_000;
/** A sample is never smaller, however slow the computer is. */
const MIN_SAMPLE = 10_000;
/** Before anything is measured: what a slow computer without a graphics card needs. */
const FIRST_MS_PER_POINT = 0.0006;

const POINT_SHADER = `${SONG_SHADER}
uniform float density;
uniform float diameter;
uniform float opacity;
uniform vec3 ground;
uniform vec4 filteredOut;
uniform bool isOnRegions;
uniform float ringWidth;
flat out vec4 colour;
flat out vec4 centre;
flat out vec3 radii;
flat out float side;
void main() {
  vec2 pixel = pixelNow();
  gl_Position = vec4(pixel.x / size.x * 2.0 - 1.0, 1.0 - pixel.y / size.y * 2.0, 0, 1);
  bool isLit = has(${LIT});
  bool isMissing = has(${MISSING});
  bool isChosen = has(${CHOSEN});
  vec3 own = ownColour();
  colour = isLit ? (isOnRegions ? vec4(0, 0, 0, isMissing ? ${1 - FADING.missingOnRegions} : 1.0) : vec4(own, 1.0 - fading())) : filteredOut;
  float seen = appears() ? progress : 1.0;
  colour.a *= opacity * seen;
  colour.rgb *= colour.a;
  centre = vec4(isOnRegions ? own : ground, 1) * (isLit && isMissing ? seen : 0.0);
  float radius = diameter / 2.0;
  radii = vec3(radius, max(diameter * 0.27, 1.0), isChosen ? max(radius, 2.0) + ringWidth : 0.0) * density;
  side = 2.0 * (isChosen ? radii.z + 0.5 * ringWidth * density : radii.x) + 1.0;
  gl_PointSize = side;
}`;
const DISC_SHADER = `#version 300 es
precision highp float;
flat in vec4 colour;
flat in vec4 centre;
flat in vec3 radii;
flat in float side;
uniform vec4 ring;
uniform float ringWidth;
uniform float density;
out vec4 result;
void main() {
  float distance = length(gl_PointCoord - 0.5) * side;
  result = colour * clamp(radii.x - distance + 0.5, 0.0, 1.0);
  if (centre.a > 0.0) result = mix(result, centre, clamp(radii.y - distance + 0.5, 0.0, 1.0) * centre.a);
  if (radii.z > 0.0) result = mix(result, vec4(ring.rgb, 1), ring.a * clamp(0.5 * ringWidth * density - abs(distance - radii.z) + 0.5, 0.0, 1.0));
}`;
export class WebglPoints {
  /** @param {HTMLCanvasElement} canvas @throws {Error} If the browser has no WebGL2. */
  constructor(canvas) {
    const gl = openWebgl(canvas);
    this.canvas = canvas;
    this.gl = gl;
    this.points = compile(gl, POINT_SHADER, DISC_SHADER);
    this.glow = new Glow(gl);
    this.palette = createTarget(gl, 256, 1, gl.RGBA8, gl.NEAREST);
    this.buffers = [PLACE, BEFORE, GROUP, FLAGS].map(() => gl.createBuffer());
    this.bind();
    this.count = 0;
    /** Each number below `count` once. @type {Uint32Array} */
    this.order = new Uint32Array(0);
    this.hasBefore = false;
    /** @type {DrawOrder} */
    this.parts = { songs: new Uint32Array(0), unlit: 0, lit: 0, missing: 0, chosen: 0 };
    this.msPerPoint = FIRST_MS_PER_POINT;
  }

  /** Say what the buffers contain. */
  bind() {
    const { gl } = this;
    this.buffers.forEach((buffer, attribute) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      if (attribute < GROUP) gl.vertexAttribPointer(attribute, 2, gl.FLOAT, false, 0, 0);
      else gl.vertexAttribIPointer(attribute, 1, gl.UNSIGNED_BYTE, 0, 0);
      if (attribute !== BEFORE) gl.enableVertexAttribArray(attribute);
    });
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.enable(gl.BLEND);
  }

  /** @param {number} attribute @param {Float32Array|Uint8Array} values */
  fill(attribute, values) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers[attribute]);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.STATIC_DRAW);
  }

  /**
   * Set the songs' places. Flags and groups of the same number of songs must follow.
   * @param {Float32Array} places x0, y0, x1, y1 and so on, in map units.
   * @param {Float32Array|null} before From where they glide; NaN for songs that appear. Null: they do not glide.
   */
  setPlaces(places, before) {
    const { gl } = this;
    this.fill(PLACE, places);
    this.hasBefore = before !== null;
    if (before) gl.enableVertexAttribArray(BEFORE);
    else gl.disableVertexAttribArray(BEFORE);
    this.fill(BEFORE, before ? before.map((value) => (Number.isNaN(value) ? NOWHERE : value)) : new Float32Array(0));
    if (this.count === places.length / 2) return;
    this.count = places.length / 2;
    this.order = randomOrder(this.count);
  }

  /** @param {Uint8Array} groups Each song's colour number. */
  setGroups(groups) {
    this.fill(GROUP, groups);
  }

  /** @param {Uint8Array} flags See flags.js. */
  setFlags(flags) {
    this.fill(FLAGS, flags);
    this.parts = drawOrder(flags, this.order);
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, this.parts.songs, this.gl.STATIC_DRAW);
  }

  /** @param {PointStyle} style */
  setStyle({ palette, ground, filteredOut, ring, ringStyle = FEW_RINGS_STYLE, isOnRegions }) {
    const { gl, points } = this;
    const bytes = new Uint8Array(4 * 256);
    palette.forEach((colour, number) => bytes.set(parseColour(colour).map((value) => Math.round(value * 255)), 4 * number));
    gl.bindTexture(gl.TEXTURE_2D, this.palette.texture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 256, 1, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    gl.useProgram(points.program);
    gl.uniform3fv(points.at.ground, parseColour(ground).slice(0, 3));
    gl.uniform4fv(points.at.filteredOut, parseColour(filteredOut));
    gl.uniform4fv(points.at.ring, [...parseColour(ring).slice(0, 3), ringStyle.opacity]);
    gl.uniform1f(points.at.ringWidth, ringStyle.width_px);
    gl.uniform1i(points.at.isOnRegions, Number(isOnRegions));
  }

  /** @param {PointsView} view @returns {boolean} Whether all points are drawn. If not, call this again when the map stands. */
  draw(view) {
    const total = this.parts.songs.length;
    const affordable = view.isMoving && total > MAX_UNMEASURED ? Math.max(MOVING_MS / this.msPerPoint, MIN_SAMPLE) : total;
    const share = Math.min(affordable / Math.max(total, 1), 1);
    this.setView(view);
    this.measure(share * total, () => this.drawShare(view, share));
    return share === 1;
  }

  /** @param {PointsView} view @param {number} share Of the points. */
  drawShare(view, share) {
    const ranges = sampleRanges(this.parts, share);
    if (this.glow.begin(view)) this.glow.add(view, this.hasBefore ? view.progress : 1, this.count, () => this.drawLit(ranges));
    drawInto(this.gl, null);
    clear(this.gl);
    this.glow.finish(view, share);
    this.setPointStyle(sampleStyle(view, share));
    this.drawPoints(ranges);
  }

  /** Set the canvas's size and the uniforms of a view. @param {PointsView} view */
  setView(view) {
    const { gl, canvas, points } = this;
    const [width, height] = [view.width, view.height].map((side) => Math.max(Math.round(side * view.density), 1));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.useProgram(points.program);
    gl.uniform4f(points.at.frame, view.left, view.top, 1 / view.unitsPerPixel, -1 / view.unitsPerPixel);
    gl.uniform2f(points.at.size, width / view.density, height / view.density);
    gl.uniform1f(points.at.progress, this.hasBefore ? view.progress : 1);
    gl.uniform1f(points.at.density, view.density);
    this.setPointStyle(view);
  }

  /** @param {{diameter: number, opacity: number}} style */
  setPointStyle({ diameter, opacity }) {
    const { gl, points } = this;
    gl.useProgram(points.program);
    gl.uniform1f(points.at.diameter, diameter);
    gl.uniform1f(points.at.opacity, opacity);
  }

  /** @param {[number, number][]} ranges Of the order in which points are drawn. */
  drawPoints(ranges) {
    const { gl } = this;
    drawInto(gl, null);
    gl.useProgram(this.points.program);
    gl.bindTexture(gl.TEXTURE_2D, this.palette.texture);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.drawRanges(ranges);
  }

  /** Draw the songs of some ranges that match the filter, with the program and into the target that are set. @param {[number, number][]} ranges */
  drawLit(ranges) {
    this.gl.bindTexture(this.gl.TEXTURE_2D, this.palette.texture);
    this.drawRanges(litRanges(ranges, this.parts.unlit));
  }

  /** @param {[number, number][]} ranges */
  drawRanges(ranges) {
    for (const [first, end] of ranges) this.gl.drawElements(this.gl.POINTS, end - first, this.gl.UNSIGNED_INT, 4 * first);
  }

  /** Find out how long a point takes, if there are many. @param {number} count @param {() => void} drawing */
  measure(count, drawing) {
    const began = performance.now();
    drawing();
    if (this.parts.songs.length <= MAX_UNMEASURED) return;
    // Reading a pixel waits until everything is drawn.
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
    this.msPerPoint += ((performance.now() - began) / count - this.msPerPoint) / 2;
  }
}
