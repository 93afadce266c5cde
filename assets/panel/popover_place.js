/** Where the card of a button is drawn. Pure functions. */

/** @typedef {import("../core/types.js").Area} Area */
/** @typedef {{width: number, height: number}} Size In pixels. */

/** Between the card and its button, and between the card and the edge of the window. */
const GAP_PX = 8;

/**
 * @param {Area} button
 * @param {Size} card The size that the card wants.
 * @param {Size} window
 * @returns {{left: number, top: number, height: number}} The card's place below or above its button, where there is more room;
 *   or, if it fits in neither, with the whole height of the window. It never leaves the window; a card that is too high is lower.
 */
export function placeBeside(button, card, window) {
  const below = window.height - button.bottom - 2 * GAP_PX;
  const above = button.top - 2 * GAP_PX;
  const isBelow = card.height <= below || below >= above;
  const height = Math.max(Math.min(card.height, isBelow ? below : above), 0);
  const top = isBelow ? button.bottom + GAP_PX : button.top - GAP_PX - height;
  // The card begins where its button begins, or ends where it ends.
  const wanted = button.left + card.width <= window.width - GAP_PX ? button.left : button.right - card.width;
  const left = Math.max(Math.min(wanted, window.width - GAP_PX - card.width), GAP_PX);
  return { left, top, height };
}
