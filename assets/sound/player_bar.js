/** The bar at the bottom: title, time, sliders and buttons. It shows the state and the audio element's time. */

import { playOrPause } from "../core/actions.js";
import { getSong } from "../core/api.js";
import { byId, element, setLabel } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { artistAndGenres, timesOf } from "../core/text.js";
import { audioElement, isPausedForPreview, isSoundOn, onTime } from "./audio.js";
import { playedShare } from "./pictures.js";
import { seekTo, setVolume, toggleMute } from "./player.js";
import { changeRepeat, hasNext, hasPrevious, isListPlaying, next, previous } from "./queue.js";
import { modeNow, repeatLabel } from "./queue_rules.js";

const REPEAT_ICONS = { on: "go-on", all: "repeat", one: "repeat-one", stop: "stop-after" };
const NOTHING = "Nothing plays yet";

/** @type {HTMLInputElement} */
let seek;
/** @type {HTMLInputElement} */
let volume;

export function mount() {
  seek = makeRange("seek", "Position in the song", 1000);
  volume = makeRange("volume", "Volume", 100);
  seek.addEventListener("input", () => seekTo(Number(seek.value) / 1000));
  volume.addEventListener("input", () => setVolume(Number(volume.value) / 100));
  byId("play").addEventListener("click", playOrPause);
  byId("previous").addEventListener("click", () => previous({ restarts: true }));
  byId("next").addEventListener("click", next);
  byId("repeat").addEventListener("click", changeRepeat);
  byId("mute").addEventListener("click", toggleMute);
  subscribe(["sound", "song", "previewed"], showSound);
  subscribe(["song", "previewed", "sound"], showTitle);
  subscribe(["song", "map", "walk", "walkPosition", "chosen", "chosenPosition"], showSteps);
  subscribe(["song", "previewed"], showTime);
  subscribe(["volume", "isMuted"], showVolume);
  subscribe(["repeat", "chosenPosition"], showRepeat);
  onTime(showTime);
  showVolume();
  showRepeat();
  showTime();
  showSteps();
}

/** @param {string} id @param {string} label @param {number} max @returns {HTMLInputElement} */
function makeRange(id, label, max) {
  const range = element("input", "", null, { type: "range", min: 0, max, step: 1, "aria-label": label });
  range.value = 0;
  byId(id).append(range);
  return range;
}

/** @param {HTMLInputElement} range @param {number} value */
function setRange(range, value) {
  range.value = String(value);
  range.style.setProperty("--filled", `${(100 * value) / Number(range.max)}%`);
}

/** @param {string} id The button. @param {string} icon */
function setIcon(id, icon) {
  byId(id).firstElementChild.className = `icon icon-${icon}`;
}

/** Show whether something sounds: the song or a preview. Then the button makes it silent. */
function showSound() {
  const isOn = isSoundOn() || state.previewed !== null;
  byId("player").dataset.state = state.song || state.sound !== "paused" ? state.sound : "idle";
  setIcon("play", isOn ? "pause" : "play");
  setLabel(byId("play"), isOn ? "Pause (space)" : "Play (space)");
}

/** Which buttons can do something. */
function showSteps() {
  byId("play").disabled = !state.map && !state.song;
  byId("next").disabled = !hasNext();
  byId("previous").disabled = !hasPrevious();
}

/**
 * Show the title of what sounds. While a preview plays, the bar shows nothing of the song in the player except that it continues
 * after the preview.
 */
async function showTitle() {
  const { song: loaded, previewed } = state;
  if (loaded) document.title = `${loaded.title} · Music Explorer`;
  byId("player").classList.toggle("previewing", previewed !== null);
  const continues = previewed !== null && loaded && isPausedForPreview();
  byId("preview-note").replaceChildren(...(continues ? [element("span", "", `${loaded.title} continues after the preview`)] : []));
  const song = previewed === null ? loaded : await getSong(previewed).catch(() => null);
  if (state.previewed !== previewed || (previewed === null && state.song !== loaded)) return;
  setText("now-title", song?.title ?? (previewed === null ? NOTHING : "Preview"));
  setText("now-by", song ? [previewed !== null && "Preview", artistAndGenres(song)].filter(Boolean).join(" · ") : "");
}

/** Show a text in a part of the bar, and as its tooltip, because it may be cut off. @param {string} id @param {string} text */
function setText(id, text) {
  byId(id).textContent = byId(id).title = text;
}

function showVolume() {
  const { isMuted } = state;
  const isSilent = isMuted || state.volume === 0;
  setRange(volume, isSilent ? 0 : state.volume * 100);
  setIcon("mute", isSilent ? "muted" : "volume");
  setLabel(byId("mute"), isMuted ? "Unmute (m)" : "Mute (m)");
  byId("mute").setAttribute("aria-pressed", String(isMuted));
}

function showRepeat() {
  const isList = isListPlaying();
  const repeat = modeNow(state.repeat, isList);
  byId("repeat").dataset.repeat = repeat;
  setIcon("repeat", REPEAT_ICONS[repeat]);
  setLabel(byId("repeat"), repeatLabel(repeat, isList));
}

/** Show the position in the song, and its length. */
function showTime() {
  const audio = audioElement();
  const isKnown = Number.isFinite(audio.duration) && audio.duration > 0;
  const { elapsed, length } = timesOf(audio, state.song?.duration_s);
  byId("elapsed").textContent = elapsed;
  byId("duration").textContent = length;
  setRange(seek, isKnown ? 1000 * playedShare(audio) : 0);
  seek.disabled = !isKnown;
  seek.setAttribute("aria-valuetext", `${elapsed} of ${isKnown ? length : "unknown"}`);
}
