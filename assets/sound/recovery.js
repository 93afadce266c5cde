/**
 * What happens when the browser cannot play a file to its end. Some files decode on the server and not in this browser,
 * although browsers play their format: an MP3 that changes its sample rate, for example. The server makes a FLAC copy
 * of such a file.
 */

import { NO_ANSWER, fetchPatiently } from "../core/api.js";
import { state } from "../core/state.js";
import { audioElement, isPausedForPreview, isSoundOn, showError, start } from "./audio.js";
import { copyOf, endedEarly, isOriginal } from "./files.js";

/** The addresses of the files that this browser could not play since the page was loaded. @type {Set<string>} */
const needsCopy = new Set();
/**
 * The last position before the end, in seconds. At the end, Chromium sets the position to the duration that the file's
 * header claims.
 */
let reached = 0;
/** The position that the audio element seeks to; null if it does not seek. @type {number|null} */
let seekTarget = null;
/** The position of the second attempt to seek; null if there was none. @type {number|null} */
let retriedSeek = null;
/**
 * The address that was loaded a second time because of an error. The server may have been busy the first time. Empty
 * after a song was chosen.
 */
let reloaded = "";

/** Listen to the audio element. Called once. */
export function listen() {
  const audio = audioElement();
  audio.addEventListener("timeupdate", () => audio.ended || (reached = audio.currentTime));
  audio.addEventListener("emptied", () => (reached = 0));
  audio.addEventListener("seeking", () => (seekTarget = reached = audio.currentTime));
  audio.addEventListener("seeked", () => (seekTarget = retriedSeek = null));
  audio.addEventListener("error", () => (seekTarget ? retrySeek(seekTarget) : playCopyOrExplain()));
}

/** The user has chosen a file: put it, or its copy, into the audio element. @param {string} file Its address. */
export function putFile(file) {
  const audio = audioElement();
  const address = addressOf(file);
  reloaded = "";
  if (audio.getAttribute("src") === address && !audio.error) return;
  seekTarget = retriedSeek = null;
  audio.src = address;
}

/** @param {string} file @returns {string} The address that the file is played from: its own, or its copy's. */
function addressOf(file) {
  return needsCopy.has(file) ? copyOf(file) : file;
}

/** The audio element has ended. @returns {boolean} Whether it ended too early: then a copy plays on. */
export function continueIfEarly() {
  const address = audioElement().getAttribute("src") ?? "";
  if (!endedEarly(address, reached, state.song?.duration_s)) return false;
  playCopy(address, reached, true);
  return true;
}

/**
 * Chromium cannot seek to some positions near the end of a song and reports an error: seek once more, 1.5 s earlier.
 * @param {number} wanted The position, in seconds.
 */
function retrySeek(wanted) {
  const target = Math.max(wanted - 1.5, 0);
  seekTarget = null;
  if (retriedSeek !== null) return playCopyOrExplain();
  retriedSeek = target;
  const audio = audioElement();
  audio.load();
  audio.currentTime = target;
  start();
}

/**
 * Ask the server why the song did not play. If it has the file, play a copy of it; otherwise its answer is a message for
 * the user. A busy server is asked again, and a copy is loaded again once it is there: an audio element does not tell that
 * the server was busy.
 */
async function playCopyOrExplain() {
  const audio = audioElement();
  // Chromium has paused the audio element before this event, but the page has not shown that yet.
  const plays = isPausedForPreview() || isSoundOn();
  const source = audio.getAttribute("src");
  if (!source) return;
  const position = Math.max(audio.currentTime, retriedSeek ?? 0);
  retriedSeek = null;
  try {
    const response = await fetchPatiently(source, { headers: { Range: "bytes=0-0" } });
    if (source !== audio.getAttribute("src")) return;
    if (!response.ok) showError(await response.text());
    else if (isOriginal(source)) playCopy(source, position, plays);
    else if (reloaded !== source) putAgain((reloaded = source), position, plays);
    else showError("This browser cannot play the file: try another browser.");
  } catch {
    showError(NO_ANSWER);
  }
}

/**
 * Replace the file that the browser cannot play by its copy.
 * @param {string} file
 * @param {number} position Where to continue, in seconds.
 * @param {boolean} plays Whether the song plays, or is only loaded.
 */
function playCopy(file, position, plays) {
  needsCopy.add(file);
  putAgain(addressOf(file), position, plays);
}

/** Put a file into the audio element, and continue at a position. @param {string} address @param {number} position @param {boolean} plays */
function putAgain(address, position, plays) {
  const audio = audioElement();
  seekTarget = retriedSeek = null;
  audio.src = address;
  audio.currentTime = position;
  if (plays && !isPausedForPreview()) start();
}
