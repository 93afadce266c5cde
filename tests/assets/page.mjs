/** Loads the page's scripts into Node. There is no document, so tests can call only functions that need none. */
import { readFileSync } from "node:fs";
import vm from "node:vm";

const ASSETS = new URL("../../assets/", import.meta.url);

/**
 * Run some of the page's scripts in one global scope, as <script> tags do.
 * @param {...string} names Paths under assets/ without ".js".
 * @returns {object} A new `explorer` with the parts that these scripts define.
 */
export function load(...names) {
  globalThis.window = globalThis;
  globalThis.explorer = {};
  globalThis.dash_clientside = {};
  // core/start.js observes the document.
  globalThis.MutationObserver = class {
    observe() {}
  };
  globalThis.document = { documentElement: null };
  for (const name of names) {
    const file = new URL(`${name}.js`, ASSETS);
    vm.runInThisContext(readFileSync(file, "utf8"), { filename: file.pathname });
  }
  return globalThis.explorer;
}

/** @returns {function(): number} A generator of pseudo-random numbers from 0 to 1, the same in every run. */
export function makeRandom(seed = 1) {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

/** @returns {boolean} Whether two numbers differ by no more than the tolerance. */
export function isNear(a, b, tolerance = 1e-9) {
  return Math.abs(a - b) <= tolerance;
}
