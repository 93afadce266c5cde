/** A small waveform of any song, with a mark at a moment of it. */

import { fetchPatiently } from "../core/api.js";
import { clearCanvas, element } from "../core/dom.js";
import { barsOf } from "../sound/pictures.js";

/** @typedef {{id: string, duration_s: number|null, gone_since: string|null}} DrawnSong */

const HEIGHT_PX = 30;
const BAR_PX = 2;
const GAP_PX = 1;
/** The mark is at least so wide. */
const MARK_PX = 4;

/**
 * @param {DrawnSong} song @param {{startS: number, seconds: number}} moment
 * @param {AbortSignal} signal Ends the request: nobody sees the waveform any longer.
 * @returns {HTMLElement} A picture that screen readers skip. Without its file, a song has only the mark.
 */
export function makeSmallWaveform(song, { startS, seconds }, signal) {
  const picture = element("div", "small-waveform", null, { "aria-hidden": "true" });
  const canvas = element("canvas");
  const mark = element("span", "moment-mark");
  const duration = song.duration_s || startS + seconds;
  mark.style.left = `${(100 * startS) / duration}%`;
  mark.style.width = `max(${MARK_PX}px, ${(100 * Math.min(seconds, duration - startS)) / duration}%)`;
  picture.append(canvas, mark);
  loadPeaks(song, signal).then((peaks) => peaks && paintWith(canvas, peaks, startS / duration, (startS + seconds) / duration));
  return picture;
}

/** @param {DrawnSong} song @param {AbortSignal} signal @returns {Promise<number[]|null>} From 0 to 255; null if there are none. */
async function loadPeaks({ id, gone_since }, signal) {
  if (gone_since) return null;
  try {
    const response = await fetchPatiently("waveform/" + encodeURIComponent(id), { signal });
    return response.ok ? (await response.json()).peaks : null;
  } catch {
    return null;
  }
}

/** @param {HTMLCanvasElement} canvas @param {number[]} peaks @param {number} from @param {number} to The moment's ends, as fractions of the song. */
function paintWith(canvas, peaks, from, to) {
  const paint = () => {
    const { clientWidth: width } = canvas;
    if (!width) return;
    const context = clearCanvas(canvas, width, HEIGHT_PX);
    const style = getComputedStyle(canvas);
    const bars = barsOf(peaks, Math.max(1, Math.floor(width / (BAR_PX + GAP_PX))));
    bars.forEach((peak, bar) => {
      const middle = (bar + 0.5) / bars.length;
      const height = Math.max(1.5, (peak / 255) * HEIGHT_PX);
      context.fillStyle = style.getPropertyValue(middle >= from && middle <= to ? "--accent" : "--wave");
      context.fillRect(bar * (BAR_PX + GAP_PX), (HEIGHT_PX - height) / 2, BAR_PX, height);
    });
  };
  new ResizeObserver(paint).observe(canvas);
}
