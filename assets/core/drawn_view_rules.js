/** Whether the map shows what the controls ask for, and which controls differ. Pure functions. */

/** @typedef {import("./types.js").View} View */
/** @typedef {import("./types.js").MapState} MapState */

/**
 * @param {View} view What the controls ask for. @param {MapState|null} map
 * @returns {boolean} Whether the map shows it. The theme, and the state of the library, are no choices of these controls.
 */
export function isDrawn(view, map) {
  return map !== null && Object.keys(changedControls(map.meta.view, view)).length === 0;
}

/**
 * @param {View} from @param {View} to
 * @returns {Object<string, any>} The properties of each control that differs, by the control's id; and "filter" if the filter differs.
 */
export function changedControls(from, to) {
  /** @type {Object<string, any>} */
  const changes = {};
  for (const id of /** @type {const} */ (["projection", "colouring", "clusters"])) {
    if (from[id] !== to[id]) changes[id] = { value: to[id] };
  }
  if (from.fade !== to.fade) changes.fade = { checked: to.fade };
  if (filterKey(from) !== filterKey(to)) changes.filter = to.filter;
  return changes;
}

/** @param {View} view @returns {string} Equal for filters that mean the same. */
function filterKey({ filter }) {
  const { genres = [], clusters = [], artists = [], years = null, duration_s = null, hide = [] } = filter ?? {};
  return JSON.stringify([genres, clusters, artists, years, duration_s, hide]);
}
