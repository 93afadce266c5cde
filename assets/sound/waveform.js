/** The waveform of the song in the player: bars in the seek bar. */

import { fetchPatiently } from "../core/api.js";
import { byId, clearCanvas } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { audioElement, onEachFrame } from "./audio.js";
import { barsOf, picturedId, playedShare } from "./pictures.js";

const BAR_PX = 3;
const GAP_PX = 1.5;

/** @type {HTMLCanvasElement} */
let canvas;
/** The peaks of the song's waveform, from 0 to 255; null until they are loaded. @type {number[]|null} */
let peaks = null;
/** @type {string|null} */
let shownId = null;
/** Cancels the request for the song that was shown before: the server drops what nobody waits for. */
let request = new AbortController();
/** The end of the played part as it was painted. */
let paintedHalfPixels = 0;

export function mount() {
  canvas = byId("waveform");
  new ResizeObserver(paint).observe(canvas);
  new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
  subscribe(["song"], show);
  subscribe(["serverAnswers"], () => {
    if (!state.serverAnswers || peaks) return;
    shownId = null;
    show();
  });
  // The waveform is painted again only when the end of the played part has moved by half a pixel.
  onEachFrame(() => playedHalfPixels() !== paintedHalfPixels && paint());
}

/** Show the waveform of the song in the player. */
async function show() {
  const id = picturedId(state.song);
  if (id === shownId) return;
  shownId = id;
  request.abort();
  request = new AbortController();
  peaks = null;
  paint();
  if (id === null) return;
  try {
    const response = await fetchPatiently("waveform/" + encodeURIComponent(id), { signal: request.signal });
    if (!response.ok || shownId !== id) return;
    const answer = await response.json();
    if (shownId !== id) return;
    peaks = answer.peaks;
    paint();
  } catch {
    // The seek bar also works without a waveform.
  }
}

function playedHalfPixels() {
  return Math.round(playedShare(audioElement()) * canvas.clientWidth * 2);
}

function paint() {
  const { clientWidth: width, clientHeight: height } = canvas;
  paintedHalfPixels = playedHalfPixels();
  byId("seek").classList.toggle("has-peaks", Boolean(peaks));
  if (!width || !height) return;
  const context = clearCanvas(canvas, width, height);
  if (!peaks) return;
  const style = getComputedStyle(canvas);
  const played = playedShare(audioElement());
  const step = BAR_PX + GAP_PX;
  const bars = barsOf(peaks, Math.max(1, Math.floor(width / step)));
  bars.forEach((peak, bar) => {
    const barHeight = Math.max(2, (peak / 255) * height);
    context.fillStyle = style.getPropertyValue((bar + 0.5) / bars.length <= played ? "--accent" : "--wave");
    context.beginPath();
    context.roundRect(bar * step, (height - barHeight) / 2, BAR_PX, barHeight, BAR_PX / 2);
    context.fill();
  });
}
