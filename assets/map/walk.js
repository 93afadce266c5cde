/**
 * Moves from song to song: with "next" and "previous" through a song and its neighbours (a walk), or across the map with
 * the arrow keys.
 */

import { play, playUpload, playWithoutSelecting } from "../core/actions.js";
import { getNeighbours } from "../core/api.js";
import { announce } from "../core/dom.js";
import { state, update } from "../core/state.js";
import { isHeard, isKnownHeard } from "../sound/heard.js";
import { freeArea, panIntoView, toPixels } from "./camera.js";
import { DIRECTIONS, nearestInDirection } from "./directions.js";
import { nextPosition, nextSong } from "./next_song.js";
import { inTheMiddle } from "./picking.js";
import { matchesFilter, placeOf, shownProjection } from "./songs.js";

/** How many songs that cannot be played `playNearby` tries. */
const MAX_ATTEMPTS = 10;

/** Show an uploaded song on the map, and begin a walk at it. @param {import("../core/types.js").UploadedSong} song */
export function beginAtUpload(song) {
  const { neighbours } = song;
  update({
    ...{ upload: song, isUploading: false, isUploadAside: false, selected: null, selectedId: null, neighbours },
    ...{ linesFrom: null, lineEnds: neighbours, walk: [null, ...neighbours.map(({ index }) => index)], walkPosition: 0 },
  });
}

/** @param {number|null} index Null is the uploaded song. @returns {boolean} Whether "next" and "previous" stop at a song of the walk. */
function isWanted(index) {
  return index === null || matchesFilter(index);
}

/** @param {number} by 1 or -1. @returns {number|null} Where the walk goes; null if no other song of it matches the filter. */
function positionAfter(by) {
  return nextPosition(state.walk, state.walkPosition, by, isWanted);
}

/** @returns {boolean} Whether the walk has another song, or another song on the map matches the filter. */
export function hasStep() {
  return hasPrevious() || (state.song !== null && Number(state.map?.meta.lit) > 1);
}

/** @returns {boolean} Whether the walk has another song that matches the filter. */
export function hasPrevious() {
  return positionAfter(-1) !== null;
}

/**
 * Play the next or the previous song of the walk. Songs that do not match the filter, are hidden or cannot be played are
 * skipped. After the last one, a song plays as at a song's end; if all were heard, the walk begins again.
 * @param {number} by 1 or -1.
 * @param {number} attempts The largest number of songs to try: by default each song once.
 */
export async function step(by, attempts = state.walk.length) {
  const { walk } = state;
  const position = positionAfter(by);
  const isAtEnd = position === null || (by > 0 && position <= state.walkPosition);
  if (by > 0 && isAtEnd && state.song && (await playNearby())) return;
  if (position === null || state.walk !== walk) return;
  update({ walkPosition: position });
  const index = walk[position];
  if (index === null) return playUpload();
  const playing = playWithoutSelecting(index);
  panIntoView(index);
  const isUnplayable = (await playing) === false;
  if (isUnplayable && state.walk === walk && state.walkPosition === position && attempts > 1) step(by, attempts - 1);
}

/**
 * Play a song that sounds like the one in the player, or is near it on the map, and was not heard yet. The walk goes on there.
 * @returns {Promise<boolean>} False if there is none. True also if the user has requested another song meanwhile.
 */
export async function playNearby() {
  const { song, requested } = state;
  const from = placeOf(state.playing);
  /** @type {Set<number>} */
  const tried = new Set();
  while (tried.size < MAX_ATTEMPTS) {
    const index = await chooseNearby(tried);
    if (state.song !== song || (!tried.size && state.requested !== requested)) return true;
    if (index === null) return false;
    lengthenWalk(index);
    const playing = playWithoutSelecting(index);
    // The user may be looking at another part of the map.
    if (from && isInView(from)) panIntoView(index);
    if ((await playing) !== false) return true;
    tried.add(index);
  }
  return false;
}

/** @param {Set<number>} tried Songs that cannot be played. @returns {Promise<number|null>} */
async function chooseNearby(tried) {
  const { playing, upload } = state;
  const similar = playing === null ? (upload?.neighbours ?? []) : await getNeighbours(playing).catch(() => []);
  const neighbours = similar.filter((song) => !song.same_sound && !song.same_recording).map(({ index }) => index);
  const place = playing === null ? (upload?.places[shownProjection() ?? ""] ?? null) : placeOf(playing);
  for (;;) {
    const { map } = state;
    if (!map) return null;
    const skips = (/** @type {number} */ index) => index === playing || tried.has(index) || isKnownHeard(index);
    const index = nextSong({ neighbours, place, map, isHeard: skips });
    if (index === null || !(await isHeard(index))) return index;
  }
}

/**
 * Put a song into the walk, after the song that plays. So "previous" goes back to that song. "Next" goes on in the walk if the
 * song was in it, otherwise to the songs that sound like the new song.
 * @param {number} index
 */
function lengthenWalk(index) {
  const { walk, walkPosition, playing } = state;
  const before = walk.length ? walk.slice(0, walkPosition + 1) : [playing];
  const after = walk.slice(walkPosition + 1);
  const isNew = !after.includes(index);
  const isOther = (/** @type {number|null} */ other) => other !== index;
  const path = [...before.filter(isOther), index];
  const longer = isNew ? path : [...path, ...after.filter(isOther)];
  update({ walk: longer, walkPosition: path.length - 1 });
  if (isNew) followNeighbours(longer, index);
}

/** The songs that sound like the last one of the walk follow it. @param {(number|null)[]} walk @param {number} index */
async function followNeighbours(walk, index) {
  const neighbours = await getNeighbours(index).catch(() => []);
  if (state.walk !== walk) return;
  update({ walk: [...walk, ...neighbours.map((song) => song.index).filter((other) => !walk.includes(other))] });
}

/** @param {number[]} place @returns {boolean} Whether a place on the map is visible. */
function isInView([mapX, mapY]) {
  const { left, right, top, bottom } = freeArea();
  const { x, y } = toPixels(mapX, mapY);
  return x >= left && x <= right && y >= top && y <= bottom;
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
