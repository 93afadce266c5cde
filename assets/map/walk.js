/**
 * Moves from song to song: with "next" and "previous" through a song and its neighbours (a walk), or across the map with
 * the arrow keys.
 */

import { play, playUpload, playWithoutSelecting } from "../core/actions.js";
import { announce } from "../core/dom.js";
import { state, update } from "../core/state.js";
import { panIntoView } from "./camera.js";
import { DIRECTIONS, nearestInDirection } from "./directions.js";
import { inTheMiddle } from "./picking.js";

/** Show an uploaded song on the map, and begin a walk at it. @param {import("../core/types.js").UploadedSong} song */
export function beginAtUpload(song) {
  const { neighbours } = song;
  update({
    ...{ upload: song, isUploading: false, selected: null, selectedId: null, neighbours },
    ...{ linesFrom: null, lineEnds: neighbours, walk: [null, ...neighbours.map(({ index }) => index)], walkPosition: 0 },
  });
}

/**
 * Play the next or the previous song of the walk. Songs that cannot be played are skipped.
 * @param {number} by 1 or -1.
 * @param {number} attempts The largest number of songs to try: by default each song once.
 */
export async function step(by, attempts = state.walk.length) {
  const { walk } = state;
  if (walk.length < 2) return;
  const position = (state.walkPosition + by + walk.length) % walk.length;
  update({ walkPosition: position });
  const index = walk[position];
  if (index === null) return playUpload();
  const playing = playWithoutSelecting(index);
  panIntoView(index);
  const isUnplayable = (await playing) === false;
  if (isUnplayable && state.walk === walk && state.walkPosition === position && attempts > 1) step(by, attempts - 1);
}

/** Play a neighbour that was clicked in the panel. The walk continues from there. @param {number} index */
export function goTo(index) {
  update({ walkPosition: Math.max(state.walk.indexOf(index), 0) });
  playWithoutSelecting(index);
  panIntoView(index);
}

/**
 * Play the nearest song in a direction on the map. If no song plays or is selected, play the song in the middle.
 * @param {string} key An arrow key.
 */
export function goTowards(key) {
  const { map } = state;
  if (!map) return;
  const from = state.requested ?? state.selected;
  if (from === null) {
    const first = inTheMiddle();
    if (first !== null) play(first);
    return;
  }
  const next = nearestInDirection(map.places, map.flags, from, DIRECTIONS[key]);
  if (next === null) return announce("There is no song in that direction.");
  play(next);
  panIntoView(next);
}
