/** Lets the user hold a place of a picture of a song, with a mouse, a pen or a finger. */

import { element } from "../core/dom.js";
import { formatTime } from "../core/text.js";
import { makeHold } from "./hold.js";

/**
 * @param {HTMLElement} picture It shows a hint while it is held.
 * @param {object} calls
 * @param {(event: PointerEvent) => boolean} calls.press The picture is pressed: it answers whether its places can be held now.
 * @param {() => number} calls.second The second of the song at the place that is pressed.
 * @param {(second: number) => void} calls.onHold The place was held. The click that follows is dropped.
 */
export function watchPlaces(picture, { press, second, onHold }) {
  const hint = element("span", "moment-hint", null, { "aria-hidden": "true", hidden: "" });
  picture.append(hint);
  let x = 0;
  let isHeld = false;
  const hold = makeHold({
    onHint: () => {
      hint.textContent = `Hold to find songs that sound like ${formatTime(second())}`;
      hint.hidden = false;
      // The hint stays within the picture.
      const half = hint.offsetWidth / 2;
      hint.style.left = `${Math.min(Math.max(x, half), Math.max(picture.clientWidth - half, half))}px`;
    },
    onHold: () => {
      isHeld = true;
      onHold(second());
    },
    onEnd: () => (hint.hidden = true),
  });
  picture.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    isHeld = false;
    if (event.button !== 0 || !press(event)) return;
    x = event.clientX - picture.getBoundingClientRect().left;
    hold.press(event.clientX, event.clientY);
  });
  const dropClick = (/** @type {Event} */ event) => {
    if (isHeld) event.stopImmediatePropagation();
    isHeld = false;
  };
  picture.addEventListener("click", dropClick, { capture: true });
  // A finger that is held opens the browser's menu.
  picture.addEventListener("contextmenu", (event) => /** @type {PointerEvent} */ (event).pointerType === "touch" && event.preventDefault());
  window.addEventListener("pointermove", ({ clientX, clientY }) => hold.move(clientX, clientY));
  for (const kind of ["pointerup", "pointercancel", "blur"]) window.addEventListener(kind, hold.end);
}
