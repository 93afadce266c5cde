/** Which notices are shown, and for how long. Pure functions. */

/** @typedef {import("./types.js").Notice} Notice */

/** More notices would cover the map. */
export const MAX_SHOWN = 3;
const SHOWN_MS = 6000;
/** A notice with a button stays longer: the user must read it and reach the button. */
const SHOWN_WITH_ACTION_MS = 10_000;

/**
 * Add a notice. It replaces an earlier one with the same key, or with the same text if it has no key. If there are too many,
 * the least important one is removed.
 * @param {Notice[]} notices The oldest first. @param {Notice} notice
 * @returns {Notice[]}
 */
export function withNotice(notices, notice) {
  const isReplaced = (/** @type {Notice} */ other) => (notice.key ? other.key === notice.key : !other.key && other.text === notice.text);
  const all = [...notices.filter((other) => !isReplaced(other)), notice];
  if (all.length <= MAX_SHOWN) return all;
  const [least] = all.slice(0, -1).sort((one, other) => importance(one) - importance(other));
  return all.filter((other) => other !== least);
}

/** @param {Notice} notice @returns {number} */
function importance({ kind, action }) {
  if (kind === "wait") return 3;
  if (kind === "error") return 2;
  return action ? 1 : 0;
}

/** @param {Pick<Notice, "kind"|"action"|"stays">} notice @returns {number|null} After how many milliseconds it leaves; null if it stays. */
export function timeShown({ kind, action, stays }) {
  if (stays || kind === "wait" || kind === "error") return null;
  return action ? SHOWN_WITH_ACTION_MS : SHOWN_MS;
}
