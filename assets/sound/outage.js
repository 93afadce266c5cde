/** The song goes on when the server answers again, if it has stopped because the server did not answer. */

import { NO_ANSWER } from "../core/api.js";
import { state, subscribe, update } from "../core/state.js";
import { audioElement } from "./audio.js";
import * as player from "./player.js";

/** After a longer time, the song is loaded, but it does not play by itself: nobody waits for it any more. */
const PLAYS_WITHIN_MS = 60_000;
let lostAt = 0;

export function mount() {
  subscribe(["serverAnswers"], () => {
    if (state.serverAnswers) goOn();
    else lostAt = performance.now();
  });
}

async function goOn() {
  if (state.message !== NO_ANSWER) return;
  update({ message: "", sound: "paused" });
  const { playing } = state;
  if (playing === null) return;
  const audio = audioElement();
  const position = audio.error ? audio.currentTime : 0;
  const isRecent = performance.now() - lostAt < PLAYS_WITHIN_MS;
  await (isRecent ? player.play(playing) : player.load(playing));
  if (position && state.playing === playing) audio.currentTime = position;
}
