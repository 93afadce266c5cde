/** What plays after a song, and the repeat modes. Pure functions. */

/** @typedef {import("../core/types.js").State["repeat"]} Repeat */

/** @type {Repeat[]} */
const MODES = ["off", "one", "all"];
const LABELS = { off: "Repeat: off (r)", one: "Repeat: this song (r)", all: "Repeat: all (r)" };

/**
 * Decide what plays after a song has ended.
 * @param {object} situation
 * @param {Repeat} situation.repeat
 * @param {boolean} situation.isList Whether the selection plays.
 * @param {boolean} situation.hasNext Whether it has a next song.
 * @returns {"again"|"list"|"neighbours"|"stop"}
 */
export function afterEnd({ repeat, isList, hasNext }) {
  if (repeat === "one") return "again";
  if (isList) return hasNext ? "list" : "stop";
  return repeat === "all" ? "neighbours" : "stop";
}

/** @param {Repeat} repeat @returns {Repeat} The mode after this one: the button goes through all of them. */
export function nextMode(repeat) {
  return MODES[(MODES.indexOf(repeat) + 1) % MODES.length];
}

/** @param {string|null} text As it was stored. @returns {Repeat} */
export function modeOf(text) {
  return MODES.find((mode) => mode === text) ?? "off";
}

/** @param {Repeat} repeat @returns {string} The label of the repeat button. */
export function repeatLabel(repeat) {
  return LABELS[repeat];
}
