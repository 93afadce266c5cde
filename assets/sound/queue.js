/** What plays next: after a song has ended, and with "next" and "previous". */

import { announce } from "../core/dom.js";
import { notify } from "../core/notices.js";
import { state, update } from "../core/state.js";
import * as momentWalk from "../inside/moment_walk.js";
import * as walk from "../map/walk.js";
import * as selection from "../panel/selection.js";
import { audioElement } from "./audio.js";
import { forgetHeard } from "./heard.js";
import { start } from "./player.js";
import { afterEnd, modeOf, nextMode, repeatLabel } from "./queue_rules.js";
import { continueIfEarly } from "./recovery.js";

/** If the song has played for longer than this, the "previous" button goes to its start, not to the previous song. */
const RESTART_AFTER_S = 3;

export function mount() {
  setRepeat(modeOf(localStorage.getItem("repeat")));
  audioElement().addEventListener("ended", () => continueIfEarly() || playAfterEnd());
}

/** @returns {boolean} Whether the selection plays. */
export function isListPlaying() {
  return state.chosenPosition !== null;
}

/** Play the next song: of the selection if it plays, of the songs that sound like a moment if one of them plays, otherwise of the walk. */
export function next() {
  if (isListPlaying()) selection.step(1);
  else if (momentWalk.hasStep(1)) momentWalk.step(1);
  else walk.step(1);
}

/** @returns {boolean} Whether "next" plays a song. */
export function hasNext() {
  return isListPlaying() ? state.chosen.length > 1 : momentWalk.hasStep(1) || walk.hasStep();
}

/**
 * Play the previous song. If there is none, go to the start of the song that plays.
 * @param {{restarts?: boolean}} options Whether to go to the start of the song also if it has played for longer than
 *   RESTART_AFTER_S.
 */
export function previous({ restarts = false } = {}) {
  const audio = audioElement();
  if (momentWalk.hasStep(-1)) return void momentWalk.step(-1);
  const isAlone = isListPlaying() ? state.chosen.length < 2 : !walk.hasPrevious();
  if (isAlone || (restarts && audio.currentTime > RESTART_AFTER_S)) audio.currentTime = 0;
  else if (isListPlaying()) selection.step(-1);
  else walk.step(-1);
}

/** @returns {boolean} Whether "previous" does something. */
export function hasPrevious() {
  return state.song !== null;
}

async function playAfterEnd() {
  const { repeat } = state;
  const wraps = repeat === "all";
  const then = afterEnd({ repeat, isList: isListPlaying(), hasNext: selection.hasNext(wraps) });
  if (then === "again") start();
  else if (then === "list") selection.step(1, wraps);
  else if (then === "nearby") goOn();
  else update({ sound: "paused" });
}

/** Play a nearby song that was not heard yet. */
async function goOn() {
  if (await walk.playNearby()) return;
  update({ sound: "paused" });
  const run = () => {
    forgetHeard();
    goOn();
  };
  notify("You have heard all songs that match.", { key: "all-heard", action: { label: "Hear them again", run } });
}

/** Go to the next repeat mode. */
export function changeRepeat() {
  setRepeat(nextMode(state.repeat, isListPlaying()));
  announce(repeatLabel(state.repeat, isListPlaying()));
}

/** @param {import("../core/types.js").State["repeat"]} repeat */
export function setRepeat(repeat) {
  localStorage.setItem("repeat", repeat);
  update({ repeat });
}
