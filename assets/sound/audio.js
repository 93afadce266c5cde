/**
 * The audio element, which plays whole songs: starts it, sets its position and volume, and pauses it while a preview plays.
 */

import { byId } from "../core/dom.js";
import { notify } from "../core/notices.js";
import { state, update } from "../core/state.js";
import { volumeInFade } from "./curves.js";

/** The duration of the song's fade when a preview starts or stops. */
const FADE_MS = 90;

/** @type {HTMLAudioElement} */
let audio;
/** Whether the song is paused only while a preview plays. */
let pausesForPreview = false;
/** The animation frame of the fade. */
let fade = 0;

export function mount() {
  audio = byId("audio");
  audio.addEventListener("playing", () => update({ sound: "playing" }));
  audio.addEventListener("waiting", () => update({ sound: "loading" }));
  audio.addEventListener("pause", () => pausesForPreview || state.sound === "error" || update({ sound: "paused" }));
  setVolume(Number(localStorage.getItem("volume") ?? 1));
}

/** @returns {HTMLAudioElement} */
export function audioElement() {
  return audio;
}

/** @returns {boolean} Whether the song plays, or begins to: then its button pauses it. */
export function isSoundOn() {
  return state.sound === "playing" || state.sound === "loading";
}

/** @returns {boolean} Whether the song plays, or is paused only for a preview. */
export function isPlaying() {
  return !audio.paused || pausesForPreview;
}

/** @returns {boolean} Whether the song is paused only while a preview plays. */
export function isPausedForPreview() {
  return pausesForPreview;
}

/**
 * Play what the audio element contains.
 * @param {Partial<import("../core/types.js").State>} changes What else changes in the state.
 */
export async function start(changes = {}) {
  endPreviewPause();
  // The sound starts before the page changes.
  const started = audio.play();
  update({ ...changes, sound: "loading" });
  try {
    await started;
  } catch (reason) {
    const error = /** @type {Error} */ (reason);
    // AbortError: a newer click. NotSupportedError: the audio element's "error" event explains it.
    if (error.name === "AbortError" || error.name === "NotSupportedError") return;
    if (error.name !== "NotAllowedError") return showError("The browser cannot play this song.");
    update({ sound: "paused" });
    notify("Press Play. The browser allows sound only after a click or a key press.", { key: "press-play" });
  }
}

/** @param {string} message Why the song does not play: one sentence. */
export function showError(message) {
  update({ sound: "error", message });
}

/** Fade the song out and pause it while a preview plays. */
export function pauseForPreview() {
  if (audio.paused || pausesForPreview) return;
  pausesForPreview = true;
  fadeTo(0, () => pausesForPreview && audio.pause());
}

/** Play the song that was paused for a preview, and fade it in. */
export function resumeAfterPreview() {
  if (!pausesForPreview) return;
  pausesForPreview = false;
  audio.play().catch(() => {});
  fadeTo(state.volume);
}

/** The song that is paused for a preview stays paused after it. */
export function stayPaused() {
  pausesForPreview = false;
  audio.pause();
  update({ sound: "paused" });
}

/** Do not resume the song after the preview, and end the fade. */
export function endPreviewPause() {
  pausesForPreview = false;
  cancelAnimationFrame(fade);
  audio.volume = state.volume;
}

/** @param {number} target @param {() => void} then */
function fadeTo(target, then = () => {}) {
  cancelAnimationFrame(fade);
  if (document.hidden) {
    // A hidden page has no animation frames.
    audio.volume = target;
    return then();
  }
  const from = audio.volume;
  const began = performance.now();
  const step = (/** @type {number} */ now) => {
    const progress = (now - began) / FADE_MS;
    audio.volume = volumeInFade(from, target, progress);
    if (progress < 1) fade = requestAnimationFrame(step);
    else then();
  };
  step(began);
}

/** @param {number} volume From 0 to 1. */
export function setVolume(volume) {
  const wanted = Math.min(Math.max(volume || 0, 0), 1);
  if (!pausesForPreview) {
    cancelAnimationFrame(fade);
    audio.volume = wanted;
  }
  audio.muted = false;
  localStorage.setItem("volume", String(wanted));
  update({ volume: wanted, isMuted: false });
}

export function toggleMute() {
  audio.muted = !audio.muted;
  update({ isMuted: audio.muted });
}

/** Move to a position in the song. @param {number} fraction A fraction of the song's length, from 0 to 1. */
export function seekTo(fraction) {
  if (Number.isFinite(audio.duration)) audio.currentTime = fraction * audio.duration;
}

/** Move on in the song. @param {number} seconds Negative to move back. */
export function seekBy(seconds) {
  audio.currentTime = Math.max(0, audio.currentTime + seconds);
}

/** Call a function when the position in the song, or the song's length, has changed. @param {() => void} listener */
export function onTime(listener) {
  for (const event of ["timeupdate", "durationchange", "seeked"]) audio.addEventListener(event, listener);
}

/** Call a function as `onTime` does, and in every animation frame while the song plays. @param {() => void} listener */
export function onEachFrame(listener) {
  let frame = 0;
  const animate = () => {
    cancelAnimationFrame(frame);
    listener();
    if (!audio.paused) frame = requestAnimationFrame(animate);
  };
  onTime(listener);
  audio.addEventListener("playing", animate);
}
