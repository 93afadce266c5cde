/**
 * Plays two moments in turn in the player, and then what the player had before. Whatever the user does with the player meanwhile ends
 * this, and stays as the user wants it.
 */

import { playFrom } from "../core/actions.js";
import { state, subscribe, update } from "../core/state.js";
import { audioElement, onEachFrame } from "../sound/audio.js";
import { load, pause } from "../sound/player.js";
import { goToSecond, previewStart, secondNow } from "./playhead.js";

/** @typedef {{index: number, startS: number}} Part */
/**
 * @typedef {object} Turn
 * @property {Part[]} parts @property {number} seconds How long each part plays. @property {number} at Which part plays.
 * @property {boolean} hasBegun Whether this part is heard. @property {number|undefined} revision Of the map.
 * @property {{index: number, seconds: number, plays: boolean, chosenPosition: number|null}|null} before What the player had.
 * @property {(part: number|null) => void} onPart Is told which part plays; null at the end.
 */

/** A part ends this long before its song does: at a song's end, another song would play. */
const BEFORE_END_S = 0.3;
/** The browser may set the position a little before the second that was asked for. */
const TOLERANCE_S = 0.5;

/** @type {Turn|null} */
let turn = null;

export function mount() {
  onEachFrame(followTime);
  subscribe(["playing", "sound", "map"], followUser);
}

/** @returns {boolean} Whether two moments play in turn. */
export function isPlaying() {
  return turn !== null;
}

/**
 * Play the first seconds of each part.
 * @param {Part[]} parts @param {number} seconds @param {Turn["onPart"]} onPart
 */
export function playInTurn(parts, seconds, onPart) {
  stop();
  const { playing, song, chosenPosition } = state;
  const before = playing === null || !song ? null : { index: playing, seconds: secondNow(), plays: !audioElement().paused, chosenPosition };
  turn = { parts, seconds, at: 0, hasBegun: false, revision: state.map?.meta.revision, before, onPart };
  playPart(0);
}

/** @param {number} at */
async function playPart(at) {
  const mine = turn;
  if (!mine) return;
  Object.assign(mine, { at, hasBegun: false });
  mine.onPart(at);
  const { index, startS } = mine.parts[at];
  if ((await playFrom(index, startS)) === false && turn === mine) stop();
}

function followTime() {
  if (!turn) return;
  const { index, startS } = turn.parts[turn.at];
  const { duration, paused } = audioElement();
  if (state.playing !== index || state.sound !== "playing" || paused) return;
  const second = secondNow();
  // Until the song is there, the position is that of the song before; and the user may have gone elsewhere in this one.
  if (second < startS - TOLERANCE_S || second > startS + turn.seconds + TOLERANCE_S + 1) return void (turn.hasBegun && abandon());
  turn.hasBegun = true;
  const end = Math.min(startS + turn.seconds, previewStart() + (duration || Infinity) - BEFORE_END_S);
  if (second < end) return;
  if (turn.at + 1 < turn.parts.length) playPart(turn.at + 1);
  else stop();
}

/** The user has paused, or plays another song; or on a new map, the songs have other indices. */
function followUser() {
  if (!turn) return;
  const isOther = state.playing !== turn.parts[turn.at].index || state.map?.meta.revision !== turn.revision;
  if (isOther || state.sound === "error" || (state.sound === "paused" && turn.hasBegun)) abandon();
}

/** End, and leave the player as it is. @returns {Turn|null} What ends. */
function abandon() {
  const ended = turn;
  turn = null;
  ended?.onPart(null);
  return ended;
}

/** End, and let the player have again what it had before. */
export function stop() {
  const ended = abandon();
  if (ended) giveBack(ended.before);
}

/** @param {Turn["before"]} before */
async function giveBack(before) {
  if (!before) return pause();
  const { index, seconds, plays, chosenPosition } = before;
  if (plays) await playFrom(index, seconds);
  else {
    pause();
    await load(index);
    if (state.playing === index && audioElement().paused) goToSecond(seconds);
  }
  if (state.playing === index) update({ chosenPosition });
}
