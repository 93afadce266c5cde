/**
 * Why similar: a card below a song's row shows where the two songs sound most alike, on two small waveforms, and plays both moments in
 * turn. One card is open at most.
 */

import { getSong, getWhy } from "../core/api.js";
import { element } from "../core/dom.js";
import { onEscape } from "../core/escape.js";
import { state, subscribe } from "../core/state.js";
import { formatTime } from "../core/text.js";
import { canPlayFrom } from "../sound/preview_time.js";
import { makeSmallWaveform } from "./small_waveform.js";
import * as sound from "./why_sound.js";

/** @typedef {import("../core/types.js").Song} Song */

/** The card that is open. @type {{button: HTMLElement, card: HTMLElement, request: AbortController}|null} */
let open = null;

export function mount() {
  sound.mount();
  onEscape(() => Boolean(open?.card.isConnected), close, "menu");
  subscribe(["selections"], close);
  // Nobody would see how to stop it.
  subscribe(["panelTab", "isPanelOpen"], () => (state.panelTab === "song" && state.isPanelOpen) || sound.stop());
}

/** @param {HTMLElement} row A song's row: it has the song's index. @param {string} title @returns {HTMLElement} The button that opens its card. */
export function makeWhyButton(row, title) {
  const button = element("button", "row-tool row-why", "Why?", { type: "button", "aria-expanded": "false" });
  button.title = "Where these two songs sound most alike";
  button.append(element("span", "visually-hidden", ` Where ${title} sounds like this song`));
  button.addEventListener("click", () => {
    const isOpen = open?.button === button;
    close();
    if (!isOpen) show(row, button);
  });
  return button;
}

function close() {
  if (!open) return;
  const { button, card, request } = open;
  open = null;
  request.abort();
  const hasFocus = card.contains(document.activeElement);
  card.remove();
  button.setAttribute("aria-expanded", "false");
  button.closest(".song-row")?.classList.remove("has-why");
  if (hasFocus) button.focus();
  sound.stop();
}

/** @param {HTMLElement} row @param {HTMLElement} button */
async function show(row, button) {
  const [selected, other] = [state.selected, Number(row.dataset.index)];
  if (selected === null) return;
  const card = element("div", "why");
  const text = element("p", "why-text", "Comparing the two songs …", { role: "status" });
  card.append(text);
  const mine = (open = { button, card, request: new AbortController() });
  row.append(card);
  row.classList.add("has-why");
  button.setAttribute("aria-expanded", "true");
  try {
    const [songs, match] = await Promise.all([Promise.all([getSong(selected), getSong(other)]), getWhy(selected, other)]);
    if (open !== mine) return;
    const { a_s, b_s, seconds, similarity } = match;
    if (a_s === null || b_s === null || similarity === null) {
      text.textContent = match.advice ?? "The moments of these songs are not known.";
      return;
    }
    text.textContent = `Most alike: ${formatTime(a_s)} here and ${formatTime(b_s)} there (similarity ${similarity.toFixed(2)}).`;
    fill(mine, songs, [a_s, b_s], seconds);
  } catch (error) {
    if (open === mine) text.textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {NonNullable<typeof open>} mine @param {Song[]} songs @param {number[]} starts @param {number} seconds */
function fill({ card, request }, songs, starts, seconds) {
  const parts = songs.map((song, i) => {
    const part = element("div", "why-part");
    const head = element("div", "why-head");
    head.append(element("span", "why-title", song.title, { dir: "auto" }), element("span", "why-time", formatTime(starts[i])));
    part.append(head, makeSmallWaveform(song, { startS: starts[i], seconds }, request.signal));
    return part;
  });
  const button = element("button", "button quiet", "Play both moments", { type: "button" });
  button.addEventListener("click", () => {
    if (sound.isPlaying()) return sound.stop();
    const [selected, other] = [state.selected, Number(card.closest(".song-row")?.getAttribute("data-index"))];
    if (selected === null) return;
    const moments = [selected, other].map((index, i) => ({ index, startS: starts[i] }));
    sound.playInTurn(moments, seconds, (now) => {
      button.textContent = now === null ? "Play both moments" : "Stop";
      parts.forEach((part, i) => part.classList.toggle("sounding", i === now));
    });
  });
  card.append(...parts, button);
  const missing = songs.find((song, i) => !canPlayFrom(song, starts[i]));
  if (!missing) return;
  button.disabled = true;
  card.append(element("p", "why-text", missing.fallback ? `Only a preview of ${missing.title} is there.` : `The file of ${missing.title} is missing.`));
}
