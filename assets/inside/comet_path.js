/** The path of a comet over the map: where it is at a second of the song, and the trail behind it. Pure functions. */

/**
 * @typedef {object} Path Where the seconds of a song would lie.
 * @property {Float32Array} places x0, y0, x1, y1 and so on, in map units. @property {number} stepS Seconds from one place to the next.
 *
 * @typedef {object} Stretch A part of the trail that has one opacity.
 * @property {number[][]} places In map units. @property {number} opacity From 0 to 1.
 */

/** In this time, the trail fades to what remains of it while the song plays. */
const FADE_S = 30;
const STRETCHES = 10;
const [NEW_OPACITY, OLD_OPACITY] = [0.9, 0.16];
/** The trail is drawn through so many places for each one of the path. */
const SUBDIVISION = 5;

/** @param {Path} path @returns {number} */
function countOf({ places }) {
  return Math.floor(places.length / 2);
}

/**
 * A curve through the path's places (a uniform Catmull-Rom spline): the light passes each place at its second, and does not turn abruptly.
 * @param {Path} path @param {number} second
 * @returns {[number, number]|null} In map units; null if the path has no place there.
 */
export function placeAt(path, second) {
  const count = countOf(path);
  if (!count) return null;
  const at = Math.min(Math.max(second / path.stepS, 0), count - 1);
  const before = Math.min(Math.floor(at), Math.max(count - 2, 0));
  const t = at - before;
  const along = (/** @type {0|1} */ axis) => {
    const value = (/** @type {number} */ i) => path.places[2 * Math.min(Math.max(i, 0), count - 1) + axis];
    const [a, b, c, d] = [value(before - 1), value(before), value(before + 1), value(before + 2)];
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  };
  const [x, y] = [along(0), along(1)];
  return Number.isFinite(x) && Number.isFinite(y) ? [x, y] : null;
}

/**
 * @param {Path} path @param {number} second Where the song is.
 * @returns {Stretch[]} The trail from the song's beginning to there, the oldest part first: it fades with its age, but never wholly.
 */
export function trailOf(path, second) {
  const end = Math.min(second, (countOf(path) - 1) * path.stepS);
  if (!(end > 0)) return [];
  /** @type {number[]} The seconds between which the stretches lie. */
  const borders = [0];
  for (let stretch = 0; stretch <= STRETCHES; stretch++) {
    const border = end - FADE_S * (1 - stretch / STRETCHES);
    if (border > 0) borders.push(border);
  }
  return borders.slice(1).map((to, i) => {
    const age = Math.min((end - (borders[i] + to) / 2) / FADE_S, 1);
    return { places: placesBetween(path, borders[i], to), opacity: OLD_OPACITY + (NEW_OPACITY - OLD_OPACITY) * (1 - age) ** 2 };
  });
}

/** @param {Path} path @param {number} from @param {number} to Seconds. @returns {number[][]} */
function placesBetween(path, from, to) {
  const steps = Math.max(1, Math.ceil(((to - from) / path.stepS) * SUBDIVISION));
  const places = Array.from({ length: steps + 1 }, (_, i) => placeAt(path, i < steps ? from + ((to - from) * i) / steps : to));
  return places.filter((place) => place !== null);
}
