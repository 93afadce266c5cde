/** Where the playhead is in the song in the player. */

import { state } from "../core/state.js";
import { audioElement } from "../sound/audio.js";

/** @returns {number} The second of the whole song: of a song whose file is missing, the stored preview plays, which is a part of it. */
export function secondNow() {
  return previewStart() + audioElement().currentTime;
}

/** @returns {number} At which second of the song what the player plays begins. */
export function previewStart() {
  const { song } = state;
  return song && "fallback" in song && song.fallback === "preview" ? (song.preview_start_s ?? 0) : 0;
}
