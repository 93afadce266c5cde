/** How the values that colour the map are written. Pure functions. */

import { formatTime } from "../core/text.js";

/** @typedef {import("../core/types.js").ScaleMeta} ScaleMeta */
/** @typedef {import("../core/types.js").Song} Song */

/** @param {number} hz @returns {string} A frequency as people write it: "850 Hz", "1.8 kHz". */
export function formatFrequency(hz) {
  return hz < 999.5 ? `${hz.toFixed(0)} Hz` : `${(hz / 1000).toFixed(1)} kHz`;
}

/** @type {Object<string, (value: any, song: Song) => string>} */
const FORMS = {
  number: String,
  time: formatTime,
  bpm: (bpm) => `${Math.round(bpm)} bpm`,
  key: (key, { camelot }) => `${key} · ${camelot}`,
  lufs: (lufs) => `${Math.round(lufs)} LUFS`,
  hz: formatFrequency,
  share: (share) => `${Math.round(100 * share)}%`,
};

/** @param {ScaleMeta} scale @param {Song} song @returns {string} The song's value, with words of doubt if it is not sure. */
export function valueText(scale, song) {
  const fields = /** @type {Object<string, any>} */ (song);
  const value = fields[scale.field];
  if (value === null || value === undefined || value === "") return scale.missing;
  const text = FORMS[scale.form](value, song);
  if (!scale.sure_field || fields[scale.sure_field]) return text;
  return `${scale.form === "bpm" ? "about " : ""}${text} (not sure)`;
}
