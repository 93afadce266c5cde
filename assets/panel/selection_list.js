/** The selection's list in the panel: its rows, which can be dragged, moved with buttons, and removed. */

import { flyToAndPlay } from "../core/actions.js";
import { getSong } from "../core/api.js";
import { announce, byId, element, iconButton, setLabel } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { artistOrUnknown } from "../core/text.js";
import { toggle } from "../sound/player.js";
import { markRows } from "./panel.js";
import { clear, moveTo, playFrom, remove, removeHidden } from "./selection.js";
import { learnId, mount as mountIds } from "./selection_ids.js";

/** The largest number of rows in the list. */
const MAX_ROWS = 300;

/** @type {any} */
let list;
/** Titles are loaded only for rows in view. @type {IntersectionObserver} */
let rowObserver;
/** Which files are missing and which songs are hidden on the map that is drawn. */
let drawnFiles = "";

export function mount() {
  list = byId("choice-list");
  byId("choice-play").addEventListener("click", () => playFrom(0));
  byId("choice-clear").addEventListener("click", clear);
  rowObserver = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) fillRow(target);
  });
  enableDragging();
  showList();
  subscribe(["chosen"], showList);
  mountIds();
  subscribe(["map"], followMap);
}

/** Songs that are hidden now leave the selection. */
function followMap() {
  if (!state.map) return;
  const { changes, hide } = state.map.meta;
  const files = `${changes} ${hide}`;
  if (files !== drawnFiles) removeHidden();
  drawnFiles = files;
}

function showList() {
  const { length } = state.chosen;
  byId("tab-choice-count").textContent = length ? length.toLocaleString("en") : "";
  byId("choice-empty").hidden = length > 0;
  byId("choice-tools").hidden = byId("choice-export").hidden = length === 0;
  const notListed = length - MAX_ROWS;
  byId("choice-more").textContent = notListed > 0 ? `… and ${notListed.toLocaleString("en")} more. They are also played and exported.` : "";
  rowObserver.disconnect();
  list.replaceChildren(...state.chosen.slice(0, MAX_ROWS).map(makeRow));
  for (const row of list.children) rowObserver.observe(row);
  markRows();
}

/** Make a song's row. `fillRow` adds its title and artist later. @param {number} index @returns {HTMLElement} */
function makeRow(index) {
  const row = element("li", "song-row", null, { "data-index": index, draggable: "true" });
  const play = iconButton("play", "Play", "row-play");
  play.addEventListener("click", () => (state.playing === index ? toggle() : playFrom(state.chosen.indexOf(index))));
  const names = element("button", "row-names", null, { type: "button" });
  names.append(element("span", "row-title", "…", { dir: "auto" }), element("span", "row-by", "…", { dir: "auto" }));
  names.addEventListener("click", () => flyToAndPlay(index));
  const up = iconButton("up", "Move up", "row-tool");
  const down = iconButton("down", "Move down", "row-tool");
  const close = iconButton("close", "Remove from the selection", "row-tool");
  up.addEventListener("click", () => move(index, -1, ".icon-up"));
  down.addEventListener("click", () => move(index, 1, ".icon-down"));
  close.addEventListener("click", () => remove(index));
  row.append(play, names, up, down, close);
  return row;
}

/** @param {any} row */
async function fillRow(row) {
  rowObserver.unobserve(row);
  const index = Number(row.dataset.index);
  const details = getSong(index);
  learnId(index, details);
  const { title, artist } = await details.catch((error) => ({ title: error.message, artist: "" }));
  row.querySelector(".row-title").textContent = title;
  row.querySelector(".row-by").textContent = artistOrUnknown(artist);
  const [play, , up, down, close] = row.children;
  setLabel(play, `Play ${title}`);
  setLabel(up, `Move ${title} up`);
  setLabel(down, `Move ${title} down`);
  setLabel(close, `Remove ${title} from the selection`);
}

/**
 * Move a song up or down in the list, and keep the focus on the button that was pressed.
 * @param {number} index @param {number} by 1 or -1. @param {string} icon The selector of the button's icon.
 */
function move(index, by, icon) {
  moveTo(index, state.chosen.indexOf(index) + by);
  list.querySelector(`[data-index="${index}"] ${icon}`)?.parentElement.focus();
  announce(`Position ${state.chosen.indexOf(index) + 1} of ${state.chosen.length}`);
}

/** Let the user drag rows to other positions in the list. */
function enableDragging() {
  /** @type {number|null} */
  let dragged = null;
  const rowOf = (/** @type {any} */ { target }) => target.closest?.(".song-row");
  list.addEventListener("dragstart", (/** @type {any} */ event) => {
    dragged = Number(rowOf(event).dataset.index);
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", String(dragged));
  });
  list.addEventListener("dragover", (/** @type {any} */ event) => {
    const row = rowOf(event);
    if (dragged === null || !row) return;
    event.preventDefault();
    for (const other of list.children) other.classList.toggle("drop-here", other === row);
  });
  list.addEventListener("drop", (/** @type {any} */ event) => {
    event.preventDefault();
    const row = rowOf(event);
    if (dragged !== null && row) moveTo(dragged, state.chosen.indexOf(Number(row.dataset.index)));
  });
  list.addEventListener("dragend", () => {
    dragged = null;
    for (const row of list.children) row.classList.remove("drop-here");
  });
}
