/** The selection's list in the panel: its rows, which can be dragged, moved with buttons, and removed. */

import { getSong } from "../core/api.js";
import { byId, element, icon, iconButton, setLabel } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { artistOrUnknown } from "../core/text.js";
import { flyTo } from "../map/camera.js";
import { toggle } from "../sound/player.js";
import { markRows } from "./panel.js";
import { clear, moveTo, playFrom, remove } from "./selection.js";
import { mount as mountHead } from "./selection_head.js";
import { notShown } from "./selection_store.js";
import { notShownText, songCount } from "./selection_text.js";

/** The largest number of rows in the list. */
const MAX_ROWS = 300;

/** @type {any} */
let list;
/** Titles are loaded only for rows in view. @type {IntersectionObserver} */
let rowObserver;
export function mount() {
  list = byId("choice-list");
  byId("choice-play").addEventListener("click", () => playFrom(0));
  byId("choice-clear").addEventListener("click", clearAll);
  rowObserver = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) fillRow(target);
  });
  enableDragging();
  mountHead();
  showList();
  subscribe(["chosen"], showList);
  subscribe(["desk", "map"], showNotShown);
}

/** @param {any} target @returns {any} The row that an element is in, or null. */
function rowOf(target) {
  return target.closest?.(".song-row") ?? null;
}

function showList() {
  const { length } = state.chosen;
  byId("tab-choice-count").textContent = length ? length.toLocaleString("en") : "";
  byId("tab-choice").setAttribute("aria-label", length ? `Selection, ${songCount(length)}` : "Selection");
  byId("choice-empty").hidden = length > 0;
  byId("choice-tools").hidden = byId("choice-export").hidden = length === 0;
  const notListed = length - MAX_ROWS;
  byId("choice-more").textContent = notListed > 0 ? `… and ${notListed.toLocaleString("en")} more. They are also played and exported.` : "";
  const focused = focusedTool();
  rowObserver.disconnect();
  list.replaceChildren(...state.chosen.slice(0, MAX_ROWS).map(makeRow));
  for (const row of list.children) rowObserver.observe(row);
  markRows();
  if (focused) focusTool(focused);
  showNotShown();
}

/** The button goes with the songs: what brings them back gets the focus. */
function clearAll() {
  clear();
  byId("choice-undo").focus();
}

/** Say which songs of the selection are not listed, and why. */
function showNotShown() {
  byId("choice-away").textContent = notShownText(notShown());
}

/** @returns {{index: number, row: number, tool: number}|null} Which button of which row has the focus. */
function focusedTool() {
  const button = document.activeElement;
  const row = button && list.contains(button) ? rowOf(button) : null;
  if (!row) return null;
  return { index: Number(row.dataset.index), row: [...list.children].indexOf(row), tool: [...row.querySelectorAll("button")].indexOf(button) };
}

/** The rows are new elements: focus the same button of the same song, or of the row that has taken its place. @param {{index: number, row: number, tool: number}} focused */
function focusTool({ index, row, tool }) {
  const same = list.querySelector(`[data-index="${index}"]`) ?? list.children[Math.min(row, list.children.length - 1)];
  const buttons = same ? [...same.querySelectorAll("button")] : [byId("choice-empty").querySelector("button")];
  const button = buttons[same ? tool : 0];
  // The first row cannot be moved up, nor the last one down: the button for the other direction is beside it.
  const other = [buttons[tool + 1], buttons[tool - 1]].find((near) => near && !near.disabled);
  (button?.disabled ? other : button)?.focus();
}

/** Make a song's row. `fillRow` adds its title and artist later. @param {number} index @returns {HTMLElement} */
function makeRow(index) {
  const row = element("li", "song-row", null, { "data-index": index, draggable: "true" });
  const play = element("button", "icon-button row-play", null, { type: "button" });
  const label = element("span", "visually-hidden");
  label.append(element("span", "row-verb", "Play "), element("span", "row-song", "…"));
  play.append(icon("play"), label);
  const names = element("button", "row-names", null, { type: "button" });
  names.append(element("span", "row-title", "…", { dir: "auto" }), element("span", "row-by", "…", { dir: "auto" }));
  // A click on the title does the same as the play button: the list goes on from here.
  for (const button of [play, names]) {
    button.addEventListener("click", () => (state.playing === index && state.chosenPosition !== null ? toggle() : playFrom(state.chosen.indexOf(index))));
  }
  const [show, up, down, close] = [["locate", "Show on the map"], ["up", "Move up"], ["down", "Move down"], ["close", "Remove from the selection"]].map(
    ([name, text]) => iconButton(name, text, "row-tool"),
  );
  show.addEventListener("click", () => flyTo(index));
  up.addEventListener("click", () => moveTo(index, state.chosen.indexOf(index) - 1));
  down.addEventListener("click", () => moveTo(index, state.chosen.indexOf(index) + 1));
  up.disabled = index === state.chosen[0];
  down.disabled = index === state.chosen.at(-1);
  close.addEventListener("click", () => remove(index));
  const tools = element("span", "row-tools");
  tools.append(show, up, down, close);
  row.append(play, names, tools);
  return row;
}

/** @param {any} row */
async function fillRow(row) {
  rowObserver.unobserve(row);
  const { title, artist } = await getSong(Number(row.dataset.index)).catch((error) => ({ title: error.message, artist: "" }));
  row.querySelector(".row-title").textContent = title;
  row.querySelector(".row-by").textContent = artistOrUnknown(artist);
  row.querySelector(".row-song").textContent = title;
  const [, names, show, up, down, close] = row.querySelectorAll("button");
  names.title = title;
  setLabel(show, `Show ${title} on the map`);
  setLabel(up, `Move ${title} up`);
  setLabel(down, `Move ${title} down`);
  setLabel(close, `Remove ${title} from the selection`);
}

/** Let the user drag rows to other positions in the list. */
function enableDragging() {
  /** @type {number|null} */
  let dragged = null;
  list.addEventListener("dragstart", (/** @type {any} */ event) => {
    dragged = Number(rowOf(event.target).dataset.index);
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", String(dragged));
  });
  list.addEventListener("dragover", (/** @type {any} */ event) => {
    const row = rowOf(event.target);
    if (dragged === null || !row) return;
    event.preventDefault();
    for (const other of list.children) other.classList.toggle("drop-here", other === row);
  });
  list.addEventListener("drop", (/** @type {any} */ event) => {
    event.preventDefault();
    const row = rowOf(event.target);
    if (dragged !== null && row) moveTo(dragged, state.chosen.indexOf(Number(row.dataset.index)));
  });
  list.addEventListener("dragend", () => {
    dragged = null;
    for (const row of list.children) row.classList.remove("drop-here");
  });
}
