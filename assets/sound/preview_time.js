/** Which seconds of a song its stored preview has: it plays in place of a song whose file is missing. Pure functions. */

import { formatTime } from "../core/text.js";

/** A preview is so long, or as long as its song. */
const PREVIEW_S = 20;
/** Nearer to its end than this, a preview would end, and another song would play. */
const BEFORE_END_S = 0.5;
/** A key that moves the position leaves this much of a preview. */
const REST_S = 5;

/**
 * @typedef {object} TimedSong
 * @property {string|null} [gone_since] @property {"preview"|"copy"|null} [fallback]
 * @property {number|null} [preview_start_s] @property {number|null} [duration_s]
 */

/** @param {TimedSong|null} song @returns {boolean} Whether its stored preview plays in its place. */
export function playsPreview(song) {
  return Boolean(song?.gone_since) && song?.fallback === "preview";
}

/** @param {TimedSong|null} song @returns {number} At which second of the song the file begins that is played. */
export function fileStart(song) {
  return playsPreview(song) ? (song?.preview_start_s ?? 0) : 0;
}

/** @param {TimedSong} song @returns {number} How much of a preview can be played. */
function previewLength({ duration_s: duration, preview_start_s: start }) {
  return duration ? Math.min(PREVIEW_S, duration - (start ?? 0)) : PREVIEW_S;
}

/**
 * @param {TimedSong} song @param {number} seconds Of the whole song.
 * @returns {number|null} Where it is in the file that is played; null if only a preview is there that does not have it.
 */
export function secondInFile(song, seconds) {
  if (!playsPreview(song)) return seconds;
  // A library of an earlier version does not know where the preview begins.
  if (song.preview_start_s === null || song.preview_start_s === undefined) return null;
  const inFile = seconds - song.preview_start_s;
  return inFile >= 0 && inFile <= previewLength(song) - BEFORE_END_S ? inFile : null;
}

/**
 * @param {TimedSong} song @param {number} seconds Of the whole song, where a key moves the position. @param {number} now The position in the file.
 * @returns {number} The position in the file: within the preview if only that is there, and not at its end.
 */
export function nearestInFile(song, seconds, now) {
  if (!playsPreview(song)) return seconds;
  const last = Math.max(previewLength(song) - REST_S, 0);
  return Math.min(Math.max(seconds - fileStart(song), 0), Math.max(last, now));
}

/** @param {TimedSong} song @param {number} seconds Of the whole song. @returns {boolean} Whether the song can be played from there. */
export function canPlayFrom(song, seconds) {
  return !(song.gone_since && !song.fallback) && secondInFile(song, seconds) !== null;
}

/** @param {TimedSong} song @returns {string} What the user is told who wants another second of a song than its preview has. */
export function onlyPreviewText(song) {
  const { preview_start_s: start } = song;
  if (start === null || start === undefined) return "Only a preview of this song is there.";
  return `Only a preview of this song is there: ${formatTime(start)} to ${formatTime(start + previewLength(song))}.`;
}
