/** Loads the page's scripts into Node. There is no document: only functions that need none can be called. */
import { readFileSync } from "node:fs";
import vm from "node:vm";

const ASSETS = new URL("../../assets/", import.meta.url);

/**
 * Run scripts of the page in one global scope, as <script> tags do.
 * @param {...string} names Without ".js".
 * @returns {object} A new `explorer` with these scripts' parts.
 */
export function load(...names) {
  globalThis.window = globalThis;
  globalThis.explorer = {};
  globalThis.dash_clientside = {};
  // start.js watches the document for the page's parts.
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

/** @returns {number} The next of a sequence of numbers from 0 to 1 that is the same in every run. */
export function makeRandom(seed = 1) {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

/** @returns {boolean} Whether two numbers differ by rounding only. */
export function isNear(one, other, tolerance = 1e-9) {
  return Math.abs(one - other) <= tolerance;
}
