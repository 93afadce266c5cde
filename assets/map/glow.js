/**
 * The glow below the points. Each song adds its colour to one pixel of a small picture; a Gaussian blur spreads it. The
 * picture has the sum of the colours and the number of songs, so that the glow's hue and its opacity are found apart.
 */

import { LIT } from "./flags.js";
import { SONG_SHADER } from "./point_shader.js";
import { MAX_SPREAD } from "./point_style.js";
import { COVER_SHADER, clear, compile, createTarget, deleteTarget, drawInto } from "./webgl.js";

/** @typedef {import("./point_style.js").PointsView} PointsView */
/** @typedef {import("./webgl.js").Program} Program */
/** @typedef {import("./webgl.js").Target} Target */

/** The blur's standard deviation in pixels of the small picture, and how far it reaches. */
const SIGMA = 3;
const REACH = 8;

const SPOT_SHADER = `${SONG_SHADER}
uniform float side;
flat out vec4 colour;
void main() {
  gl_Position = vec4(pixelNow() / size * 2.0 - 1.0, 0, 1);
  gl_PointSize = side;
  float weight = has(${LIT}) ? (appears() ? progress : 1.0) * (1.0 - fading()) : 0.0;
  colour = vec4(ownColour(), 1) * weight;
}`;
const SPREAD_SHADER = `#version 300 es
precision highp float;
flat in vec4 colour;
uniform float side;
out vec4 result;
void main() {
  vec2 near = side > 1.0 ? 1.0 - abs(gl_PointCoord - 0.5) * 2.0 : vec2(1);
  result = colour * near.x * near.y;
}`;
/** One direction of the blur. A linear sample between two pixels reads both. */
const BLUR_SHADER = `#version 300 es
precision highp float;
uniform sampler2D picture;
uniform vec2 direction;
uniform vec2 taps[5];
out vec4 result;
void main() {
  vec2 pixel = 1.0 / vec2(textureSize(picture, 0));
  result = texture(picture, gl_FragCoord.xy * pixel) * taps[0].y;
  for (int i = 1; i < 5; i++) {
    vec2 offset = direction * taps[i].x;
    result += (texture(picture, (gl_FragCoord.xy + offset) * pixel) + texture(picture, (gl_FragCoord.xy - offset) * pixel)) * taps[i].y;
  }
}`;
/** Hides the steps between two of the screen's shades. The formula is Jimenez's interleaved gradient noise (2014). */
const NOISE = `float noise() {
  return (fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5) / 255.0;
}`;
/**
 * From sums to colours. A mixture of two hues is paler than both: it gets back some of its saturation, and glows less. The
 * colours are not multiplied by the opacity: where it is low, a byte would have too few steps.
 */
const COLOUR_SHADER = `#version 300 es
precision highp float;
uniform sampler2D picture;
uniform float strength;
out vec4 result;
void main() {
  vec4 sum = texelFetch(picture, ivec2(gl_FragCoord.xy), 0);
  vec3 hue = sum.rgb / max(sum.a, 1e-6);
  float chroma = max(max(hue.r, hue.g), hue.b) - min(min(hue.r, hue.g), hue.b);
  hue = clamp(mix(vec3(dot(hue, vec3(0.3, 0.59, 0.11))), hue, clamp(0.45 / max(chroma, 1e-3), 1.0, 1.6)), 0.0, 1.0);
  result = vec4(hue, (1.0 - exp(-strength * sum.a)) * mix(0.65, 1.0, smoothstep(0.0, 0.3, chroma)));
}`;
/** Enlarges the picture. Without a graphics card, bytes are enlarged three times as fast as half floats. */
const ENLARGE_SHADER = `#version 300 es
precision highp float;
uniform sampler2D picture;
uniform vec2 perPixel;
uniform vec2 origin;
uniform float maxOpacity;
uniform bool isNoisy;
out vec4 result;
${NOISE}
void main() {
  result = texture(picture, gl_FragCoord.xy * perPixel + origin);
  result.a *= maxOpacity;
  if (result.a < 0.001) discard;
  result.rgb *= result.a;
  if (isNoisy) result += noise();
}`;

export class Glow {
  /** @param {WebGL2RenderingContext} gl */
  constructor(gl) {
    this.gl = gl;
    const blends = gl.getExtension("EXT_color_buffer_float") && gl.getExtension("EXT_float_blend") && gl.getExtension("OES_texture_float_linear");
    // Half floats count to 2,048 songs in a pixel. More than that have the same opacity anyway.
    const canAdd = blends || gl.getExtension("EXT_color_buffer_float") || gl.getExtension("EXT_color_buffer_half_float");
    /** @type {number|null} Null if this browser cannot add up colours: then there is no glow. */
    this.format = canAdd ? (blends ? gl.RGBA32F : gl.RGBA16F) : null;
    /** @type {Program} */
    this.spots = compile(gl, SPOT_SHADER, SPREAD_SHADER);
    /** @type {Program} */
    this.blur = compile(gl, COVER_SHADER, BLUR_SHADER);
    /** @type {Program} */
    this.colouring = compile(gl, COVER_SHADER, COLOUR_SHADER);
    /** @type {Program} */
    this.enlarging = compile(gl, COVER_SHADER, ENLARGE_SHADER);
    /** CSS pixels per pixel of the small pictures. */
    this.pixel = 1;
    /** @type {Target|null} */
    this.sums = null;
    /** @type {Target|null} */
    this.other = null;
    /** @type {Target|null} */
    this.picture = null;
    /** @type {Target|null} */
    this.coloured = null;
  }

  /**
   * Begin a new picture.
   * @param {PointsView} view
   * @returns {boolean} Whether there is a glow.
   */
  begin(view) {
    const { gl } = this;
    if (!view.glow || this.format === null) return false;
    this.pixel = view.glow.sigma_px / SIGMA;
    const [width, height] = [view.width, view.height].map((side) => Math.ceil(side / this.pixel) + 2 * REACH);
    if (this.sums?.width !== width || this.sums.height !== height) {
      for (const target of [this.sums, this.other, this.picture, this.coloured]) deleteTarget(gl, target);
      this.sums = createTarget(gl, width, height, this.format, gl.LINEAR);
      this.other = createTarget(gl, width, height, gl.RGBA16F, gl.LINEAR);
      this.picture = createTarget(gl, width, height, gl.RGBA16F, gl.LINEAR);
      this.coloured = createTarget(gl, width, height, gl.RGBA8, gl.LINEAR);
    }
    drawInto(gl, this.sums);
    clear(gl);
    return true;
  }

  /**
   * Add songs to the picture. The points' buffers and the palette must be bound.
   * @param {PointsView} view @param {number} progress Of gliding. @param {number} count Of all songs. @param {() => void} drawPoints
   */
  add(view, progress, count, drawPoints) {
    const { gl, sums, pixel, spots } = this;
    if (!sums) return;
    drawInto(gl, sums);
    gl.useProgram(spots.program);
    const margin = REACH * pixel * view.unitsPerPixel;
    gl.uniform4f(spots.at.frame, view.left - margin, view.top + margin, 1 / (view.unitsPerPixel * pixel), -1 / (view.unitsPerPixel * pixel));
    gl.uniform2f(spots.at.size, sums.width, sums.height);
    gl.uniform1f(spots.at.progress, progress);
    gl.uniform1f(spots.at.side, count > MAX_SPREAD ? 1 : 2);
    gl.blendFunc(gl.ONE, gl.ONE);
    drawPoints();
  }

  /**
   * Blur the picture and draw it on the canvas.
   * @param {PointsView} view @param {number} share Of the songs that were added, from 0 to 1.
   */
  finish(view, share) {
    const { gl, sums, other, picture, coloured, pixel, blur, colouring, enlarging } = this;
    if (!sums || !other || !picture || !coloured || !view.glow) return;
    gl.disable(gl.BLEND);
    gl.useProgram(blur.program);
    gl.uniform2fv(blur.at.taps, taps());
    gl.uniform2f(blur.at.direction, 1, 0);
    this.convert(sums, other);
    gl.uniform2f(blur.at.direction, 0, 1);
    this.convert(other, picture);
    gl.useProgram(colouring.program);
    gl.uniform1f(colouring.at.strength, (view.glow.strength * 2 * Math.PI * SIGMA ** 2) / share);
    this.convert(picture, coloured);
    gl.useProgram(enlarging.program);
    // In the small picture y grows downwards; on the canvas it grows upwards.
    const perPixel = 1 / (view.density * pixel);
    gl.uniform2f(enlarging.at.perPixel, perPixel / coloured.width, -perPixel / coloured.height);
    gl.uniform2f(enlarging.at.origin, REACH / coloured.width, (REACH + view.height / pixel) / coloured.height);
    // The noise takes as long as the rest, and nobody sees it while the map moves.
    gl.uniform1f(enlarging.at.maxOpacity, view.glow.maxOpacity);
    gl.uniform1i(enlarging.at.isNoisy, Number(!view.isMoving));
    this.convert(coloured, null);
    gl.enable(gl.BLEND);
  }

  /** Draw one picture into another with the current program. @param {Target} from @param {Target|null} to Null is the canvas. */
  convert(from, to) {
    const { gl } = this;
    drawInto(gl, to);
    gl.bindTexture(gl.TEXTURE_2D, from.texture);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}

/** @returns {Float32Array} Offset and weight of each of the blur's samples: the middle, then pairs of pixels. */
function taps() {
  const weight = (/** @type {number} */ offset) => Math.exp(-(offset ** 2) / (2 * SIGMA ** 2));
  const pairs = [[0, weight(0)]];
  for (let i = 1; i < REACH; i += 2) {
    const both = weight(i) + weight(i + 1);
    pairs.push([i + weight(i + 1) / both, both]);
  }
  const sum = pairs.reduce((total, [offset, both]) => total + (offset ? 2 : 1) * both, 0);
  return Float32Array.from(pairs.flatMap(([offset, both]) => [offset, both / sum]));
}
