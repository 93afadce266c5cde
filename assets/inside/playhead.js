/** Where the playhead is in the song in the player. */

import { state } from "../core/state.js";
import { audioElement } from "../sound/audio.js";
import { fileStart, nearestInFile } from "../sound/preview_time.js";

/** @returns {number} The second of the whole song: of a song whose file is missing, the stored preview plays, which is a part of it. */
export function secondNow() {
  return previewStart() + audioElement().currentTime;
}

/** @returns {number} At which second of the song what the player plays begins. */
export function previewStart() {
  return fileStart(state.song);
}

/** Move the playhead. Of a preview, it does not leave the seconds that are there. @param {number} seconds Of the whole song. */
export function goToSecond(seconds) {
  const audio = audioElement();
  if (state.song) audio.currentTime = nearestInFile(state.song, seconds, audio.currentTime);
}
