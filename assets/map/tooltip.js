/** The tooltip of the song under the pointer. */

import { getSong } from "../core/api.js";
import { byId, element } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { artistAndGenres, missingSince, sameSoundText } from "../core/text.js";
import { GAP_PX, frame, freeArea, toPixels } from "./camera.js";
import { valueText } from "./scale_values.js";
import { colourOf, placeOf, shownProjection } from "./songs.js";

/** @typedef {import("../core/types.js").Song} Song */

/** The pointer's pixel; null if it is not on the map. @type {{x: number, y: number}|null} */
let pointer = null;

export function mount() {
  subscribe(["hovered"], show);
  // An error that it shows may be over.
  subscribe(["serverAnswers"], () => state.serverAnswers && state.hovered !== null && show());
}

/** Show the tooltip of `state.hovered` beside the pointer. */
async function show() {
  const index = state.hovered;
  const card = byId("tooltip");
  frame().classList.toggle("over-point", index !== null);
  if (index === null) {
    pointer = null;
    card.hidden = true;
    return;
  }
  const lines = await getSong(index).then(describe, (error) => ["This song cannot be shown", error.message, "", "", ""]);
  const songPlace = placeOf(index);
  if (state.hovered !== index || !songPlace) return;
  const classes = ["tooltip-title", "tooltip-by", "tooltip-value", "tooltip-missing", "tooltip-trust"];
  card.replaceChildren(...classes.map((className, i) => element("div", className, lines[i], { dir: "auto" })));
  card.style.setProperty("--colour", colourOf(index));
  card.hidden = false;
  const { x, y } = pointer ?? toPixels(...songPlace);
  placeCard(x, y);
}

/** @param {Song} song @returns {string[]} The tooltip's lines. */
function describe(song) {
  const missing = song.gone_since ? `File missing since ${missingSince({ gone_since: song.gone_since })}` : "";
  const details = [sameSoundText(song), nearbyText(song)].filter(Boolean).join(" · ");
  return [song.title, artistAndGenres(song), scaleText(song), missing, details];
}

/** @param {Song} song @returns {string} The value that gives the song's point its colour; empty if a group does. */
function scaleText(song) {
  const scale = state.map?.meta.scale;
  return scale ? valueText(scale, song) : "";
}

/** @param {Song} song @returns {string} How many of the songs that sound most like a song are also near it on the map; empty if unknown. */
function nearbyText(song) {
  const count = song.near?.[shownProjection() ?? ""];
  return count === undefined ? "" : `${count} of its ${song.neighbours} most similar songs are nearby`;
}

/** The pointer has moved: place the tooltip beside it. @param {number} x @param {number} y */
export function place(x, y) {
  pointer = { x, y };
  if (!byId("tooltip").hidden) placeCard(x, y);
}

/** Place the tooltip beside a pixel, inside the window. @param {number} x @param {number} y */
function placeCard(x, y) {
  const card = byId("tooltip");
  const { offsetWidth, offsetHeight } = card;
  const free = freeArea();
  const end = Math.max(free.right, x) + GAP_PX - 4;
  const left = x + 16 + offsetWidth > end ? x - 16 - offsetWidth : x + 16;
  const top = Math.min(Math.max(y - offsetHeight - 12, free.top - 16), free.bottom + 12 - offsetHeight);
  card.style.transform = `translate(${Math.max(left, 8)}px, ${top}px)`;
}
