/**
 * This moment: the songs that sound most like some seconds of a song are lit on the map and listed. The user holds a place of the
 * player's waveform, presses a key, or presses a button. It stays until it is closed or another moment is asked for.
 */

import { getMoments, getSong } from "../core/api.js";
import { announce, byId } from "../core/dom.js";
import { dismiss, notify } from "../core/notices.js";
import { state, subscribe, update } from "../core/state.js";
import { formatTime } from "../core/text.js";
import { audioElement } from "../sound/audio.js";
import { watchPlaces } from "./held_place.js";
import { previewStart, secondNow } from "./playhead.js";

/** @typedef {import("../core/types.js").Moment} Moment */

/** A notice says that the page waits, if the answer takes longer than this. */
const WAIT_MS = 600;
const KEY = "moment";

/** The newest request; answers to earlier ones are ignored. */
let newest = Symbol("request");
let count = 0;
/** What the answers depend on: the map's songs, and those that are hidden. */
let shownFor = "";

export function mount() {
  byId("moment-now").addEventListener("click", showMomentNow);
  subscribe(["song", "playing"], () => (byId("moment-now").disabled = state.song === null));
  byId("moment-now").disabled = true;
  subscribe(["map"], followMap);
  watchSeekBar();
}

/** Show the songs that sound like the second that plays, or at which the song is paused. */
export function showMomentNow() {
  const { playing, song } = state;
  if (!song) notify("Play a song first: then this finds the songs that sound like the second that plays.", { key: KEY });
  else if (playing === null) notify("Only a song of the library that is on the map can be compared.", { key: KEY });
  else showMoment(playing, secondNow());
}

/** Show the songs that sound like a moment of a song. @param {number} index @param {number} atS A second in the middle of the moment. */
export async function showMoment(index, atS) {
  const mine = (newest = Symbol("request"));
  const waits = setTimeout(() => notify(`Looking for songs that sound like ${formatTime(atS)} …`, { kind: "wait", key: KEY }), WAIT_MS);
  try {
    const moment = await load(index, atS, ++count);
    if (newest !== mine) return;
    dismiss(KEY);
    if (!moment.moments.length) return void notify("No other song has a moment like this.", { key: KEY });
    update({ moment, momentPosition: -1 });
    const { length } = moment.moments;
    announce(`${length} song${length === 1 ? " sounds" : "s sound"} like ${formatTime(moment.atS)} of ${moment.title}. They are listed in the panel.`);
  } catch (error) {
    if (newest === mine) notify(/** @type {Error} */ (error).message, { key: KEY });
  } finally {
    clearTimeout(waits);
  }
}

/** @param {number} index @param {number} atS @param {number} number @returns {Promise<Moment>} */
async function load(index, atS, number) {
  const [{ title, artist }, answer] = await Promise.all([getSong(index), getMoments(index, atS)]);
  const { start_s, seconds, moments, lit } = answer;
  return { number, index, atS, startS: start_s, seconds, title, artist, moments, lit: new Map(lit) };
}

/** The songs look as before, and the panel shows what it showed before. */
export function closeMoment() {
  newest = Symbol("request");
  dismiss(KEY);
  update({ moment: null, momentPosition: -1 });
}

/** On another map, or with other songs hidden, other songs may sound most like the moment. */
async function followMap() {
  const meta = state.map?.meta;
  const before = shownFor;
  shownFor = `${meta?.revision} ${meta?.order} ${meta?.hide}`;
  const { moment } = state;
  if (!moment || before === shownFor) return;
  const mine = (newest = Symbol("request"));
  const loaded = await load(moment.index, moment.atS, moment.number).catch(() => null);
  if (newest !== mine || state.moment !== moment || !loaded) return;
  const position = loaded.moments.findIndex(({ index }) => index === state.playing);
  update({ moment: loaded, momentPosition: state.momentPosition < 0 ? -1 : position });
}

/** Let the user hold a place of the seek bar. The press itself moves the song there, as any click. */
function watchSeekBar() {
  const bar = byId("seek");
  const input = bar.querySelector("input");
  let second = 0;
  watchPlaces(bar, {
    press: () => {
      second = audioElement().currentTime;
      return !input.disabled && state.playing !== null && state.previewed === null;
    },
    second: () => previewStart() + second,
    onHold: (held) => state.playing !== null && showMoment(state.playing, held),
  });
  // The slider has moved to the place that was pressed.
  input.addEventListener("input", () => (second = (Number(input.value) / Number(input.max)) * (audioElement().duration || 0)));
}
