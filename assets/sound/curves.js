/** How sounds fade in and out. Pure functions. */

/** How many gains a curve has. */
const POINTS = 32;

/** @returns {Float32Array} The gains for the fade-in of a preview. */
export function fadeInCurve() {
  return curve((progress) => Math.sin((progress * Math.PI) / 2));
}

/**
 * @param {number} fadedIn The finished fraction of the preview's own fade-in, from 0 to 1.
 * @returns {Float32Array} The gains for the fade-out of a preview. Together with `fadeInCurve` they keep the total power
 *   constant.
 */
export function fadeOutCurve(fadedIn) {
  const from = Math.sin((fadedIn * Math.PI) / 2);
  return curve((progress) => from * Math.cos((progress * Math.PI) / 2));
}

/** @param {(progress: number) => number} gainAt */
function curve(gainAt) {
  return Float32Array.from({ length: POINTS }, (_, i) => gainAt(i / (POINTS - 1)));
}

/**
 * @param {number} from @param {number} to Volumes from 0 to 1.
 * @param {number} progress The elapsed fraction of the fade.
 * @returns {number} The song's volume during its fade, from 0 to 1.
 */
export function volumeInFade(from, to, progress) {
  return within01(from + (to - from) * within01(progress));
}

/** @param {number} value */
function within01(value) {
  return Math.min(Math.max(value, 0), 1);
}
