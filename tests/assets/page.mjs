/** What several tests of the page's modules use. */

/** @returns {function(): number} A generator of pseudo-random numbers from 0 to 1, the same in every run. */
export function makeRandom(seed = 1) {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

/** @returns {boolean} Whether two numbers differ by no more than the tolerance. */
export function isNear(a, b, tolerance = 1e-9) {
  return Math.abs(a - b) <= tolerance;
}
