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
import { movedIndex } from "../sound/player.js";
import { watchPlaces } from "./held_place.js";
import { previewStart, secondNow } from "./playhead.js";

/** @typedef {import("../core/types.js").Moment} Moment */

/** A notice says that the page waits, if the answer takes longer than this. */
const WAIT_MS = 600;
const KEY = "moment";

/** The newest request; answers to earlier ones are ignored. */
let newest = Symbol("request");
let request = new AbortController();
/** What the newest request asks for; null if it is answered. @type {{index: number, atS: number}|null} */
let awaited = null;
let count = 0;
/** What the answers depend on: the map's songs, and those that are hidden. */
let shownFor = "";
/** @type {number|undefined} */
let shownRevision;

export function mount() {
  byId("moment-now").addEventListener("click", showMomentNow);
  subscribe(["song", "playing"], () => (byId("moment-now").disabled = state.song === null));
  byId("moment-now").disabled = true;
  subscribe(["map"], followMap);
  watchSeekBar();
}

/** Show the songs that sound like the second that plays, or at which the song is paused. */
export function showMomentNow() {
  const { playing, previewed, song } = state;
  if (previewed !== null) notify("This is a preview: click the song, then press . again.", { key: KEY });
  else if (!song) notify("Play a song first: then this finds the songs that sound like the second that plays.", { key: KEY });
  else if (playing === null) notify("Only a song of the library that is on the map can be compared.", { key: KEY });
  else showMoment(playing, secondNow());
}

/** Show the songs that sound like a moment of a song. @param {number} index @param {number} atS A second in the middle of the moment. */
export async function showMoment(index, atS) {
  const mine = begin();
  awaited = { index, atS };
  const waits = setTimeout(() => notify(`Looking for songs that sound like ${formatTime(atS)} …`, { kind: "wait", key: KEY }), WAIT_MS);
  try {
    const moment = await load(index, atS, ++count);
    if (newest !== mine) return;
    awaited = null;
    dismiss(KEY);
    if (!moment.moments.length) return void notify("No other song has a moment like this.", { key: KEY });
    update({ moment, momentPosition: -1 });
    const { length } = moment.moments;
    announce(`${length} song${length === 1 ? " sounds" : "s sound"} like ${formatTime(moment.atS)} of ${moment.title}. They are listed in the panel.`);
  } catch (error) {
    if (newest !== mine) return;
    awaited = null;
    notify(/** @type {Error} */ (error).message, { key: KEY });
  } finally {
    clearTimeout(waits);
  }
}

/** A new request begins, or none is wanted: the server drops the one before. @returns {symbol} */
function begin() {
  request.abort();
  request = new AbortController();
  awaited = null;
  return (newest = Symbol("request"));
}

/** @param {number} index @param {number} atS @param {number} number @returns {Promise<Moment>} */
async function load(index, atS, number) {
  const [{ title, artist }, answer] = await Promise.all([getSong(index), getMoments(index, atS, request.signal)]);
  const { start_s, seconds, moments, lit } = answer;
  return { number, index, atS, startS: start_s, seconds, title, artist, moments, lit: new Map(lit) };
}

/** The songs look as before, and the panel shows what it showed before. */
export function closeMoment() {
  begin();
  dismiss(KEY);
  update({ moment: null, momentPosition: -1 });
}

/** On another map, or with other songs hidden, other songs may sound most like the moment. */
async function followMap() {
  const meta = state.map?.meta;
  const before = shownFor;
  shownFor = `${meta?.revision} ${meta?.order} ${meta?.hide}`;
  const isOtherMap = shownRevision !== meta?.revision;
  shownRevision = meta?.revision;
  if (before === shownFor) return;
  if (awaited) return askAgain(awaited, isOtherMap);
  const { moment } = state;
  if (!moment) return;
  const mine = begin();
  const loaded = await load(moment.index, moment.atS, moment.number).catch(() => null);
  if (newest !== mine || state.moment !== moment || !loaded) return;
  const position = loaded.moments.findIndex(({ index }) => index === state.playing);
  update({ moment: loaded, momentPosition: state.momentPosition < 0 ? -1 : position });
}

/**
 * The map has changed before the answer was there.
 * @param {{index: number, atS: number}} asked @param {boolean} isOtherMap Whether songs have other indices now.
 */
function askAgain({ index, atS }, isOtherMap) {
  const now = isOtherMap ? movedIndex(index) : index;
  if (now !== null) return void showMoment(now, atS);
  begin();
  notify("The map has changed, and the song of this moment is not on it.", { key: KEY });
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
