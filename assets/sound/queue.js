/** What plays next: after a song has ended, and with "next" and "previous". */

import { announce } from "../core/dom.js";
import { state, update } from "../core/state.js";
import * as walk from "../map/walk.js";
import * as selection from "../panel/selection.js";
import { audioElement } from "./audio.js";
import { start } from "./player.js";
import { afterEnd, modeOf, nextMode, repeatLabel } from "./queue_rules.js";
import { continueIfEarly } from "./recovery.js";

/** If the song has played for longer than this, the "previous" button goes to its start, not to the previous song. */
const RESTART_AFTER_S = 3;

export function mount() {
  setRepeat(modeOf(localStorage.getItem("repeat")));
  audioElement().addEventListener("ended", () => continueIfEarly() || playAfterEnd());
}

/** Play the next song: of the selection if it plays, otherwise of the walk. */
export function next() {
  step(1);
}

/**
 * Play the previous song.
 * @param {{restarts?: boolean}} options Whether to go to the start of the song instead, if it has played for longer than
 *   RESTART_AFTER_S.
 */
export function previous({ restarts = false } = {}) {
  const audio = audioElement();
  if (restarts && audio.currentTime > RESTART_AFTER_S) audio.currentTime = 0;
  else step(-1);
}

/** @param {1|-1} by */
function step(by) {
  if (state.chosenPosition !== null) selection.step(by);
  else walk.step(by);
}

function playAfterEnd() {
  const { repeat } = state;
  const wraps = repeat === "all";
  const then = afterEnd({ repeat, isList: state.chosenPosition !== null, hasNext: selection.hasNext(wraps) });
  if (then === "again") start();
  else if (then === "list") selection.step(1, wraps);
  else if (then === "neighbours") walk.step(1);
  else update({ sound: "paused" });
}

/** Go to the next repeat mode. */
export function changeRepeat() {
  setRepeat(nextMode(state.repeat));
  announce(repeatLabel(state.repeat));
}

/** @param {import("../core/types.js").State["repeat"]} repeat */
export function setRepeat(repeat) {
  localStorage.setItem("repeat", repeat);
  update({ repeat });
}
