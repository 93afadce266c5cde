/** The bar at the bottom: title, time, sliders and buttons. It shows the state and the audio element's time. */

import { getSong } from "../core/api.js";
import { byId, element, setLabel } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { artistAndGenres, formatTime } from "../core/text.js";
import { audioElement, isSoundOn, onTime } from "./audio.js";
import { seekTo, setVolume, toggle, toggleMute } from "./player.js";
import { changeRepeat, next, previous } from "./queue.js";
import { repeatLabel } from "./queue_rules.js";

/** @type {HTMLInputElement} */
let seek;
/** @type {HTMLInputElement} */
let volume;

export function mount() {
  seek = makeRange("seek", "Position in the song", 1000);
  volume = makeRange("volume", "Volume", 100);
  seek.addEventListener("input", () => seekTo(Number(seek.value) / 1000));
  volume.addEventListener("input", () => setVolume(Number(volume.value) / 100));
  byId("play").addEventListener("click", toggle);
  byId("previous").addEventListener("click", () => previous({ restarts: true }));
  byId("next").addEventListener("click", next);
  byId("repeat").addEventListener("click", changeRepeat);
  byId("mute").addEventListener("click", toggleMute);
  subscribe(["sound", "song"], showSound);
  subscribe(["song", "previewed"], showTitle);
  subscribe(["volume", "isMuted"], showVolume);
  subscribe(["repeat"], showRepeat);
  onTime(showTime);
  showVolume();
  showRepeat();
  showTime();
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

/** Show whether the song plays. */
function showSound() {
  const isOn = isSoundOn();
  byId("player").dataset.state = state.sound;
  setIcon("play", isOn ? "pause" : "play");
  setLabel(byId("play"), isOn ? "Pause (space)" : "Play (space)");
}

/** Show the title of the song; while a preview plays, the preview's title. */
async function showTitle() {
  const { song: loaded, previewed } = state;
  if (loaded) document.title = `${loaded.title} · Music Explorer`;
  byId("player").classList.toggle("previewing", previewed !== null);
  const song = previewed === null ? loaded : await getSong(previewed).catch(() => null);
  if (!song || state.previewed !== previewed) return;
  setText("now-title", song.title);
  setText("now-by", artistAndGenres(song));
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
  const { repeat } = state;
  byId("repeat").dataset.repeat = repeat;
  setIcon("repeat", repeat === "one" ? "repeat-one" : "repeat");
  setLabel(byId("repeat"), repeatLabel(repeat));
}

/** Show the position in the song, and its length. */
function showTime() {
  const { currentTime, duration } = audioElement();
  const isKnown = Number.isFinite(duration) && duration > 0;
  const [elapsed, length] = [formatTime(currentTime), formatTime(isKnown ? duration : 0)];
  byId("elapsed").textContent = elapsed;
  byId("duration").textContent = length;
  setRange(seek, isKnown ? (1000 * currentTime) / duration : 0);
  seek.disabled = !isKnown;
  seek.setAttribute("aria-valuetext", `${elapsed} of ${isKnown ? length : "unknown"}`);
}
