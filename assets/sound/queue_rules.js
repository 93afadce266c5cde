/** What plays after a song, and the modes of the button that sets it. Pure functions. */

/** @typedef {import("../core/types.js").State["repeat"]} Repeat */

/**
 * "on": nearby songs; the next song of the selection if it plays, which stops at its end. "all": as "on", but the selection
 * begins again. "one": the same song. "stop": nothing.
 * @type {Repeat[]}
 */
const MODES = ["on", "all", "one", "stop"];
const LABELS = {
  on: "Go on with nearby songs (r)",
  all: "Repeat the selection (r)",
  one: "Repeat this song (r)",
  stop: "Stop after this song (r)",
};
const LABEL_IN_LIST = "Play the selection to its end (r)";

/**
 * Decide what plays after a song has ended.
 * @param {object} situation
 * @param {Repeat} situation.repeat
 * @param {boolean} situation.isList Whether the selection plays.
 * @param {boolean} situation.hasNext Whether it has a next song.
 * @returns {"again"|"list"|"nearby"|"stop"}
 */
export function afterEnd({ repeat, isList, hasNext }) {
  if (repeat === "one") return "again";
  if (repeat === "stop") return "stop";
  if (isList) return hasNext ? "list" : "stop";
  return "nearby";
}

/** @param {Repeat} repeat @param {boolean} isList Whether the selection plays. @returns {Repeat} The mode as it works now: only a selection can begin again. */
export function modeNow(repeat, isList) {
  return repeat === "all" && !isList ? "on" : repeat;
}

/** @param {Repeat} repeat @param {boolean} isList Whether the selection plays. @returns {Repeat} The mode after this one: the button goes through all of them. */
export function nextMode(repeat, isList) {
  const modes = MODES.filter((mode) => isList || mode !== "all");
  return modes[(modes.indexOf(modeNow(repeat, isList)) + 1) % modes.length];
}

/** @param {string|null} text As it was stored. @returns {Repeat} */
export function modeOf(text) {
  return MODES.find((mode) => mode === text) ?? "on";
}

/** @param {Repeat} repeat @param {boolean} isList Whether the selection plays. @returns {string} The label of the button. */
export function repeatLabel(repeat, isList) {
  return isList && repeat === "on" ? LABEL_IN_LIST : LABELS[modeNow(repeat, isList)];
}
