/** What the page says about the inside of a song. Pure functions. */

import { formatTime } from "../core/text.js";

/** @typedef {import("./time_axis.js").Section} Section */

/**
 * @typedef {object} Inside What is inside a song, as the server tells it. Unknown values are null.
 * @property {number|null} duration_s @property {boolean} has_windows @property {number|null} step_s
 * @property {Section[]} sections
 * @property {number|null} tempo_bpm @property {number|null} tempo_confidence @property {"tag"|"sound"|null} tempo_source
 * @property {boolean|null} tempo_is_sure
 * @property {string|null} key @property {string|null} camelot @property {number|null} key_confidence
 * @property {"tag"|"sound"|null} key_source @property {boolean|null} key_is_sure
 * @property {number|null} energy @property {number|null} loudness_lufs @property {number|null} brightness_hz
 * @property {(number|null)[]} loudness_curve @property {(number|null)[]} brightness_curve @property {number} curve_step_s
 * @property {number[]} beats_s @property {string|null} advice A sentence about what is not known, and what to do; null if all is known.
 *
 * @typedef {{name: string, value: string, meaning: string}} Fact
 */

/** A section below this confidence is a guess. */
const SURE_FROM = 0.5;

/** @param {Section} section @returns {string} Such as "Section B, 1:02 to 1:34", with "(not sure)" if it is a guess. */
export function sectionTitle(section) {
  const { label, start_s: start, end_s: end } = section;
  return `Section ${label}, ${formatTime(start)} to ${formatTime(end)}${isSure(section) ? "" : " (not sure)"}`;
}

/** @param {number} seconds @param {Section|null} section @returns {string} Such as "1:07, section B". */
export function placeText(seconds, section) {
  return section ? `${formatTime(seconds)}, section ${section.label}` : formatTime(seconds);
}

/** @param {Section} section @returns {boolean} Whether a section can be told without a word of doubt. */
export function isSure({ confidence }) {
  return confidence !== null && confidence >= SURE_FROM;
}

/** @param {Section[]} sections @returns {string} A sentence about a song of a single section, or about sections that are guesses; or nothing. */
export function sectionsText(sections) {
  if (sections.length !== 1) return sections.every(isSure) ? "" : "Striped sections are a guess.";
  return isSure(sections[0]) ? "The song sounds alike from its start to its end." : "No clear change of the sound was found.";
}

/** @param {number} level How alike two moments are, from 0 to 255. @returns {string} */
export function alikeText(level) {
  if (level >= 190) return "sound alike";
  return level >= 100 ? "sound a little alike" : "sound different";
}

/** @param {number} lufs @returns {string} Such as "−14 LUFS". */
export function formatLoudness(lufs) {
  return `${wholeNumber(lufs)} LUFS`;
}

/** @param {number} hz @returns {string} Such as "850 Hz" or "2.1 kHz". */
export function formatBrightness(hz) {
  return hz < 1000 ? `${Math.round(hz)} Hz` : `${(hz / 1000).toFixed(1)} kHz`;
}

/** @param {number} value @returns {string} Rounded, with a real minus sign. */
export function wholeNumber(value) {
  const whole = Math.round(value);
  return whole < 0 ? `−${-whole}` : `${Math.abs(whole)}`;
}

/** @param {Inside} inside @returns {string} Such as "120 bpm, from the tags" or "about 120 bpm (not sure)". */
export function tempoText({ tempo_bpm: bpm, tempo_source: source, tempo_is_sure: isTempoSure }) {
  const beats = `${Math.round(Number(bpm))} bpm`;
  if (source === "tag") return `${beats}, from the tags`;
  return isTempoSure ? beats : `about ${beats} (not sure)`;
}

/** @param {Inside} inside @returns {string} Such as "A minor · 8A" or "A minor · 8A (not sure)". */
export function keyText({ key, camelot, key_source: source, key_is_sure: isKeySure }) {
  const both = `${key} · ${camelot}`;
  if (source === "tag") return `${both}, from the tags`;
  return isKeySure ? both : `${both} (not sure)`;
}

/** @param {Inside} inside @returns {Fact[]} The known facts about the whole song. */
export function factsOf(inside) {
  const { tempo_bpm: bpm, key, loudness_lufs: lufs, brightness_hz: hz, energy } = inside;
  /** @type {[string, string|null, string][]} */
  const facts = [
    ["Tempo", bpm === null ? null : tempoText(inside), "How many beats there are in a minute. People may tap half or twice as fast."],
    [
      "Key",
      key === null ? null : keyText(inside),
      "The notes that the song is built on. Its code, such as 8A, is for mixing: songs with the same code, or a code beside it (7A, 9A, 8B), fit together.",
    ],
    ["Loudness", lufs === null ? null : formatLoudness(lufs), "How loud the song is on average. The nearer to 0, the louder: −8 is very loud, −20 is quiet."],
    ["Brightness", hz === null ? null : formatBrightness(hz), "Where the middle of the sound lies: low for bass and soft sounds, high for cymbals and hiss."],
    ["Energy", energy === null ? null : `${Math.round(100 * energy)} of 100`, "An estimate of how energetic the song sounds: 0 is calm."],
  ];
  return facts.flatMap(([name, value, meaning]) => (value === null ? [] : [{ name, value, meaning }]));
}
