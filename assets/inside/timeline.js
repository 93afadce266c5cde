/** The pictures of a song along its time: sections, waveform, loudness, brightness and the playhead. A click plays from there. */

import { clearCanvas, element } from "../core/dom.js";
import { formatTime } from "../core/text.js";
import { barsOf } from "../sound/pictures.js";
import { BOX, curvePaths, rangeOf } from "./curve_path.js";
import { formatBrightness, formatLoudness, isSure, placeText, sectionTitle } from "./inside_text.js";
import { letterColour, sectionColour } from "./section_colours.js";
import { secondsAt, sectionAt, seekTarget, shareOf, tickTimes } from "./time_axis.js";

/** @typedef {import("./inside_text.js").Inside} Inside */
/** @typedef {import("./time_axis.js").Section} Section */

const BAR_PX = 2;
const GAP_PX = 1;
/** A letter does not fit into a narrower section. */
const LETTER_PX = 14;
const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {object} Actions
 * @property {(seconds: number) => void} playFrom Play the song from a second.
 * @property {(seconds: number) => void} seek Go to a second, but do not begin to play a song that is paused.
 *
 * @typedef {object} Timeline
 * @property {HTMLElement} element
 * @property {(inside: Inside, peaks: number[]|null) => void} show
 * @property {(seconds: number|null) => void} showPosition Null if another song plays, or none.
 * @property {() => void} paint Paint again: for another theme or width.
 */

/** @returns {"dark"|"light"} The theme of the page. */
function theme() {
  return document.documentElement.dataset.mantineColorScheme === "light" ? "light" : "dark";
}

/** @param {Actions} actions @returns {Timeline} */
export function makeTimeline(actions) {
  /** @type {Inside|null} */
  let inside = null;
  /** @type {number[]|null} */
  let peaks = null;
  let position = 0;
  let saidPosition = "";
  const strip = element("div", "timeline-sections", null, { role: "toolbar", "aria-label": "Sections" });
  const canvas = element("canvas", "timeline-wave");
  const [loudness, brightness] = [makeCurve("Loudness"), makeCurve("Brightness")];
  const ticks = element("div", "timeline-ticks");
  const pictures = element("div", "timeline-pictures", null, { role: "slider", tabindex: 0, "aria-label": "Position in the song", "aria-valuemin": 0 });
  pictures.append(canvas, loudness.element, brightness.element, ticks);
  const head = element("div", "timeline-head");
  const pointer = element("div", "timeline-pointer");
  const tip = element("div", "timeline-tip");
  for (const mark of [head, pointer, tip]) mark.hidden = true;
  const whole = element("div", "timeline");
  whole.append(strip, pictures, pointer, head, tip);

  const durationS = () => inside?.duration_s ?? 0;
  const secondsOf = (/** @type {MouseEvent} */ { clientX }) => {
    const { left, width } = whole.getBoundingClientRect();
    return secondsAt((clientX - left) / (width || 1), durationS());
  };

  pictures.addEventListener("click", (/** @type {MouseEvent} */ event) => actions.playFrom(secondsOf(event)));
  pictures.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const target = seekTarget(event.key, position, durationS());
    if (event.ctrlKey || event.metaKey || event.altKey || (target === null && event.key !== "Enter")) return;
    event.preventDefault();
    if (target === null) actions.playFrom(position);
    else actions.seek(target);
  });
  whole.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType !== "touch") showPointer(secondsOf(event), event.target !== strip && !strip.contains(event.target));
  });
  whole.addEventListener("pointerleave", () => (pointer.hidden = tip.hidden = true));
  strip.addEventListener("keydown", onStripKey);
  strip.addEventListener("click", (/** @type {any} */ { target }) => {
    const button = target.closest("button");
    if (button && inside) actions.playFrom(inside.sections[Number(button.dataset.section)].start_s);
  });
  new ResizeObserver(paint).observe(canvas);

  /** @param {number} seconds @param {boolean} hasLine Whether the pointer is on the pictures: a section begins at its start. */
  function showPointer(seconds, hasLine) {
    const share = shareOf(seconds, durationS());
    pointer.hidden = !hasLine;
    pointer.style.left = `${100 * share}%`;
    tip.hidden = !durationS();
    const section = sectionAt(inside?.sections ?? [], seconds);
    tip.textContent = hasLine || !section ? placeText(seconds, section) : sectionTitle(section);
    const room = Math.max(0, whole.clientWidth - tip.offsetWidth);
    tip.style.left = `${Math.min(Math.max(share * whole.clientWidth - tip.offsetWidth / 2, 0), room)}px`;
  }

  /** The arrow keys go from section to section. @param {KeyboardEvent} event */
  function onStripKey(event) {
    const buttons = [...strip.querySelectorAll("button")];
    const at = buttons.indexOf(/** @type {any} */ (document.activeElement));
    /** @type {Object<string, number>} */
    const targets = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: buttons.length - 1 };
    if (at < 0 || !(event.key in targets)) return;
    event.preventDefault();
    const next = buttons[Math.min(Math.max(targets[event.key], 0), buttons.length - 1)];
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }

  /** @param {Inside} given @param {number[]|null} givenPeaks */
  function show(given, givenPeaks) {
    const isOther = inside?.sections !== given.sections;
    [inside, peaks] = [given, givenPeaks];
    pictures.setAttribute("aria-valuemax", String(Math.round(durationS())));
    const { loudness_curve: lufs, brightness_curve: hz, curve_step_s: stepS } = inside;
    loudness.show(lufs, stepS, durationS(), rangeOf(lufs, { least: 12, most: 40 }), formatLoudness);
    brightness.show(hz, stepS, durationS(), rangeOf(hz, { from: 0, least: 1000 }), formatBrightness);
    if (isOther) fillStrip(inside.sections);
    showPosition(null);
    paint();
  }

  /** @param {Section[]} sections */
  function fillStrip(sections) {
    strip.hidden = !sections.length;
    const buttons = sections.map((section, number) => {
      const title = sectionTitle(section) + (isSure(section) ? "" : " (not sure)");
      const button = element("button", "timeline-section", section.label, { type: "button", "aria-label": `${title}, play from there` });
      button.dataset.section = String(number);
      button.tabIndex = number ? -1 : 0;
      const [from, to] = [shareOf(section.start_s, durationS()), shareOf(section.end_s, durationS())];
      Object.assign(button.style, { left: `${100 * from}%`, width: `${100 * (to - from)}%` });
      button.classList.toggle("unsure", !isSure(section));
      return button;
    });
    strip.replaceChildren(...buttons);
  }

  function paint() {
    if (!inside) return;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !height) return;
    const colours = inside.sections.map(({ label }) => sectionColour(label, theme()));
    strip.querySelectorAll("button").forEach((/** @type {HTMLElement} */ button, /** @type {number} */ i) => {
      Object.assign(button.style, { background: colours[i], color: letterColour(colours[i]) });
      button.classList.toggle("narrow", button.clientWidth < LETTER_PX);
    });
    paintWave(canvas, width, height, peaks, inside.sections, durationS());
    ticks.replaceChildren(
      ...tickTimes(durationS(), width).map((seconds) => {
        const label = element("span", "", formatTime(seconds));
        label.style.left = `${100 * shareOf(seconds, durationS())}%`;
        return label;
      }),
    );
  }

  /** @param {number|null} seconds */
  function showPosition(seconds) {
    position = seconds ?? 0;
    head.hidden = seconds === null;
    head.style.left = `${100 * shareOf(position, durationS())}%`;
    const section = sectionAt(inside?.sections ?? [], position);
    const said = placeText(position, section) + head.hidden;
    // Once a second, not in each frame.
    if (said === saidPosition && inside) return;
    saidPosition = said;
    pictures.setAttribute("aria-valuenow", String(Math.round(position)));
    pictures.setAttribute("aria-valuetext", placeText(position, section));
    const current = head.hidden ? -1 : (inside?.sections.indexOf(/** @type {Section} */ (section)) ?? -1);
    strip.querySelectorAll("button").forEach((/** @type {HTMLElement} */ button, /** @type {number} */ i) => {
      if (i === current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
  }

  return { element: whole, show, showPosition, paint };
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

/** @param {string} name @returns {{element: HTMLElement, show: Function}} A curve with its name and its range. */
function makeCurve(name) {
  const whole = element("div", "timeline-curve");
  const range = element("small");
  const title = element("div", "timeline-name", name);
  title.append(range);
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${BOX.width} ${BOX.height}`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const [area, line] = ["curve-area", "curve-line"].map((kind) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", kind);
    picture.append(path);
    return path;
  });
  whole.append(title, picture);
  /**
   * @param {(number|null)[]} values @param {number} stepS @param {number} durationS @param {[number, number]|null} limits
   * @param {(value: number) => string} format
   */
  function show(values, stepS, durationS, limits, format) {
    whole.hidden = !limits;
    if (!limits) return;
    const paths = curvePaths(values, stepS, durationS, limits);
    area.setAttribute("d", paths.area);
    line.setAttribute("d", paths.line);
    range.textContent = `${format(limits[0])} to ${format(limits[1])}`;
  }
  return { element: whole, show };
}
