/** A document with a map frame and no cards, for tests of modules that ask for the frame's size. */

/** The frame's size. The middle of its free area is at (500, 404), because only the top has an additional margin. */
export const SIZE = { width: 1000, height: 800 };

/** A viewport with which a map unit is a pixel, and the frame's top left corner is (0, 0) on the map. */
export const PIXELS = { x: 500, y: -404, scale: 1 };

/** An element that accepts everything. */
export function fakeElement(attributes = {}) {
  const classList = { add() {}, remove() {}, toggle() {} };
  return { classList, dataset: {}, style: { setProperty() {} }, addEventListener() {}, setAttribute() {}, focus() {}, ...attributes };
}

/** Define `document`. @param {Object<string, object>} elements By id; any other element exists, too. */
export function makeDocument(elements = {}) {
  const made = { "map-frame": fakeElement({ clientWidth: SIZE.width, clientHeight: SIZE.height }), ...elements };
  const getElementById = (id) => (id === "notice" ? null : (made[id] ??= fakeElement()));
  globalThis.document = { getElementById, querySelector: () => null, addEventListener() {} };
}

/**
 * @param {number[][]} points Their places.
 * @param {object} [options]
 * @param {number[]} [options.filteredOut] @param {number[]} [options.hidden] Indices.
 * @returns {object} A map for the state.
 */
export function makeMap(points, { filteredOut = [], hidden = [], ...meta } = {}) {
  const flags = Uint8Array.from(points, (_, i) => (filteredOut.includes(i) ? 0 : 1) | (hidden.includes(i) ? 2 : 0));
  const bounds = [-1, 1, -1, 1];
  return {
    meta: { revision: 1, projection: "tsne", changes: "", hide: [], bounds, names: [], regions: null, colours: ["#123456"], ...meta },
    count: points.length,
    places: Float32Array.from(points.flat()),
    groups: new Uint8Array(points.length),
    flags,
  };
}
