/** The pictures of a song along its time: sections, waveform, loudness, brightness and the playhead. A click plays from there. */

import { clearCanvas, element, isTouch } from "../core/dom.js";
import { formatTime } from "../core/text.js";
import { barsOf } from "../sound/pictures.js";
import { BOX, brightnessRange, curvePaths, loudnessRange } from "./curve_path.js";
import { watchPlaces } from "./held_place.js";
import { isSure, placeText, sectionTitle } from "./inside_text.js";
import { letterColour, sectionColour } from "./section_colours.js";
import { beatPlaces, secondsAt, sectionAt, seekTarget, shareOf, tickTimes } from "./time_axis.js";

/** @typedef {import("./inside_text.js").Inside} Inside */
/** @typedef {import("./time_axis.js").Section} Section */

const BAR_PX = 2;
const GAP_PX = 1;
const BEAT_PX = 5;
/** A letter does not fit into a narrower section. */
const LETTER_PX = 14;
const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {object} Actions
 * @property {(seconds: number) => void} playFrom Play the song from a second.
 * @property {(seconds: number) => void} hold A place was held.
 * @property {(seconds: number) => void} seek Go to a second, but do not begin to play a song that is paused.
 */

/** @returns {"dark"|"light"} The theme of the page. */
function theme() {
  return document.documentElement.dataset.mantineColorScheme === "light" ? "light" : "dark";
}

export class Timeline {
  /** @type {Inside|null} */
  #inside = null;
  /** @type {number[]|null} */
  #peaks = null;
  /** The second of the playhead; null if another song plays, or none. @type {number|null} */
  #position = null;
  /** The second that the arrow keys have chosen while the song is not in the player: nothing plays until Enter is pressed. @type {number|null} */
  #mark = null;
  /** What screen readers were told last. */
  #said = "";
  #isPointed = false;
  #strip = element("div", "timeline-sections", null, { role: "toolbar", "aria-label": "Sections" });
  #canvas = element("canvas", "timeline-wave");
  #loudness = new Curve("Loudness", loudnessRange);
  #brightness = new Curve("Brightness", brightnessRange);
  #ticks = element("div", "timeline-ticks");
  /** The pictures are one slider: what is in it is for the eyes. */
  #pictures = element("div", "timeline-pictures", null, { role: "slider", tabindex: 0, "aria-label": "Position in the song", "aria-valuemin": 0 });
  #head = element("div", "timeline-head");
  #pointer = element("div", "timeline-pointer");
  #markLine = element("div", "timeline-mark");
  #tip = element("div", "timeline-tip", null, { "aria-hidden": "true" });
  element = element("div", "timeline");

  /** @param {Actions} actions */
  constructor(actions) {
    this.#pictures.append(this.#canvas, this.#loudness.element, this.#brightness.element, this.#ticks);
    this.#pointer.hidden = this.#markLine.hidden = this.#head.hidden = true;
    this.element.append(this.#strip, this.#pictures, this.#pointer, this.#markLine, this.#head, this.#tip);
    this.#listen(actions);
    new ResizeObserver(() => this.paint()).observe(this.#canvas);
  }

  get #durationS() {
    return this.#inside?.duration_s ?? 0;
  }

  get #sections() {
    return this.#inside?.sections ?? [];
  }

  /** @returns {any[]} */
  get #buttons() {
    return [...this.#strip.querySelectorAll("button")];
  }

  /** @param {Actions} actions */
  #listen({ playFrom, seek, hold }) {
    let held = 0;
    const press = (/** @type {PointerEvent} */ event) => {
      held = this.#secondsOf(event);
      return true;
    };
    watchPlaces(this.#pictures, { press, second: () => held, onHold: hold });
    this.#pictures.addEventListener("click", (/** @type {MouseEvent} */ event) => playFrom(this.#secondsOf(event)));
    this.#pictures.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const now = this.#position ?? this.#mark ?? 0;
      const target = seekTarget(event.key, now, this.#durationS);
      if (event.ctrlKey || event.metaKey || event.altKey || (target === null && event.key !== "Enter")) return;
      event.preventDefault();
      if (target === null) playFrom(now);
      else if (this.#position !== null) seek(target);
      else this.#moveMark(target);
    });
    this.#strip.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#goToSection(event));
    this.#strip.addEventListener("click", (/** @type {any} */ { target }) => {
      const button = target.closest("button");
      if (button) playFrom(this.#sections[Number(button.dataset.section)].start_s);
    });
    this.element.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => event.pointerType !== "touch" && this.#point(event));
    this.element.addEventListener("pointerleave", () => {
      this.#isPointed = false;
      this.#pointer.hidden = true;
      this.#showTip();
    });
  }

  /** @param {MouseEvent} event @returns {number} */
  #secondsOf({ clientX }) {
    const { left, width } = this.element.getBoundingClientRect();
    return secondsAt((clientX - left) / (width || 1), this.#durationS);
  }

  /** The pointer is on a section or on a picture: say what is there. @param {PointerEvent} event */
  #point(event) {
    const seconds = this.#secondsOf(event);
    const isOnStrip = this.#strip.contains(/** @type {Node} */ (event.target));
    const section = sectionAt(this.#sections, seconds);
    this.#isPointed = true;
    this.#pointer.hidden = isOnStrip;
    this.#pointer.style.left = `${100 * shareOf(seconds, this.#durationS)}%`;
    this.#tip.textContent = isOnStrip && section ? sectionTitle(section) : placeText(seconds, section);
    this.#tip.classList.remove("hint");
    const room = Math.max(0, this.element.clientWidth - this.#tip.offsetWidth);
    const middle = shareOf(seconds, this.#durationS) * this.element.clientWidth - this.#tip.offsetWidth / 2;
    this.#tip.style.left = `${Math.min(Math.max(middle, 0), room)}px`;
  }

  /** Nothing is pointed at: say where the playhead is, or what a click does. */
  #showTip() {
    if (this.#isPointed) return;
    const place = this.#position ?? this.#mark;
    this.#tip.classList.toggle("hint", place === null);
    this.#tip.style.left = "0";
    const hint = isTouch() ? "Tap a place to play from there" : "Click a place to play from there";
    const enter = this.#mark === null ? "" : " · Enter plays from there";
    this.#tip.textContent = place === null ? hint : placeText(place, sectionAt(this.#sections, place)) + enter;
  }

  /** The arrow keys go from section to section. @param {KeyboardEvent} event */
  #goToSection(event) {
    const buttons = this.#buttons;
    const at = buttons.indexOf(document.activeElement);
    /** @type {Object<string, number>} */
    const targets = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: buttons.length - 1 };
    if (at < 0 || !(event.key in targets)) return;
    event.preventDefault();
    const next = buttons[Math.min(Math.max(targets[event.key], 0), buttons.length - 1)];
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }

  /** Show a song. @param {Inside} inside @param {number[]|null} peaks Of its waveform, from 0 to 255. */
  show(inside, peaks) {
    const isOther = this.#inside?.sections !== inside.sections;
    this.#inside = inside;
    this.#peaks = peaks;
    this.#said = "";
    if (isOther) this.#mark = null;
    this.#pictures.setAttribute("aria-valuemax", String(Math.round(this.#durationS)));
    this.#loudness.show(inside.loudness_curve, inside.curve_step_s, this.#durationS);
    this.#brightness.show(inside.brightness_curve, inside.curve_step_s, this.#durationS);
    if (isOther) this.#fillStrip();
    this.showPosition(null);
    this.paint();
  }

  /** @param {number} seconds */
  #moveMark(seconds) {
    this.#mark = seconds;
    this.showPosition(null);
  }

  #fillStrip() {
    this.#strip.hidden = !this.#sections.length;
    const buttons = this.#sections.map((section, number) => {
      const label = `${sectionTitle(section)}, play from there`;
      const button = element("button", "timeline-section", section.label, { type: "button", "aria-label": label, "data-section": number });
      button.tabIndex = number ? -1 : 0;
      const [from, to] = [section.start_s, section.end_s].map((seconds) => 100 * shareOf(seconds, this.#durationS));
      Object.assign(button.style, { left: `${from}%`, width: `${to - from}%` });
      button.classList.toggle("unsure", !isSure(section));
      return button;
    });
    this.#strip.replaceChildren(...buttons);
  }

  /** Paint again: also for another theme or width. */
  paint() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!this.#inside || !width || !height) return;
    for (const [i, button] of this.#buttons.entries()) {
      const colour = sectionColour(this.#sections[i].label, theme());
      Object.assign(button.style, { backgroundColor: colour, color: letterColour(colour) });
      button.classList.toggle("narrow", button.clientWidth < LETTER_PX);
    }
    paintWave(this.#canvas, width, height, this.#peaks, this.#sections, this.#durationS);
    if (this.#inside.tempo_is_sure) paintBeats(this.#canvas, width, height, beatPlaces(this.#inside.beats_s, this.#durationS, width));
    this.#ticks.replaceChildren(
      ...tickTimes(this.#durationS, width).map((seconds) => {
        const label = element("span", "", formatTime(seconds));
        label.style.left = `${100 * shareOf(seconds, this.#durationS)}%`;
        return label;
      }),
    );
  }

  /** Move the playhead. @param {number|null} seconds Null if another song plays, or none. */
  showPosition(seconds) {
    this.#position = seconds;
    if (seconds !== null) this.#mark = null;
    const place = seconds ?? this.#mark ?? 0;
    this.#head.hidden = seconds === null;
    this.#markLine.hidden = this.#mark === null;
    this.#head.style.left = this.#markLine.style.left = `${100 * shareOf(place, this.#durationS)}%`;
    const section = sectionAt(this.#sections, place);
    const said = placeText(place, section);
    // Once a second, not in each frame.
    const key = `${said} ${seconds === null} ${this.#mark === null}`;
    if (key === this.#said) return;
    this.#said = key;
    this.#pictures.setAttribute("aria-valuenow", String(Math.round(place)));
    this.#pictures.setAttribute("aria-valuetext", said);
    const current = section && seconds !== null ? this.#sections.indexOf(section) : -1;
    for (const [i, button] of this.#buttons.entries()) {
      if (i === current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    this.#showTip();
  }
}

/**
 * Paint the waveform: each bar has the colour of its section.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @param {number[]|null} peaks
 * @param {Section[]} sections @param {number} durationS
 */
function paintWave(canvas, width, height, peaks, sections, durationS) {
  const context = clearCanvas(canvas, width, height);
  const style = getComputedStyle(canvas);
  const isForced = matchMedia("(forced-colors: active)").matches;
  const plain = isForced ? style.color : style.getPropertyValue("--wave");
  if (!peaks) {
    context.fillStyle = plain;
    context.fillRect(0, height / 2 - 0.5, width, 1);
    return;
  }
  const step = BAR_PX + GAP_PX;
  const bars = barsOf(peaks, Math.max(1, Math.floor(width / step)));
  bars.forEach((peak, bar) => {
    const section = sectionAt(sections, ((bar + 0.5) / bars.length) * durationS);
    const barHeight = Math.max(1, (peak / 255) * height);
    context.fillStyle = section && !isForced ? sectionColour(section.label, theme()) : plain;
    context.fillRect(bar * step, (height - barHeight) / 2, BAR_PX, barHeight);
  });
}

/** Paint the beats on the waveform's lower edge. @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @param {number[]} places In pixels. */
function paintBeats(canvas, width, height, places) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const isForced = matchMedia("(forced-colors: active)").matches;
  const style = getComputedStyle(canvas);
  context.fillStyle = isForced ? style.color : style.getPropertyValue("--text");
  for (const place of places) {
    const left = Math.min(Math.round(place), width - 1);
    // Loud bars reach the edge: a gap separates the beats from them.
    context.clearRect(left - 1, height - BEAT_PX - 1, 3, BEAT_PX + 1);
    context.fillRect(left, height - BEAT_PX, 1, BEAT_PX);
  }
}

/** A curve with its name and its range. */
class Curve {
  element = element("div", "timeline-curve");
  #range = element("small");
  #area = svgElement("path", { class: "curve-area" });
  #line = svgElement("path", { class: "curve-line" });
  #rangeOf;

  /** @param {string} name @param {(values: (number|null)[]) => {limits: [number, number], text: string}|null} range */
  constructor(name, range) {
    this.#rangeOf = range;
    const title = element("div", "timeline-name", name);
    title.append(this.#range);
    const picture = svgElement("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    picture.append(this.#area, this.#line);
    this.element.append(title, picture);
  }

  /** @param {(number|null)[]} values @param {number} stepS @param {number} durationS */
  show(values, stepS, durationS) {
    const range = durationS ? this.#rangeOf(values) : null;
    this.element.hidden = !range;
    if (!range) return;
    const { line, area } = curvePaths(values, stepS, durationS, range.limits);
    this.#area.setAttribute("d", area);
    this.#line.setAttribute("d", line);
    this.#range.textContent = range.text;
  }
}

/** @param {string} tag @param {Object<string, string>} attributes @returns {SVGElement} */
function svgElement(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
