/**
 * The points of the map, drawn by the processor on a 2-D canvas: for browsers without WebGL2, and for computers without a
 * graphics card, where WebGL2 takes much longer. `WebglPoints` in points.js draws the same.
 */

import { inMemory } from "../core/dom.js";
import { CanvasGlow } from "./canvas_glow.js";
import { CHOSEN, FADED, LIT, MISSING, VERY_FADED } from "./flags.js";
import { placesDuring } from "./new_map.js";
import { drawOrder, litRanges, randomOrder, sampleRanges } from "./point_order.js";
import { FADING, FEW_RINGS_STYLE, parseColour, sampleStyle, ringRadius } from "./point_style.js";
import { drawSprite, makeSprite, unmultiply } from "./sprites.js";

/** @typedef {import("./point_style.js").PointStyle} PointStyle */
/** @typedef {import("./point_style.js").PointsView} PointsView */
/** @typedef {import("./point_order.js").DrawOrder} DrawOrder */
/** @typedef {import("./sprites.js").PointLook} PointLook */
/** @typedef {import("./sprites.js").Sprite} Sprite */

/**
 * @typedef {object} OrderedPoints Points in the order in which they are drawn: reading songs in a random order takes longer.
 * @property {Float32Array} places x0, y0, x1, y1 and so on, in map units.
 * @property {Float32Array|null} before From where they glide.
 * @property {Uint16Array} kinds See `kindOf`.
 */

/** While the map moves, as many points are drawn as this time allows, but never fewer than so many. */
const MOVING_MS = 12;
const MIN_SAMPLE = 10_000;
/** Before anything is measured. */
const FIRST_MS_PER_POINT = 0.0001;
/** The bits of a kind: the colour number, the flags, and whether the point appears while others glide. */
const FLAGS_SHIFT = 8;
const APPEARS = 1 << 14;

export class CanvasPoints {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = inMemory(canvas);
    /** Where points are drawn before the glow lies below them. */
    this.layer = inMemory(document.createElement("canvas"));
    this.image = new ImageData(1, 1);
    this.glow = new CanvasGlow();
    this.places = new Float32Array(0);
    /** @type {Float32Array|null} */
    this.before = null;
    /** @type {Uint8Array} */
    this.groups = new Uint8Array(0);
    /** @type {Uint8Array} */
    this.flags = new Uint8Array(0);
    /** @type {Uint32Array} */
    this.order = new Uint32Array(0);
    /** @type {DrawOrder} */
    this.parts = { songs: new Uint32Array(0), unlit: 0, lit: 0, missing: 0, chosen: 0 };
    /** In the order in which points are drawn; null after a change. @type {{places: Float32Array, before: Float32Array|null}|null} */
    this.orderedPlaces = null;
    /** @type {Uint16Array|null} */
    this.orderedKinds = null;
    /** @type {PointStyle} */
    this.style = { palette: [], ground: "#000000", filteredOut: "#000000", ring: "#000000", isOnRegions: false };
    /** Red, green and blue by colour number. */
    this.colours = new Float32Array(0);
    /** By kind; and what they depend on. @type {Sprite[]} */
    this.sprites = [];
    this.spritesKey = "";
    this.msPerPoint = FIRST_MS_PER_POINT;
  }

  /** @param {Float32Array} places @param {Float32Array|null} before As in points.js. */
  setPlaces(places, before) {
    if (this.places.length !== places.length) this.order = randomOrder(places.length / 2);
    Object.assign(this, { places, before, orderedPlaces: null, orderedKinds: null });
  }

  /** @param {Uint8Array} groups */
  setGroups(groups) {
    Object.assign(this, { groups, orderedKinds: null });
  }

  /** @param {Uint8Array} flags */
  setFlags(flags) {
    Object.assign(this, { flags, parts: drawOrder(flags, this.order), orderedPlaces: null, orderedKinds: null });
  }

  /** @param {PointStyle} style */
  setStyle(style) {
    const colours = Float32Array.from(style.palette.flatMap((colour) => parseColour(colour).slice(0, 3)));
    Object.assign(this, { style, colours, spritesKey: "" });
  }

  /** @param {PointsView} view @returns {boolean} Whether all points are drawn. If not, call this again when the map stands. */
  draw(view) {
    const total = this.parts.songs.length;
    const affordable = view.isMoving ? Math.max(MOVING_MS / this.msPerPoint, MIN_SAMPLE) : total;
    const share = Math.min(affordable / Math.max(total, 1), 1);
    this.orderedPlaces ??= this.placesInOrder();
    this.orderedKinds ??= this.kindsInOrder();
    const began = performance.now();
    this.drawShare(view, share, { ...this.orderedPlaces, kinds: this.orderedKinds });
    if (total >= MIN_SAMPLE) this.msPerPoint += ((performance.now() - began) / (share * total) - this.msPerPoint) / 2;
    return share === 1;
  }

  /** @returns {{places: Float32Array, before: Float32Array|null}} */
  placesInOrder() {
    const { parts: { songs }, places, before } = this;
    const inOrder = (/** @type {Float32Array} */ values) => {
      const result = new Float32Array(2 * songs.length);
      for (let i = 0; i < songs.length; i++) {
        result[2 * i] = values[2 * songs[i]];
        result[2 * i + 1] = values[2 * songs[i] + 1];
      }
      return result;
    };
    return { places: inOrder(places), before: before && inOrder(before) };
  }

  /** @returns {Uint16Array} */
  kindsInOrder() {
    const { parts: { songs }, before, groups, flags } = this;
    const kinds = new Uint16Array(songs.length);
    for (let i = 0; i < songs.length; i++) {
      const song = songs[i];
      kinds[i] = kindOf(groups[song], flags[song], before !== null && Number.isNaN(before[2 * song]));
    }
    return kinds;
  }

  /** @param {PointsView} view @param {number} share Of the points. @param {OrderedPoints} ordered */
  drawShare(view, share, { places, before, kinds }) {
    const { parts, glow, colours } = this;
    this.clear(view);
    const ranges = sampleRanges(parts, share);
    const progress = before ? view.progress : 1;
    const now = { places: before && progress < 1 ? placesDuring(before, places, progress) : places, kinds };
    if (view.glow) {
      const weights = Float32Array.from({ length: (2 * APPEARS) >> FLAGS_SHIFT }, (_, flags) => glowOf(flags << FLAGS_SHIFT, progress));
      glow.begin(view, view.glow);
      for (const range of litRanges(ranges, parts.unlit)) glow.add(view, now, range, colours, weights);
      glow.finish(this.context, view, view.glow, share);
    }
    const { diameter, opacity } = sampleStyle(view, share);
    // Samples of nearly the same size share their sprites.
    const look = { diameter: round(diameter, 16), opacity: round(opacity, 64) };
    this.drawPoints({ ...view, ...look, progress }, now, ranges);
  }

  /** Empty the canvas, and give it the view's size. @param {PointsView} view */
  clear(view) {
    const { canvas, context, layer: { canvas: layer } } = this;
    const [width, height] = [view.width, view.height].map((side) => Math.max(Math.round(side * view.density), 1));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    else context.clearRect(0, 0, width, height);
    if (layer.width === width && layer.height === height && this.image.width === width) return;
    Object.assign(layer, { width, height });
    this.image = new ImageData(width, height);
  }

  /** @param {PointsView} view @param {Omit<OrderedPoints, "before">} points @param {[number, number][]} ranges */
  drawPoints(view, { places, kinds }, ranges) {
    const { left, top, unitsPerPixel, density, diameter, opacity, progress } = view;
    const { image, layer, context } = this;
    const { width, height } = image;
    const spritesKey = [diameter, opacity, density, progress, width].join();
    if (spritesKey !== this.spritesKey) this.sprites = [];
    this.spritesKey = spritesKey;
    const { sprites } = this;
    const pixels = new Int32Array(image.data.buffer);
    pixels.fill(0);
    const perUnit = density / unitsPerPixel;
    for (const [first, end] of ranges) {
      for (let i = first; i < end; i++) {
        const sprite = (sprites[kinds[i]] ??= makeSprite(this.lookOf(kinds[i], view), width));
        drawSprite(pixels, width, height, sprite, (places[2 * i] - left) * perUnit, (top - places[2 * i + 1]) * perUnit);
      }
    }
    unmultiply(pixels);
    layer.putImageData(image, 0, 0);
    context.drawImage(layer.canvas, 0, 0);
  }

  /** @param {number} kind @param {PointsView} view @returns {PointLook} */
  lookOf(kind, { diameter, opacity, density, progress }) {
    const { palette, ground, filteredOut, ring, ringStyle: { width_px, opacity: ringOpacity } = FEW_RINGS_STYLE, isOnRegions } = this.style;
    const [isLit, isMissing, isChosen] = [LIT, MISSING, CHOSEN].map((flag) => has(kind, flag));
    const own = parseColour(palette[kind & 255]);
    const onRegions = [0, 0, 0, isMissing ? 1 - FADING.missingOnRegions : 1];
    const [red, green, blue, alpha] = !isLit ? parseColour(filteredOut) : isOnRegions ? onRegions : [...own.slice(0, 3), 1 - fading(kind)];
    const seen = kind & APPEARS ? progress : 1;
    const radius = diameter / 2;
    const centre = { colour: isOnRegions ? own : parseColour(ground), opacity: seen, radius: Math.max(diameter * 0.27, 1) * density };
    return {
      colour: [red, green, blue],
      opacity: alpha * opacity * seen,
      radius: radius * density,
      centre: isLit && isMissing ? centre : null,
      ring: isChosen
        ? { colour: parseColour(ring), opacity: ringOpacity, radius: ringRadius(radius, { width_px, opacity }) * density, width: width_px * density }
        : null,
    };
  }
}

/** A point's kind is all that its picture depends on. @param {number} group @param {number} flags @param {boolean} appears @returns {number} */
function kindOf(group, flags, appears) {
  return group | (flags << FLAGS_SHIFT) | (appears ? APPEARS : 0);
}

/** @param {number} kind @param {number} flag @returns {boolean} */
function has(kind, flag) {
  return ((kind >> FLAGS_SHIFT) & flag) !== 0;
}

/** @param {number} kind @returns {number} How transparent the point is. */
function fading(kind) {
  return has(kind, MISSING) ? FADING.missing : has(kind, VERY_FADED) ? FADING.veryFaded : has(kind, FADED) ? FADING.faded : 0;
}

/** @param {number} kind @param {number} progress @returns {number} How much the point glows, from 0 to 1. */
function glowOf(kind, progress) {
  return has(kind, LIT) ? (kind & APPEARS ? progress : 1) * (1 - fading(kind)) : 0;
}

/** @param {number} value @param {number} parts Of 1. @returns {number} */
function round(value, parts) {
  return Math.round(value * parts) / parts;
}
