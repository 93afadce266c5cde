/**
 * Hover to hear: plays the preview of the song nearest to the pointer. Web Audio plays it, because an audio element takes
 * a tenth of a second to start. Previews near the pointer are loaded and decoded in advance. When the pointer moves away,
 * loads that are no longer needed are cancelled.
 */

import { announce, byId } from "../core/dom.js";
import { state, subscribe, update } from "../core/state.js";
import { around } from "../map/picking.js";
import { fadeInCurve, fadeOutCurve } from "./curves.js";
import { isPlaying, movedIndex, pauseForPreview, resumeAfterPreview } from "./player.js";
import { decoded, dropWaiting, failed, prefetch, prepare, renumber, take } from "./previews.js";

/** @typedef {{context: AudioContext, volume: GainNode, analyser: AnalyserNode}} Output What previews are played through. */
/** @typedef {{source: AudioBufferSourceNode, gain: GainNode, began: number}} Voice The preview that plays, and when it began. */

export const FADE_S = 0.09;
/** How long the pointer may be away from all songs before the preview stops. */
const LEAVE_DELAY_MS = 220;
/** The shortest time between the starts of two previews. */
const MIN_GAP_MS = 60;
const GESTURES = ["pointerdown", "pointerup", "keydown"];
const WAITS = "Click anywhere to hear songs under the pointer";
/** The previews of this many songs around the pointer are loaded in advance. */
const PREFETCH_COUNT = 8;

/** The song nearest to the pointer. Its preview starts as soon as it is loaded. @type {number|null} */
let target = null;
/** The song whose preview the user has stopped: it plays again only after the pointer was elsewhere. @type {number|null} */
let silenced = null;
/** Null until the user has switched hover to hear on. @type {Output|null} */
let sound = null;
/** @type {Voice|null} */
let voice = null;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let leaveTimer;
/** @type {number|null} */
let revision = null;
let startedAt = -Infinity;
let isStartScheduled = false;

export function mount() {
  const button = byId("hear");
  button.addEventListener("click", toggle);
  subscribe(["isHearing", "awaitsGesture"], showSwitch);
  subscribe(["volume", "isMuted"], setVolume);
  subscribe(["map"], followMap);
  subscribe(["serverAnswers"], () => state.serverAnswers && loadAgain());
  // A hidden page gets no event when the pointer leaves it.
  document.addEventListener("visibilitychange", () => document.hidden && leave());
  if (localStorage.getItem("hear") !== "on") return;
  update({ isHearing: true, awaitsGesture: true });
  for (const kind of GESTURES) document.addEventListener(kind, beginAtGesture, { capture: true });
}

/**
 * A browser allows sound only after a click or a key press, and does not say which one it takes. The switch itself is left out:
 * its own click does this.
 * @param {Event} event
 */
function beginAtGesture({ target }) {
  if (!state.awaitsGesture) for (const kind of GESTURES) document.removeEventListener(kind, beginAtGesture, { capture: true });
  else if (!byId("hear").contains(/** @type {Node} */ (target))) startContext();
}

/** Show whether hover to hear is on, and whether it waits for a gesture. */
function showSwitch() {
  const button = byId("hear");
  button.setAttribute("aria-checked", String(state.isHearing));
  button.title = state.awaitsGesture ? WAITS : "Hear songs as you move over them (h)";
  byId("hear-hint").textContent = state.awaitsGesture ? WAITS : "";
}

/** Switch hover to hear on or off. If it waits for a gesture, this is one. */
export function toggle() {
  if (state.awaitsGesture) {
    update({ awaitsGesture: false });
    return startContext();
  }
  update({ isHearing: !state.isHearing });
  localStorage.setItem("hear", state.isHearing ? "on" : "off");
  if (state.isHearing) startContext();
  else leave();
  announce(state.isHearing ? "Hover to hear is on" : "Hover to hear is off");
}

/** Create or resume the audio context. Call it during a click or a key press, as browsers require. */
function startContext() {
  if (!sound) {
    const context = new AudioContext({ latencyHint: "interactive" });
    const volume = new GainNode(context, { gain: 0 });
    const analyser = new AnalyserNode(context, { fftSize: 2048 });
    volume.connect(analyser).connect(context.destination);
    sound = { context, volume, analyser };
    prepare(
      (bytes) => context.decodeAudioData(bytes),
      (index) => index === target && startSoon(),
    );
    setVolume();
    context.addEventListener("statechange", () => context.state === "running" && update({ awaitsGesture: false }));
  }
  if (sound.context.state === "suspended") sound.context.resume();
}

/** Give the previews the volume of the player. */
function setVolume() {
  if (sound) sound.volume.gain.value = state.isMuted ? 0 : state.volume;
}

/** @returns {Output|null} What previews are played through. Only tests and benchmarks read it. */
export function output() {
  return sound;
}

/** @returns {number} The root mean square of the previews' sound now, from 0 to 1. Only tests and benchmarks read it. */
export function level() {
  if (!sound) return 0;
  const samples = new Float32Array(sound.analyser.fftSize);
  sound.analyser.getFloatTimeDomainData(samples);
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

/**
 * Set the song whose preview plays next.
 * @param {number|null} index Null if the pointer is near no song.
 * @param {{x: number, y: number}} [pixel] The pointer's position.
 */
export function setTarget(index, pixel) {
  if (!state.isHearing || sound?.context.state !== "running") return;
  if (index === null) {
    target = silenced = null;
    leaveTimer ??= setTimeout(leave, LEAVE_DELAY_MS);
    return;
  }
  stayHere();
  if (index === target || index === silenced) return;
  target = index;
  silenced = null;
  // The player already plays this song in full.
  if (index === state.playing && isPlaying()) return stop();
  if (decoded.has(index)) startSoon();
  prefetch([index, ...(pixel ? around(pixel.x, pixel.y, PREFETCH_COUNT) : [])]);
}

/** The pointer is near a song again. */
function stayHere() {
  clearTimeout(leaveTimer);
  leaveTimer = undefined;
}

/** Start the target's preview, but not earlier than MIN_GAP_MS after the last start. So a pointer that moves fast skips songs. */
function startSoon() {
  if (isStartScheduled) return;
  const waitMs = MIN_GAP_MS - (performance.now() - startedAt);
  if (waitMs <= 0) return start();
  isStartScheduled = true;
  setTimeout(() => {
    isStartScheduled = false;
    start();
  }, waitMs);
}

/** Cross-fade to the target's preview. */
function start() {
  if (target === null || target === state.previewed || !sound) return;
  const buffer = take(target);
  if (!buffer) return;
  // Both fades begin at the same time, so that together they keep the power constant.
  const { context, volume } = sound;
  const now = context.currentTime;
  fadeOut(now);
  pauseForPreview();
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  const gain = new GainNode(context, { gain: 0 });
  source.connect(gain).connect(volume);
  gain.gain.setValueCurveAtTime(fadeInCurve(), now, FADE_S);
  source.start();
  voice = { source, gain, began: now };
  startedAt = performance.now();
  update({ previewed: target });
}

/** Fade out the preview that plays. @param {number} [now] When, in seconds of the audio context. */
function fadeOut(now = sound?.context.currentTime ?? 0) {
  if (!voice) return;
  const { source, gain, began } = voice;
  voice = null;
  const fadedIn = Math.min((now - began) / FADE_S, 1);
  gain.gain.cancelScheduledValues(0);
  gain.gain.setValueCurveAtTime(fadeOutCurve(fadedIn), now, FADE_S);
  source.stop(now + FADE_S + 0.01);
}

/** Stop the preview. The song that was paused for it continues. */
export function stop() {
  fadeOut();
  update({ previewed: null });
  resumeAfterPreview();
}

/** Stop the preview because the user wants silence. The song that is paused for it stays paused until `resumeAfterPreview`. */
export function silence() {
  silenced = target ?? state.previewed;
  target = null;
  fadeOut();
  update({ previewed: null });
}

/** The pointer has left the songs: stop the preview, and do not load the previews in the queue. */
export function leave() {
  stayHere();
  target = silenced = null;
  dropWaiting();
  if (sound) stop();
}

/** The server answers again: load the previews that are missing. */
function loadAgain() {
  failed.clear();
  if (target !== null && !decoded.has(target)) prefetch([target]);
}

/** On a map of another revision songs have other indices. */
function followMap() {
  const shown = state.map?.meta.revision ?? null;
  if (shown === revision) return;
  revision = shown;
  renumber(movedIndex);
  target = movedIndex(target);
  silenced = movedIndex(silenced);
  if (voice && state.previewed === null) stop();
}
