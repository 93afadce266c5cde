/** The self-similarity matrix of a song: each place compares two moments. A click plays from the moment below it. */

import { element } from "../core/dom.js";
import { formatTime } from "../core/text.js";
import { colourAt } from "../sound/pictures.js";
import { alikeText } from "./inside_text.js";
import { sectionColour } from "./section_colours.js";
import { secondsAt, shareOf } from "./time_axis.js";

/** @typedef {import("./inside_text.js").Inside} Inside */
/** @typedef {{levels: Uint8Array, size: number}} Levels How alike any two moments are, row by row; 255 is alike. */

/**
 * @typedef {object} Matrix
 * @property {HTMLElement} element
 * @property {(inside: Inside, levels: Levels) => void} show
 * @property {(text: string) => void} showNote Show a text instead of the picture.
 * @property {(seconds: number|null) => void} showPosition
 */

const EXPLANATION = "Each place compares two moments of the song: bright means that they sound alike. A bright square is a part; a bright line beside the diagonal is a repeat.";

/** @param {(seconds: number) => void} playFrom @returns {Matrix} */
export function makeMatrix(playFrom) {
  /** @type {Inside|null} */
  let inside = null;
  /** @type {Levels|null} */
  let shown = null;
  const canvas = element("canvas", "", null, { role: "img", "aria-label": "How alike any two moments of the song sound" });
  const [across, down] = [element("div", "matrix-head across"), element("div", "matrix-head down")];
  const strips = [element("div", "matrix-strip across"), element("div", "matrix-strip down")];
  const note = element("div", "matrix-note", null, { role: "status" });
  const frame = element("div", "matrix-frame");
  frame.append(canvas, ...strips, across, down, note);
  across.hidden = down.hidden = true;
  const tip = element("figcaption", "matrix-tip", EXPLANATION);
  const whole = element("figure", "matrix");
  whole.append(frame, tip);
  const durationS = () => inside?.duration_s ?? 0;
  const placeOf = (/** @type {MouseEvent} */ { clientX, clientY }) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const within = (/** @type {number} */ share) => Math.min(Math.max(share, 0), 0.9999);
    return [within((clientX - left) / (width || 1)), within((clientY - top) / (height || 1))];
  };
  canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => shown && playFrom(secondsAt(placeOf(event)[0], durationS())));
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!shown) return;
    const [x, y] = placeOf(event);
    const level = shown.levels[Math.floor(y * shown.size) * shown.size + Math.floor(x * shown.size)];
    const [one, other] = [x, y].map((share) => formatTime(secondsAt(share, durationS())));
    tip.textContent = `${one} and ${other} ${alikeText(level)}. Click: play from ${one}.`;
  });
  canvas.addEventListener("pointerleave", () => (tip.textContent = EXPLANATION));

  /** @param {Inside} given @param {Levels} levels */
  function show(given, levels) {
    inside = given;
    shown = levels;
    note.textContent = "";
    paintLevels(canvas, levels);
    for (const [i, strip] of strips.entries()) {
      strip.replaceChildren(
        ...given.sections.map(({ label, start_s: start, end_s: end }) => {
          const part = element("span");
          const [from, length] = [100 * shareOf(start, durationS()), 100 * shareOf(end - start, durationS())];
          Object.assign(part.style, i ? { top: `${from}%`, height: `${length}%` } : { left: `${from}%`, width: `${length}%` });
          // The picture is dark in both themes.
          part.style.background = sectionColour(label, "dark");
          return part;
        }),
      );
    }
  }

  /** @param {string} text */
  function showNote(text) {
    shown = null;
    canvas.width = canvas.height = 0;
    for (const strip of strips) strip.replaceChildren();
    note.textContent = text;
  }

  /** @param {number|null} seconds */
  function showPosition(seconds) {
    across.hidden = down.hidden = seconds === null || !shown;
    const place = `${100 * shareOf(seconds ?? 0, durationS())}%`;
    across.style.top = place;
    down.style.left = place;
  }

  return { element: whole, show, showNote, showPosition };
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
