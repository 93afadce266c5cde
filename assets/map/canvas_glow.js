/**
 * The glow below the points, drawn by the processor. As in glow.js, each song adds its colour to one pixel of a small picture,
 * a blur spreads it, and the sums become colours. Three box blurs are nearly a Gaussian blur.
 */

import { inMemory } from "../core/dom.js";
import { MAX_SPREAD } from "./point_style.js";

/** @typedef {import("./point_style.js").Glow} GlowStyle */
/** @typedef {import("./point_style.js").PointsView} PointsView */

/** How far each box reaches, in pixels. Together, their standard deviation is SIGMA, and their reach REACH. */
const BOXES = [1, 2, 2];
const SIGMA = Math.sqrt(BOXES.reduce((sum, reach) => sum + ((2 * reach + 1) ** 2 - 1) / 12, 0));
const REACH = BOXES.reduce((sum, reach) => sum + reach, 0);
export class CanvasGlow {
  constructor() {
    this.context = inMemory(document.createElement("canvas"));
    /** CSS pixels per pixel of the small picture. */
    this.pixel = 1;
    /** Of each pixel: red, green, blue, and the number of songs. @type {Float32Array} */
    this.sums = new Float32Array(0);
    /** For the blur. */
    this.spare = new Float32Array(0);
    this.width = this.height = 0;
  }

  /** Begin a new picture. @param {PointsView} view @param {GlowStyle} style */
  begin(view, style) {
    this.pixel = style.sigma_px / SIGMA;
    [this.width, this.height] = [view.width, view.height].map((side) => Math.ceil(side / this.pixel) + 2 * REACH);
    const length = 4 * this.width * this.height;
    if (this.sums.length === length) this.sums.fill(0);
    else Object.assign(this, { sums: new Float32Array(length), spare: new Float32Array(length) });
  }

  /**
   * Add songs to the picture.
   * @param {PointsView} view
   * @param {{places: Float32Array, kinds: Uint16Array}} songs As in canvas_points.js.
   * @param {[number, number]} range Of the songs.
   * @param {Float32Array} colours Red, green and blue by colour number. @param {Float32Array} weights By flags.
   */
  add(view, { places, kinds }, [first, end], colours, weights) {
    const { width, height } = this;
    const isSpread = kinds.length <= MAX_SPREAD;
    const perUnit = 1 / (view.unitsPerPixel * this.pixel);
    for (let i = first; i < end; i++) {
      const x = (places[2 * i] - view.left) * perUnit + REACH;
      const y = (view.top - places[2 * i + 1]) * perUnit + REACH;
      if (!(x >= 1 && y >= 1 && x < width - 1 && y < height - 1)) continue;
      const colour = 3 * (kinds[i] & 255);
      const weight = weights[kinds[i] >> 8];
      if (!isSpread) {
        this.addTo(Math.floor(x), Math.floor(y), colours, colour, weight);
        continue;
      }
      const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
      const [right, below] = [x - 0.5 - left, y - 0.5 - top];
      this.addTo(left, top, colours, colour, weight * (1 - right) * (1 - below));
      this.addTo(left + 1, top, colours, colour, weight * right * (1 - below));
      this.addTo(left, top + 1, colours, colour, weight * (1 - right) * below);
      this.addTo(left + 1, top + 1, colours, colour, weight * right * below);
    }
  }

  /** @param {number} x @param {number} y @param {Float32Array} colours @param {number} colour @param {number} weight */
  addTo(x, y, colours, colour, weight) {
    const { sums } = this;
    const at = 4 * (y * this.width + x);
    sums[at] += colours[colour] * weight;
    sums[at + 1] += colours[colour + 1] * weight;
    sums[at + 2] += colours[colour + 2] * weight;
    sums[at + 3] += weight;
  }

  /**
   * Blur the picture and draw it.
   * @param {CanvasRenderingContext2D} target @param {PointsView} view @param {GlowStyle} style
   * @param {number} share Of the songs that were added, from 0 to 1.
   */
  finish(target, view, style, share) {
    const { context: { canvas }, pixel, width, height } = this;
    // After an even number of exchanges, the result is where it began.
    for (const reach of BOXES) {
      boxBlur(this.sums, this.spare, width, height, reach);
      boxBlur(this.spare, this.sums, height, width, reach);
    }
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    colourPixels(image.data, this.sums, (style.strength * 2 * Math.PI * SIGMA ** 2) / share, style.maxOpacity);
    this.context.putImageData(image, 0, 0);
    target.drawImage(canvas, REACH, REACH, view.width / pixel, view.height / pixel, 0, 0, target.canvas.width, target.canvas.height);
  }
}

/**
 * Blur each row, and exchange rows and columns.
 * @param {Float32Array} from @param {Float32Array} to @param {number} width @param {number} height Of `from`.
 * @param {number} reach The pixels on each side that count.
 */
function boxBlur(from, to, width, height, reach) {
  const part = 1 / (2 * reach + 1);
  for (let y = 0; y < height; y++) {
    const row = 4 * y * width;
    let [red, green, blue, count] = [0, 0, 0, 0];
    for (let x = -reach; x < width; x++) {
      const enters = row + 4 * (x + reach);
      if (x + reach < width) {
        red += from[enters];
        green += from[enters + 1];
        blue += from[enters + 2];
        count += from[enters + 3];
      }
      const leaves = row + 4 * (x - reach - 1);
      if (x > reach) {
        red -= from[leaves];
        green -= from[leaves + 1];
        blue -= from[leaves + 2];
        count -= from[leaves + 3];
      }
      if (x < 0) continue;
      const result = 4 * (x * height + y);
      to[result] = red * part;
      to[result + 1] = green * part;
      to[result + 2] = blue * part;
      to[result + 3] = count * part;
    }
  }
}

/**
 * From sums to colours. A mixture of two hues is paler than both: it gets back some of its saturation, and glows less.
 * @param {Uint8ClampedArray} bytes The colours: red, green, blue and opacity. @param {Float32Array} sums
 * @param {number} strength How fast the glow becomes opaque with the number of songs. @param {number} maxOpacity
 */
function colourPixels(bytes, sums, strength, maxOpacity) {
  for (let i = 0; i < sums.length; i += 4) {
    const count = sums[i + 3];
    if (count * strength < 1e-3) continue;
    const [red, green, blue] = [sums[i] / count, sums[i + 1] / count, sums[i + 2] / count];
    const chroma = Math.max(red, green, blue) - Math.min(red, green, blue);
    const grey = 0.3 * red + 0.59 * green + 0.11 * blue;
    const saturation = Math.min(Math.max(0.45 / Math.max(chroma, 1e-3), 1), 1.6);
    const step = Math.min(chroma / 0.3, 1);
    const clear = 0.65 + 0.35 * step * step * (3 - 2 * step);
    bytes[i] = 255 * (grey + (red - grey) * saturation);
    bytes[i + 1] = 255 * (grey + (green - grey) * saturation);
    bytes[i + 2] = 255 * (grey + (blue - grey) * saturation);
    bytes[i + 3] = 255 * maxOpacity * clear * (1 - Math.exp(-strength * count));
  }
}
