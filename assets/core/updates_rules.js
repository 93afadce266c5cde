/** Decides what the page does about the newest state of the library. Pure functions. */

/** @typedef {import("./progress_text.js").IndexRun} IndexRun */

export const POLL_MS = 10_000;
/** While a map fills or the first one is made. */
export const FAST_POLL_MS = 2000;

/**
 * @param {{index: IndexRun|null}} latest
 * @param {string} [noticeKind] The kind of the notice in place of the map, if there is one.
 * @returns {number} When to ask again, in milliseconds.
 */
export function pauseAfter({ index }, noticeKind) {
  const isFilling = noticeKind === "listening" || (index && index.stage !== "full");
  return isFilling ? FAST_POLL_MS : POLL_MS;
}

/**
 * @param {{kind: string|undefined, revision: number}} notice What the page shows in place of the map, and the revision of the library then.
 * @param {{revision: number, songs: number, index: IndexRun|null, problem: string}} latest
 * @returns {boolean} Whether the page would show something else now.
 */
export function isNoticeOutdated({ kind, revision }, { revision: newest, songs, index, problem }) {
  if (newest !== revision && songs > 0) return true;
  if (kind === "listening") return !index;
  return kind === "empty" && Boolean(index || problem);
}

/**
 * @param {object} maps
 * @param {number|null} maps.before How many songs the map before had; null if there was none.
 * @param {number} maps.now How many the new one has.
 * @param {boolean} maps.isFirstLook Whether the map fills during a first look: then the page tells how far that is.
 * @returns {string} What screen readers say about a new map; empty for nothing.
 */
export function additions({ before, now, isFirstLook }) {
  const added = before === null || isFirstLook ? 0 : now - before;
  if (added <= 0) return "";
  return added === 1 ? "1 new song is on the map" : `${added.toLocaleString("en")} new songs are on the map`;
}

/** If nothing is known of the new map after this time, the page does not wait for it any longer. */
const MAX_WAIT_MS = 30_000;

/**
 * Whether the page still waits for the new songs that the user wants on the map.
 * @param {object} wait
 * @param {number} wait.asked The revision of the map that was drawn when the user asked.
 * @param {number} wait.shown That of the map that is drawn now. @param {number} wait.newest That of the server's map.
 * @param {string|undefined} wait.phase Of the process that makes the map; "asked" until the server has told of it.
 * @param {number} wait.elapsedMs Since the user asked.
 * @returns {boolean}
 */
export function isAdding({ asked, shown, newest, phase, elapsedMs }) {
  if (shown !== asked || phase === "failed" || phase === "cancelled") return false;
  if (phase === "running") return true;
  // The map is being drawn, or the process has not begun.
  return elapsedMs < MAX_WAIT_MS && (newest !== shown || phase === "asked");
}

/**
 * @param {object} update
 * @param {number} update.newCount How many songs the page does not show yet.
 * @param {boolean} update.isNewMap Whether the server already has a newer map.
 * @param {string} update.problem Why the map could not be drawn; empty if it could.
 * @returns {{text: string, buttonLabel: string}}
 */
export function describe({ newCount, isNewMap, problem }) {
  const count = `${newCount.toLocaleString("en")} new song${newCount === 1 ? "" : "s"}`;
  const summary = newCount <= 0 ? "The map has changed" : isNewMap ? `${count} on the map` : count;
  return { text: (!isNewMap && problem) || summary, buttonLabel: isNewMap ? "Show" : "Add to the map" };
}
