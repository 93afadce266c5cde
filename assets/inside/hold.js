/** Recognises that a place is held: pressed for a while, without moving. Needs no page, so that tests can use it. */

/** From this time on, a hint says what holding does; and at this time, the place counts as held. */
export const HINT_MS = 180;
export const HOLD_MS = 500;
/** A pointer that moves farther drags. */
const SLACK_PX = 6;

/**
 * @typedef {object} Hold
 * @property {(x: number, y: number) => void} press @property {(x: number, y: number) => void} move
 * @property {() => void} end The pointer is up, or something else makes the hold end.
 */

/**
 * @param {object} calls
 * @param {() => void} calls.onHint A hint is wanted.
 * @param {() => void} calls.onHold The place was held.
 * @param {() => void} calls.onEnd The hold has ended, in whichever way: the hint goes.
 * @returns {Hold}
 */
export function makeHold({ onHint, onHold, onEnd }) {
  /** @type {{x: number, y: number}|null} */
  let pressed = null;
  /** @type {ReturnType<typeof setTimeout>[]} */
  let timers = [];
  const end = () => {
    if (!pressed) return;
    pressed = null;
    timers.forEach(clearTimeout);
    onEnd();
  };
  const hold = () => {
    end();
    onHold();
  };
  return {
    press(x, y) {
      end();
      pressed = { x, y };
      timers = [setTimeout(onHint, HINT_MS), setTimeout(hold, HOLD_MS)];
    },
    move(x, y) {
      if (pressed && Math.hypot(x - pressed.x, y - pressed.y) > SLACK_PX) end();
    },
    end,
  };
}
