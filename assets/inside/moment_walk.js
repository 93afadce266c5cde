/** Plays the moments of the list: a row, and the one after or before it. */

import { playFrom } from "../core/actions.js";
import { state, update } from "../core/state.js";
import { panIntoView } from "../map/camera.js";

/** @param {number} position @returns {{index: number, startS: number}|null} What is at a position of the list; -1 is the moment itself. */
function at(position) {
  const { moment } = state;
  if (!moment || position < 0) return moment;
  const similar = moment.moments[position];
  return similar ? { index: similar.index, startS: similar.start_s } : null;
}

/** @returns {boolean} Whether the song of the list that was played last still plays: then "next" and "previous" go through the list. */
export function isWalking() {
  return state.chosenPosition === null && state.playing !== null && at(state.momentPosition)?.index === state.playing;
}

/** @param {number} by 1 or -1. @returns {boolean} Whether the list plays, and goes on in this direction. */
export function hasStep(by) {
  const position = state.momentPosition + by;
  return isWalking() && position >= -1 && at(position) !== null;
}

/** Play the next or the previous moment of the list. Songs that cannot be played are skipped. @param {number} by 1 or -1. */
export async function step(by) {
  const { moment } = state;
  for (let position = state.momentPosition + by; position >= -1 && at(position); position += by) {
    if ((await playAt(position)) !== false || state.moment !== moment || state.momentPosition !== position) return;
  }
}

/** Play the moment of a row. @param {number} position In the list; -1 is the moment itself. @returns {Promise<boolean|null>} As `playFrom`. */
export async function playAt(position) {
  const moment = at(position);
  if (!moment) return null;
  update({ chosenPosition: null, momentPosition: position });
  const playing = playFrom(moment.index, moment.startS);
  panIntoView(moment.index);
  return playing;
}
