/** The points of the map on a 2-D canvas: a stand-in for browsers without WebGL2. It has no glow. */

import { clearCanvas } from "../core/dom.js";
import { CHOSEN, FADED, LIT, MISSING, VERY_FADED } from "./flags.js";
import { drawOrder, randomOrder, sampleRanges } from "./point_order.js";
import { FADING, sampleStyle } from "./point_style.js";

/** @typedef {import("./point_style.js").PointStyle} PointStyle */
/** @typedef {import("./point_style.js").PointsView} PointsView */
/** @typedef {import("./point_order.js").DrawOrder} DrawOrder */
/** @typedef {{canvas: HTMLCanvasElement, half: number}} Sprite A picture of a point, and half its width in CSS pixels. */

/** Of more points than this, a sample is drawn. */
const MAX_POINTS = 20_000;

export class CanvasPoints {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
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
    /** @type {PointStyle} */
    this.style = { palette: [], ground: "#000000", filteredOut: "#000000", ring: "#000000", isOnRegions: false };
    /** The pictures of points, by colour number and flags; and for which size, opacity and density they are. @type {Map<number, Sprite>} */
    this.sprites = new Map();
    this.spritesKey = "";
  }

  /** @param {Float32Array} places @param {Float32Array|null} before As in points.js. */
  setPlaces(places, before) {
    if (this.places.length !== places.length) this.order = randomOrder(places.length / 2);
    Object.assign(this, { places, before });
  }

  /** @param {Uint8Array} groups */
  setGroups(groups) {
    this.groups = groups;
  }

  /** @param {Uint8Array} flags */
  setFlags(flags) {
    this.flags = flags;
    this.parts = drawOrder(flags, this.order);
  }

  /** @param {PointStyle} style */
  setStyle(style) {
    this.style = style;
    this.spritesKey = "";
  }

  /** @param {PointsView} view @returns {true} All points that this canvas can show are drawn. */
  draw(view) {
    const context = clearCanvas(this.canvas, view.width, view.height);
    const { songs } = this.parts;
    const share = Math.min(MAX_POINTS / Math.max(songs.length, 1), 1);
    const sampled = { ...view, ...sampleStyle(view, share) };
    const spritesKey = [sampled.diameter, sampled.opacity, view.density].join();
    if (spritesKey !== this.spritesKey) this.sprites.clear();
    this.spritesKey = spritesKey;
    for (const [first, end] of sampleRanges(this.parts, share)) {
      for (let i = first; i < end; i++) this.drawPoint(context, songs[i], sampled);
    }
    return true;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} song @param {PointsView} view */
  drawPoint(context, song, view) {
    const { left, top, unitsPerPixel, width, height, progress } = view;
    const { places, before, groups, flags, sprites } = this;
    const appears = before !== null && Number.isNaN(before[2 * song]);
    const at = (/** @type {number} */ i) => (before === null || appears ? places[i] : before[i] + (places[i] - before[i]) * progress);
    const x = (at(2 * song) - left) / unitsPerPixel;
    const y = (top - at(2 * song + 1)) / unitsPerPixel;
    const key = groups[song] * 256 + flags[song];
    let sprite = sprites.get(key);
    if (!sprite) sprites.set(key, (sprite = this.makeSprite(groups[song], flags[song], view)));
    const { canvas, half } = sprite;
    if (x < -half || y < -half || x > width + half || y > height + half) return;
    context.globalAlpha = appears ? progress : 1;
    context.drawImage(canvas, x - half, y - half, 2 * half, 2 * half);
  }

  /** @param {number} group @param {number} flags @param {PointsView} view @returns {Sprite} */
  makeSprite(group, flags, { diameter, opacity, density }) {
    const { palette, ground, ring, isOnRegions } = this.style;
    const hollow = (flags & LIT) && (flags & MISSING);
    const ringRadius = Math.max(diameter / 2 + 1.5, 3.5);
    const half = Math.ceil(flags & CHOSEN ? ringRadius : diameter / 2) + 1;
    const canvas = Object.assign(document.createElement("canvas"), { width: 2 * half * density, height: 2 * half * density });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(density, density);
    const circle = (/** @type {number} */ radius) => {
      context.beginPath();
      context.arc(half, half, radius, 0, 2 * Math.PI);
    };
    const { colour, share } = this.bodyOf(group, flags);
    context.fillStyle = colour;
    context.globalAlpha = opacity * share;
    circle(diameter / 2);
    context.fill();
    context.globalAlpha = 1;
    context.fillStyle = isOnRegions ? palette[group] : ground;
    circle(Math.max(diameter * 0.27, 1));
    if (hollow) context.fill();
    [context.strokeStyle, context.lineWidth] = [ring, 1.5];
    circle(ringRadius);
    if (flags & CHOSEN) context.stroke();
    return { canvas, half };
  }

  /** @param {number} group @param {number} flags @returns {{colour: string, share: number}} A point's colour, and its share of the opacity. */
  bodyOf(group, flags) {
    const { palette, filteredOut, isOnRegions } = this.style;
    if (!(flags & LIT)) return { colour: filteredOut, share: 1 };
    if (isOnRegions) return { colour: "#000000", share: flags & MISSING ? 1 - FADING.missingOnRegions : 1 };
    const faded = flags & MISSING ? FADING.missing : flags & VERY_FADED ? FADING.veryFaded : flags & FADED ? FADING.faded : 0;
    return { colour: palette[group], share: 1 - faded };
  }
}
