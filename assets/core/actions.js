/** What the user does with songs: play and select them. Several parts of the page call these functions. */

import { flyTo, panIntoView } from "../map/camera.js";
import { firstSong } from "../map/next_song.js";
import { audioElement } from "../sound/audio.js";
import * as hover from "../sound/hover.js";
import * as player from "../sound/player.js";
import { getJson, getNeighbours, getSong, indexOf } from "./api.js";
import { notify } from "./notices.js";
import { state, subscribe, update } from "./state.js";

/** The id of the song in the address, while there is no map yet. @type {string|null} */
let requestedId = null;
/** The id of the selected song on the map before, until a new map is drawn. @type {string|null} */
let selectedId = null;
/** What was drawn before: the map, and the files that are missing or hidden. */
let drawn = { revision: -1, files: "" };

export function mount() {
  subscribe(["selectedId"], (changed) => changed.has("map") || (selectedId = state.selectedId));
  subscribe(["map"], followMap);
  subscribe(["serverAnswers"], () => state.serverAnswers && !state.neighbours.length && loadSelected({ isNew: false }));
}

/** Play a song and select it. @param {number} index */
export function play(index) {
  const { chosenPosition } = state;
  update({ chosenPosition: null });
  // If the song cannot be played, the list of selected songs continues at its old position.
  playWithoutSelecting(index).then((isPlayed) => isPlayed === false && state.chosenPosition === null && update({ chosenPosition }));
  // Start the sound before the page changes.
  requestAnimationFrame(() => state.requested === index && select(index));
}

/**
 * Play a song and mark it on the map. The selected song and its panel do not change.
 * @param {number} index
 * @returns {Promise<boolean|null>} As `play` in sound/player.js: false if there is nothing to play.
 */
export function playWithoutSelecting(index) {
  hover.stop();
  return player.play(index);
}

/**
 * Play a song from a second. The selected song and its panel do not change. If the song plays already, it goes there.
 * @param {number} index @param {number} seconds
 * @returns {Promise<boolean|null>} As `play` in sound/player.js.
 */
export function playFrom(index, seconds) {
  hover.stop();
  const position = state.walk.indexOf(index);
  // Another song is not the one of the list of selected songs.
  if (index !== state.playing) update({ chosenPosition: null, ...(position >= 0 && { walkPosition: position }) });
  return player.playFrom(index, seconds);
}

/** Play a song that shows what the library is like. */
export function playSomething() {
  if (!state.map) return;
  const index = firstSong(state.map);
  if (index === null) return void notify("No songs match these filters.", { key: "no-match" });
  play(index);
  panIntoView(index);
}

/**
 * What Space and the Play button do. If something sounds, it becomes silent: a preview stops, and the song that is paused for it
 * stays paused. Otherwise the song in the player plays; if there is none, another song.
 */
export function playOrPause() {
  if (state.previewed !== null) {
    hover.silence();
    player.pause();
  } else if (state.song || state.playing !== null) player.toggle();
  else playSomething();
}

/** Play the uploaded song. */
export function playUpload() {
  if (!state.upload) return;
  hover.stop();
  update({ chosenPosition: null, walkPosition: 0 });
  player.playUpload(state.upload, `uploads/${state.upload.token}/audio`);
}

/** Select a song: show it and its neighbours, but do not play it. @param {number|null} index Null selects nothing. */
export function select(index) {
  update({
    ...{ selected: index, selections: state.selections + 1, neighbours: [], upload: null, isUploadAside: state.isUploading },
    ...{ linesFrom: index, lineEnds: [], walk: index === null ? [] : [index], walkPosition: 0 },
    ...(index === null && { selectedId: null }),
  });
  loadSelected({ isNew: true });
}

/** Show a song and its neighbours, and its point on the map; what plays goes on. @param {number} index */
export function explore(index) {
  select(index);
  panIntoView(index);
}

/**
 * Load the selected song and its neighbours.
 * @param {{isNew: boolean}} options False to load them again, after files changed, the user hid songs, or on a new map: if that
 *   fails, nothing changes.
 */
async function loadSelected({ isNew }) {
  const { selected, selections } = state;
  if (selected === null) return;
  const [song, loaded] = await Promise.all([getSong(selected).catch(() => null), getNeighbours(selected).catch(() => null)]);
  if (state.selected !== selected || state.selections !== selections || (!isNew && !(song && loaded))) return;
  const neighbours = loaded ?? [];
  const current = state.walk[state.walkPosition] ?? selected;
  const walk = [selected, ...neighbours.map(({ index }) => index)];
  update({
    ...{ selectedId: song?.id ?? null, neighbours },
    // A walk that has gone on elsewhere stays.
    ...((isNew || walk.includes(current)) && { walk, walkPosition: Math.max(walk.indexOf(current), 0) }),
    ...(state.linesFrom === selected && { lineEnds: neighbours }),
  });
}

/** Move the map to a song and play it. @param {number} index */
export function flyToAndPlay(index) {
  flyTo(index);
  play(index);
}

/** Play a song of the library, which need not be on the map yet. @param {string} id */
export async function findAndPlay(id) {
  try {
    const index = await indexOf(id);
    if (index !== null) return flyToAndPlay(index);
    const song = await getJson(`unmapped/${encodeURIComponent(id)}`);
    select(null);
    update({ chosenPosition: null });
    hover.stop();
    await player.playUnmapped(song);
  } catch (error) {
    update({ message: /** @type {Error} */ (error).message });
  }
}

/**
 * Show the song whose id is in the address. It plays only if another song already plays: a browser allows sound only
 * after a click or a key press.
 * @param {string|null} id
 */
export async function openSong(id) {
  if (id === state.selectedId) return;
  if (!state.map) {
    requestedId = id;
    return;
  }
  if (id === null) return select(null);
  const index = await indexOf(id).catch(() => null);
  if (index === null) return update({ message: "The song in this address is not on the map." });
  if (!audioElement().paused) return play(index);
  select(index);
  player.load(index);
}

/** Another map, or other files are missing or hidden: show what the selected song has now. */
function followMap() {
  if (!state.map) return;
  const { revision, changes, hide } = state.map.meta;
  const before = drawn;
  drawn = { revision, files: `${changes} ${hide}` };
  const id = requestedId;
  requestedId = null;
  if (id !== null) openSong(id);
  if (before.revision !== revision && !state.moved) findSelected();
  else if (before.revision !== revision || before.files !== drawn.files) loadSelected({ isNew: false });
}

/** The songs have other indices: select the song with the same id. */
async function findSelected() {
  if (selectedId === null) return;
  const { selections } = state;
  const index = await indexOf(selectedId).catch(() => null);
  if (state.selections === selections) select(index);
}
