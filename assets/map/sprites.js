/** Pictures of points, pixel by pixel. Pure functions. */

/**
 * @typedef {object} PointLook How a point looks. Lengths are canvas pixels; colours are red, green and blue from 0 to 1.
 * @property {number[]} colour @property {number} opacity
 * @property {number} radius
 * @property {{colour: number[], opacity: number, radius: number}|null} centre A smaller disc in the middle.
 * @property {{colour: number[], opacity: number, radius: number, width: number}|null} ring
 *
 * @typedef {object} Picture The pixels of a point that are not transparent.
 * @property {Int32Array} colours Their bytes are red, green, blue and opacity; the colours are multiplied by the opacity.
 * @property {Int32Array} right @property {Int32Array} down How far they are from the pixel in which the point's centre lies.
 * @property {Int32Array} offsets The same in the picture that is drawn into, as one number.
 *
 * @typedef {object} Sprite
 * @property {number} reach How many pixels it extends in each direction.
 * @property {Picture[]} pictures One for each part of a pixel in which the point's centre can lie: row by row, `PARTS` in each
 *   direction.
 */

/** A pixel is divided into so many parts in each direction: a point is at most 1/8 pixel from its place. */
export const PARTS = 4;

/** @param {PointLook} look @param {number} width Of the picture that is drawn into. @returns {Sprite} */
export function makeSprite(look, width) {
  const radius = look.ring ? Math.max(look.ring.radius + look.ring.width / 2, look.radius) : look.radius;
  // A pixel counts if any of it is inside. The centre is at most 1/2 - 1/8 pixel from the middle of its pixel.
  const reach = Math.ceil(radius + 1 - 0.5 / PARTS) - 1;
  const pictures = [];
  for (let row = 0; row < PARTS; row++) for (let column = 0; column < PARTS; column++) pictures.push(picture(look, reach, width, column, row));
  return { reach, pictures };
}

/** @param {PointLook} look @param {number} reach @param {number} width @param {number} column @param {number} row @returns {Picture} */
function picture(look, reach, width, column, row) {
  const [centreX, centreY] = [column, row].map((part) => (part + 0.5) / PARTS - 0.5);
  /** @type {number[][]} */
  const pixels = [];
  for (let down = -reach; down <= reach; down++) {
    for (let right = -reach; right <= reach; right++) {
      const colour = pixel(look, Math.hypot(right - centreX, down - centreY));
      if (colour) pixels.push([colour, right, down, down * width + right]);
    }
  }
  const [colours, right, down, offsets] = [0, 1, 2, 3].map((i) => Int32Array.from(pixels, (values) => values[i]));
  return { colours, right, down, offsets };
}

/** @param {PointLook} look @param {number} distance From the point's centre. @returns {number} As in `Picture`. */
function pixel({ colour, opacity, radius, centre, ring }, distance) {
  let result = over([0, 0, 0, 0], colour, opacity * covered(radius - distance));
  if (centre) result = over(result, centre.colour, centre.opacity * covered(centre.radius - distance));
  if (ring) result = over(result, ring.colour, ring.opacity * covered(ring.width / 2 - Math.abs(distance - ring.radius)));
  const alpha = Math.round(255 * result[3]);
  if (!alpha) return 0;
  // With the rounded opacity, the hue of a faint point stays what it is.
  const [red, green, blue] = result.map((value) => Math.round((alpha * value) / result[3]));
  return (alpha << 24) | (blue << 16) | (green << 8) | red;
}

/** @param {number} inside How far a pixel's middle is inside of an edge. @returns {number} The share of the pixel that is inside. */
function covered(inside) {
  return Math.min(Math.max(inside + 0.5, 0), 1);
}

/** @param {number[]} below Multiplied by its opacity. @param {number[]} colour @param {number} opacity @returns {number[]} */
function over(below, colour, opacity) {
  return below.map((value, i) => value * (1 - opacity) + (i < 3 ? colour[i] : 1) * opacity);
}

/**
 * Draw a point over what a picture shows.
 * @param {Int32Array} pixels The picture's, as in `Picture`. @param {number} width @param {number} height
 * @param {Sprite} sprite @param {number} x @param {number} y The point's centre.
 */
export function drawSprite(pixels, width, height, { reach, pictures }, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  if (!(left >= -reach && top >= -reach && left < width + reach && top < height + reach)) return;
  const { colours, right, down, offsets } = pictures[Math.floor((y - top) * PARTS) * PARTS + Math.floor((x - left) * PARTS)];
  const isInside = left >= reach && top >= reach && left < width - reach && top < height - reach;
  const centre = top * width + left;
  for (let i = 0; i < offsets.length; i++) {
    if (!isInside && !(left + right[i] >= 0 && left + right[i] < width && top + down[i] >= 0 && top + down[i] < height)) continue;
    const above = colours[i];
    const below = pixels[centre + offsets[i]];
    const rest = 256 - (above >>> 24);
    // Two bytes are multiplied at once: red and blue, then green and opacity.
    const redBlue = (((below & 0xff00ff) * rest) >>> 8) & 0xff00ff;
    const greenAlpha = (((below >>> 8) & 0xff00ff) * rest) & 0xff00ff00;
    pixels[centre + offsets[i]] = above + (redBlue | greenAlpha);
  }
}

/** Divide colours by their opacity, as a canvas expects them. @param {Int32Array} pixels Changed in place. */
export function unmultiply(pixels) {
  for (let i = 0; i < pixels.length; i++) {
    const pixel = pixels[i];
    if (!pixel) continue;
    const alpha = pixel >>> 24;
    if (alpha === 255) continue;
    const factor = FACTORS[alpha];
    // A rounded colour can be larger than its opacity.
    const red = Math.min(((pixel & 255) * factor + HALF) >>> 16, 255);
    const green = Math.min((((pixel >>> 8) & 255) * factor + HALF) >>> 16, 255);
    const blue = Math.min((((pixel >>> 16) & 255) * factor + HALF) >>> 16, 255);
    pixels[i] = (alpha << 24) | (blue << 16) | (green << 8) | red;
  }
}

/** 255 divided by each opacity, times 65,536. */
const FACTORS = Uint32Array.from({ length: 256 }, (_, alpha) => (alpha ? Math.round((255 * 65536) / alpha) : 0));
const HALF = 32768;
