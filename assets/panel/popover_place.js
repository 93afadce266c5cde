/** Where the card of a button is drawn. Pure functions. */

/** @typedef {import("../core/types.js").Area} Area */
/** @typedef {{width: number, height: number}} Size In pixels. */

/** Between the card and its button, and between the card and the edge of the window. */
const GAP_PX = 8;

/**
 * @param {Area} button
 * @param {Size} card The size that the card wants.
 * @param {Area} free Where the card may be. @param {Area} around What the card does not cover: what the button is in.
 * @returns {{left: number, top: number, height: number}} The card's place below or above its button, where there is more room;
 *   if it fits in neither, on the left or the right, if it is higher there. A card that is too high is lower.
 */
export function placeBeside(button, card, free, around = button) {
  const below = free.bottom - around.bottom - 2 * GAP_PX;
  const above = around.top - free.top - 2 * GAP_PX;
  const most = Math.max(below, above);
  const whole = free.bottom - free.top - 2 * GAP_PX;
  const [onLeft, onRight] = [around.left - free.left, free.right - around.right].map((room) => card.width <= room - 2 * GAP_PX);
  if (card.height > most && whole > most && (onLeft || onRight)) {
    const height = Math.min(card.height, whole);
    const left = onLeft ? around.left - GAP_PX - card.width : around.right + GAP_PX;
    return { left, top: Math.max(Math.min(around.bottom, free.bottom - GAP_PX) - height, free.top + GAP_PX), height };
  }
  const isBelow = card.height <= below || below >= above;
  const height = Math.max(Math.min(card.height, isBelow ? below : above), 0);
  const top = isBelow ? around.bottom + GAP_PX : around.top - GAP_PX - height;
  // The card begins where its button begins, or ends where it ends.
  const wanted = button.left + card.width <= free.right - GAP_PX ? button.left : button.right - card.width;
  const left = Math.max(Math.min(wanted, free.right - GAP_PX - card.width), free.left + GAP_PX);
  return { left, top, height };
}
