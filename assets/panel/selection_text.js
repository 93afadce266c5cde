/** What the user is told about selections. Pure functions. */

/** @typedef {import("../core/types.js").SelectionNews} SelectionNews */

/** @param {number} count @returns {string} As "1 song" or "1,234 songs". */
export function songCount(count) {
  return `${count.toLocaleString("en")} song${count === 1 ? "" : "s"}`;
}

/**
 * @param {SelectionNews} news @param {string} title Of the song that it is about; empty for none.
 * @returns {string} One sentence.
 */
export function newsText({ kind, count = 0, before = 0, name = "", position = 0 }, title) {
  const selected = count ? `${songCount(count)} selected` : "no song is selected now";
  /** @type {Object<string, string>} */
  const texts = {
    chosen: `${songCount(count)} selected.`,
    "chosen-too": `${songCount(Math.max(count - before, 0))} added: ${selected}.`,
    "chosen-instead": `${songCount(count)} selected instead of ${before.toLocaleString("en")}.`,
    "no-songs": "There is no song inside: the selection stays as it was.",
    added: `“${title}” was added: ${selected}.`,
    removed: `“${title}” was removed: ${selected}.`,
    cleared: `The selection was cleared: ${songCount(before)}.`,
    moved: `“${title}” is number ${position + 1} of ${count.toLocaleString("en")} now.`,
    renamed: `The selection is called “${name}” now.`,
    opened: `“${name}” is open: ${songCount(count)}.`,
    new: "A new selection is open.",
    deleted: `“${name}” was deleted: ${songCount(count)}.`,
    undone: `Undone: “${name}” has ${songCount(count)}.`,
    "undone-back": `Undone: “${name}” is back, with ${songCount(count)}.`,
    "undone-gone": `Undone: “${name}” is gone.`,
    redone: `Redone: “${name}” has ${songCount(count)}.`,
    "redone-back": `Redone: “${name}” is back, with ${songCount(count)}.`,
    "redone-gone": `Redone: “${name}” was deleted.`,
    "nothing-to-undo": "There is no change to undo.",
    "nothing-to-redo": "There is no change to redo.",
    gone: `${songCount(count)} of “${name}” ${count === 1 ? "is" : "are"} not in the library any more.`,
    lost: `The library has changed, and ${songCount(count)} of the selection could not be found again.`,
    "too-large": "A selection of more than 20,000 songs is lost when you close the page.",
    "no-room": "This browser has no room left: the selection is lost when you close the page.",
  };
  return texts[kind];
}

/** @param {{hidden: number, unmapped: number, gone: number}} counts @returns {string} Which songs of the selection are not listed; empty if all are. */
export function notShownText({ hidden, unmapped, gone }) {
  const parts = [
    hidden && `${songCount(hidden)} ${hidden === 1 ? "is" : "are"} hidden on the map`,
    unmapped && `${songCount(unmapped)} ${unmapped === 1 ? "is" : "are"} not on the map yet`,
    gone && `${songCount(gone)} ${gone === 1 ? "is" : "are"} not in the library any more`,
  ].filter(Boolean);
  return parts.length ? `Not listed: ${parts.join(", ")}.` : "";
}
