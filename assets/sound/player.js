/** The player: puts songs into the audio element, and says in the state what plays. */

import { getSong, indexOf } from "../core/api.js";
import { announce } from "../core/dom.js";
import { notify } from "../core/notices.js";
import { state, subscribe, update } from "../core/state.js";
import { missingText } from "../core/text.js";
import { audioElement, endPreviewPause, isPausedForPreview, showError, start, stayPaused } from "./audio.js";
import { fileOf, idOf } from "./files.js";
import { onlyPreviewText, secondInFile } from "./preview_time.js";
import { listen, putFile } from "./recovery.js";

export { isPlaying, pauseForPreview, resumeAfterPreview, seekBy, seekTo, setVolume, start, toggleMute } from "./audio.js";

/** @typedef {import("../core/types.js").Song} Song */
/** @typedef {import("../core/types.js").UploadedSong} UploadedSong */

/** The index of the song that the audio element contains. @type {number|null} */
let loadedIndex = null;
/** The newest request for a song; answers to earlier ones are ignored. */
let newest = Symbol("request");
/** The revision of the map that `loadedIndex` is valid for. @type {number|null} */
let revision = null;

export function mount() {
  listen();
  subscribe(["map"], followMap);
}

/**
 * Play a song from its start.
 * @param {number} index
 * @returns {Promise<boolean|null>} True if it was started; false if its file is missing and no preview or copy of it
 *   exists; null if another song was requested in the meantime, or the server returned an error.
 */
export function play(index) {
  return request(index, true);
}

/**
 * Play a song from a second. The song in the player goes there without being loaded again.
 * @param {number} index @param {number} seconds
 * @returns {Promise<boolean|null>} As `play`; false also if only a preview of the song is there that does not have this second.
 */
export async function playFrom(index, seconds) {
  const audio = audioElement();
  if (index !== loadedIndex || index !== state.playing || !state.song || audio.error) return request(index, true, seconds);
  const inFile = secondInFile(state.song, seconds);
  if (inFile === null) return refuse(state.song);
  audio.currentTime = inFile;
  if (audio.paused) await start();
  return true;
}

/** The preview of a song does not have the second that the user wants. @param {Song|UploadedSong} song @returns {false} */
function refuse(song) {
  notify(onlyPreviewText(song), { key: "fallback" });
  return false;
}

/**
 * Load a song into the audio element, but do not play it.
 * @param {number} index
 * @returns {Promise<boolean|null>} As `play`.
 */
export function load(index) {
  return request(index, false);
}

/**
 * @param {number} index @param {boolean} plays @param {number|null} [seconds] Where in the song it begins; null for the start of its file.
 * @returns {Promise<boolean|null>}
 */
async function request(index, plays, seconds = null) {
  const mine = (newest = Symbol("request"));
  try {
    // First the request, then the page.
    const answer = getSong(index);
    update({ playing: index, requested: index, message: "" });
    const song = await answer;
    // Not the index: the map may have grown meanwhile, and the song has another one.
    if (newest !== mine) return null;
    const put = putSong(song, plays, seconds);
    // A map came meanwhile, and nobody knows the song's index on it.
    if (state.playing === null) findIndex();
    return await put;
  } catch (error) {
    if (newest === mine) showError(/** @type {Error} */ (error).message);
    return null;
  }
}

/**
 * Put a song into the audio element. If its file is missing, put its stored preview or a copy of it there instead.
 * @param {Song} song @param {boolean} plays @param {number|null} [seconds] As for `request`.
 * @returns {Promise<boolean>} False if there is nothing to play: then the song that plays continues.
 */
async function putSong(song, plays, seconds = null) {
  if (song.gone_since && !song.fallback) {
    update({ playing: loadedIndex, message: `${missingText(song)} It cannot be played.` });
    return false;
  }
  const inFile = seconds === null ? 0 : secondInFile(song, seconds);
  if (inFile === null) {
    update({ playing: loadedIndex });
    return refuse(song);
  }
  const instead = song.fallback === "preview" ? "Its preview" : "A copy of it";
  if (song.gone_since) notify(`${missingText(song)} ${instead} plays instead.`, { key: "fallback" });
  await putFileOf(song, fileOf(song), plays, inFile);
  return true;
}

/**
 * Put a song's file into the audio element.
 * @param {Song|UploadedSong} song @param {string} file Its address. @param {boolean} plays @param {number} [inFile] The second of the file where it begins.
 */
async function putFileOf(song, file, plays, inFile = 0) {
  loadedIndex = state.playing;
  endPreviewPause();
  putFile(file);
  if (!plays) return update({ song, sound: "paused" });
  audioElement().currentTime = inFile;
  await start({ song });
  announce(`Playing ${song.title}${song.artist ? " by " + song.artist : ""}`);
}

/** Play a song that is not on the map yet. @param {Song} song Without an index. */
export async function playUnmapped(song) {
  forgetRequests();
  await putSong(song, true);
}

/** Play an uploaded song. @param {UploadedSong} song @param {string} address That of its file. */
export async function playUpload(song, address) {
  forgetRequests();
  await putFileOf(song, address, true);
}

/** What is played next has no index. */
function forgetRequests() {
  newest = Symbol("request");
  update({ playing: null, requested: null, message: "" });
}

/** Pause or play the song in the player. */
export function toggle() {
  if (!state.song && state.playing === null) return;
  const audio = audioElement();
  if ((audio.error || !state.song) && state.playing !== null) play(state.playing);
  else if (isPausedForPreview() || !audio.paused) pause();
  else start();
}

/** Pause the song, also if it is paused only for a preview. */
export function pause() {
  if (isPausedForPreview()) stayPaused();
  else audioElement().pause();
}

/** On a map of another revision songs have other indices, and the song in the player may be on it for the first time. */
function followMap() {
  const shown = state.map?.meta.revision ?? null;
  if (shown === revision) return;
  revision = shown;
  loadedIndex = movedIndex(loadedIndex);
  if (state.playing === null) findIndex();
}

/**
 * @param {number|null} index A song's index on the map before.
 * @returns {number|null} Its index on the map that is drawn; null if it has none, or nobody knows.
 */
export function movedIndex(index) {
  const moved = index === null ? -1 : (state.moved?.[index] ?? -1);
  return moved < 0 ? null : moved;
}

/** Find the index of the song in the player. */
async function findIndex() {
  const id = idOf(state.song);
  if (id === null) return;
  const asked = revision;
  const index = await indexOf(id).catch(() => null);
  if (index === null || revision !== asked || idOf(state.song) !== id || state.playing !== null) return;
  loadedIndex = index;
  update({ playing: index, requested: index });
}
