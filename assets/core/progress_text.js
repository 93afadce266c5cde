/** What the page says about an index run. Pure functions. */

import { storedProjection } from "./text.js";

/**
 * @typedef {object} IndexRun What the server tells about an index run.
 * @property {"starting"|"scan"|"first look"|"full"|"map"} stage
 * @property {number} done @property {number} total Songs of the stage.
 * @property {number|null} seconds_left
 *
 * @typedef {{text: string, note: string, share: number|null}} Description What the card says; the share is from 0 to 1.
 */

/**
 * @param {{index: IndexRun|null, problem: string, first_look: boolean}} latest
 * @returns {Description|null} What the card says; null if there is nothing to say.
 */
export function describe({ index, problem, first_look: isFirstLook }) {
  if (problem) return { text: "New songs are not being added", note: problem, share: null };
  const rough = "The map is from a first look: a few seconds of each song.";
  if (index?.stage === "first look") {
    const note = "The map is rough and grows while you listen. It becomes exact when every song has been heard in full.";
    return { text: `First look: ${numbers(index)}`, note, share: shareOf(index) };
  }
  if (index?.stage === "full" && isFirstLook) {
    const left = timeLeft(index);
    const until = left ? `${left} until it is exact` : "It becomes exact when every song has been heard in full";
    return { text: `Heard in full: ${numbers(index)}`, note: `${rough} ${until}.`, share: shareOf(index) };
  }
  if (index?.stage === "full") return { text: `Adding songs: ${numbers(index)}`, note: timeLeft(index), share: shareOf(index) };
  if (isFirstLook && !index) return { text: "A rough map", note: `${rough} Open the folder again to make it exact.`, share: null };
  return null;
}

/** @param {IndexRun} index @returns {{text: string, share: number|null}} What the page says while there is no map. */
export function describeWithoutMap(index) {
  /** @type {Object<string, string>} */
  const texts = { starting: "Starting …", scan: "Looking for songs in your folder …", map: "Drawing the map …" };
  if (texts[index.stage]) return { text: texts[index.stage], share: null };
  const left = timeLeft(index);
  const songs = `${numbers(index)} song${index.total === 1 ? "" : "s"}`;
  const text = index.stage === "first look" ? `First look: ${songs}` : `${songs} heard in full`;
  return { text: text + (left && ` · ${left.toLowerCase()}`), share: shareOf(index) };
}

/** @param {IndexRun} index @returns {string} As "12 of 1,000". */
function numbers({ done, total }) {
  return `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
}

/** @param {IndexRun} index @returns {number|null} */
function shareOf({ done, total }) {
  return total ? Math.min(done / total, 1) : null;
}

/** @param {{seconds_left: number|null}} index @returns {string} As "About 3 h left"; empty if unknown. */
export function timeLeft({ seconds_left: seconds }) {
  if (seconds === null || seconds === undefined) return "";
  /** @type {[string, number]} */
  const [unit, length] = seconds < 90 ? ["s", 1] : seconds < 5400 ? ["min", 60] : seconds < 259_200 ? ["h", 3600] : ["days", 86_400];
  const count = unit === "s" ? Math.max(10, 10 * Math.round(seconds / 10)) : Math.round(seconds / length);
  return `About ${count} ${unit} left`;
}

/**
 * @param {{text: string, share: number|null}} description
 * @returns {string} A text that changes when a stage begins and at each quarter of it: then screen readers say how far
 *   the run is.
 */
export function milestoneOf({ text, share }) {
  return `${text.split(":")[0]} ${Math.floor(4 * (share ?? 0))}`;
}

/**
 * @param {object} situation
 * @param {string} situation.projection The one that is shown.
 * @param {Object<string, number|null>} situation.layouts The projections whose places are still those of the first look.
 * @param {string|null} situation.kept The layouts that the user has chosen to keep, as JSON.
 * @returns {boolean} Whether the page offers to draw the map again.
 */
export function isRedrawOffered({ projection, layouts, kept }) {
  return storedProjection(projection) in layouts && kept !== JSON.stringify(layouts);
}
