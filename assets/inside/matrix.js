/** The self-similarity matrix of a song: each place compares two moments. A click plays from the moment of its column. */

import { element } from "../core/dom.js";
import { formatTime } from "../core/text.js";
import { colourAt } from "../sound/pictures.js";
import { alikeText } from "./inside_text.js";
import { sectionColour } from "./section_colours.js";
import { secondsAt, shareOf } from "./time_axis.js";

/** @typedef {import("./inside_text.js").Inside} Inside */
/** @typedef {import("./time_axis.js").Section} Section */
/** @typedef {{levels: Uint8Array, size: number}} Levels How alike any two moments are, row by row; 255 is alike. */

const EXPLANATION = "Bright: two moments sound alike. Lines beside the diagonal are repeats.";

export class Matrix {
  /** @type {Inside|null} */
  #inside = null;
  /** @type {Levels|null} */
  #levels = null;
  #canvas = element("canvas", "", null, { role: "img", "aria-label": "How alike any two moments of the song sound" });
  #across = element("div", "matrix-head across");
  #down = element("div", "matrix-head down");
  #topStrip = element("div", "matrix-strip across");
  #leftStrip = element("div", "matrix-strip down");
  #note = element("div", "matrix-note", null, { role: "status" });
  #caption = element("figcaption", "matrix-caption", EXPLANATION);
  element = element("figure", "matrix");

  /** @param {(seconds: number) => void} playFrom */
  constructor(playFrom) {
    const frame = element("div", "matrix-frame");
    frame.append(this.#canvas, this.#topStrip, this.#leftStrip, this.#across, this.#down, this.#note);
    this.element.append(frame, this.#caption);
    this.showPosition(null);
    this.#canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#levels && playFrom(this.#secondsAt(this.#placeOf(event)[0])));
    this.#canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => (this.#caption.textContent = EXPLANATION));
  }

  /** @param {number} share */
  #secondsAt(share) {
    return secondsAt(share, this.#inside?.duration_s ?? 0);
  }

  /** @param {MouseEvent} event @returns {number[]} The place in the picture, from 0 to 1. */
  #placeOf({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [(clientX - left) / (width || 1), (clientY - top) / (height || 1)].map((share) => Math.min(Math.max(share, 0), 0.9999));
  }

  /** Say how alike the two moments under the pointer are. @param {PointerEvent} event */
  #point(event) {
    if (!this.#levels) return;
    const { levels, size } = this.#levels;
    const [x, y] = this.#placeOf(event);
    const level = levels[Math.floor(y * size) * size + Math.floor(x * size)];
    const [one, other] = [x, y].map((share) => formatTime(this.#secondsAt(share)));
    this.#caption.textContent = `${one} and ${other} ${alikeText(level)}. Click: play from ${one}.`;
  }

  /** @param {Inside} inside @param {Levels} levels */
  show(inside, levels) {
    this.#inside = inside;
    this.#levels = levels;
    this.#note.textContent = "";
    paintLevels(this.#canvas, levels);
    const partsOf = (/** @type {[string, string]} */ names) => inside.sections.map((section) => makePart(section, inside.duration_s ?? 0, names));
    this.#topStrip.replaceChildren(...partsOf(["left", "width"]));
    this.#leftStrip.replaceChildren(...partsOf(["top", "height"]));
  }

  /** Show a text instead of the picture. @param {string} text */
  showNote(text) {
    this.#levels = null;
    this.#canvas.width = this.#canvas.height = 0;
    for (const strip of [this.#topStrip, this.#leftStrip]) strip.replaceChildren();
    this.#note.textContent = text;
  }

  /** @param {number|null} seconds Null if another song plays, or none. */
  showPosition(seconds) {
    this.#across.hidden = this.#down.hidden = seconds === null || !this.#levels;
    const place = `${100 * shareOf(seconds ?? 0, this.#inside?.duration_s ?? 0)}%`;
    this.#across.style.top = this.#down.style.left = place;
  }
}

/**
 * @param {Section} section @param {number} durationS @param {[string, string]} names Of the styles for its start and its length.
 * @returns {HTMLElement} The colour of a section at the picture's edge.
 */
function makePart({ label, start_s: start, end_s: end }, durationS, [from, length]) {
  const part = element("span");
  part.style[from] = `${100 * shareOf(start, durationS)}%`;
  part.style[length] = `${100 * shareOf(end - start, durationS)}%`;
  // The picture is dark in both themes.
  part.style.background = sectionColour(label, "dark");
  return part;
}

/** @param {HTMLCanvasElement} canvas @param {Levels} levels */
function paintLevels(canvas, { levels, size }) {
  Object.assign(canvas, { width: size, height: size });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(size, size);
  const colours = Array.from({ length: 256 }, (_, level) => colourAt(level / 255));
  levels.forEach((level, i) => image.data.set(colours[level], 4 * i));
  context.putImageData(image, 0, 0);
}
