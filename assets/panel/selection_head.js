/** The head of the selection's tab: its name, the list of all selections, undo and redo, and what the user is told of changes. */

import { getSong } from "../core/api.js";
import { byId, element, icon, iconButton, setLabel } from "../core/dom.js";
import { notify } from "../core/notices.js";
import { state, subscribe } from "../core/state.js";
import { isBlank, openOf } from "./kept_selections.js";
import { discard, open, openNew, rename } from "./selection.js";
import { mount as mountStore, redo, undo } from "./selection_store.js";
import { newsText, songCount } from "./selection_text.js";

/** Fields that undo their own changes. */
const TEXT_FIELDS = "input:not([type=range], [type=radio], [type=checkbox]), textarea, [contenteditable]";

/** @typedef {import("./kept_selections.js").Selection} Selection */

/** @type {HTMLInputElement} */
let nameField;
/** @type {HTMLButtonElement} */
let undoButton;
/** @type {HTMLButtonElement} */
let menuButton;
/** @type {HTMLElement} */
let menu;

export function mount() {
  makeHead();
  mountStore();
  subscribe(["desk", "selectionUndo"], showHead);
  subscribe(["selectionNews"], tell);
  document.addEventListener("keydown", onKey);
  showHead();
}

/** Make the elements; the server's layout has no text fields without Dash. */
function makeHead() {
  const attributes = { id: "choice-name", type: "text", "aria-label": "Name of the selection", dir: "auto", autocomplete: "off", spellcheck: "false" };
  nameField = element("input", "choice-name", null, attributes);
  nameField.addEventListener("change", renameOpen);
  nameField.addEventListener("keydown", onNameKey);
  undoButton = iconButton("undo", "Undo the last change (Ctrl+Z)", "choice-undo");
  undoButton.id = "choice-undo";
  undoButton.addEventListener("click", undo);
  menuButton = element("button", "button quiet choice-all", null, { type: "button", id: "choice-all", "aria-expanded": "false", "aria-controls": "choice-menu" });
  menuButton.append(element("span", "choice-all-label", "All"), icon("down"));
  menuButton.addEventListener("click", () => toggleMenu(menu.hidden));
  menu = element("div", "choice-menu", null, { id: "choice-menu", role: "group", "aria-label": "All selections" });
  menu.hidden = true;
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    toggleMenu(false);
    menuButton.focus();
  });
  const line = element("div", "choice-line");
  line.append(nameField, undoButton, menuButton);
  byId("choice-head").append(line, menu);
}

function renameOpen() {
  rename(nameField.value);
  showHead();
}

/** Enter takes the name, Escape keeps the one before. @param {KeyboardEvent} event */
function onNameKey(event) {
  if (event.key !== "Enter" && event.key !== "Escape") return;
  event.stopPropagation();
  if (event.key === "Escape") showHead();
  nameField.blur();
}

/** @param {boolean} isOpen */
function toggleMenu(isOpen) {
  menu.hidden = !isOpen;
  menuButton.setAttribute("aria-expanded", String(isOpen));
}

function showHead() {
  const { desk } = state;
  const isUsed = desk !== null && (desk.selections.length > 1 || !isBlank(openOf(desk)) || state.selectionUndo);
  byId("choice-head").hidden = !isUsed;
  if (!desk) return;
  nameField.value = openOf(desk).name;
  undoButton.disabled = !state.selectionUndo;
  const { length } = desk.selections;
  menuButton.children[0].textContent = length > 1 ? `All ${length}` : "All";
  setLabel(menuButton, length > 1 ? `All ${length} selections` : "All selections");
  showMenu(desk.selections, desk.open);
}

/** @param {Selection[]} selections @param {string} openKey */
function showMenu(selections, openKey) {
  const focused = menu.contains(document.activeElement) ? [...menu.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement)) : -1;
  const list = element("ul", "choice-selections");
  list.append(...selections.map((selection) => menuRow(selection, selection.key === openKey)));
  const add = element("button", "button quiet choice-new", null, { type: "button", id: "choice-new" });
  add.append(icon("plus"), "New selection");
  add.addEventListener("click", () => {
    openNew();
    toggleMenu(false);
    nameField.focus();
    nameField.select();
  });
  menu.replaceChildren(list, add);
  // The elements are new: the focus stays at its place.
  if (focused >= 0) [...menu.querySelectorAll("button")][Math.min(focused, menu.querySelectorAll("button").length - 1)].focus();
}

/** @param {Selection} selection @param {boolean} isOpen @returns {HTMLElement} */
function menuRow({ key, name, songs }, isOpen) {
  const row = element("li", isOpen ? "choice-kept open" : "choice-kept");
  const button = element("button", "choice-kept-name", null, { type: "button", ...(isOpen && { "aria-current": "true" }) });
  button.append(element("span", "choice-kept-title", name, { dir: "auto" }), element("span", "choice-kept-count", songCount(songs.length)));
  button.addEventListener("click", () => {
    open(key);
    toggleMenu(false);
    menuButton.focus();
  });
  const remove = iconButton("close", `Delete “${name}”`, "row-tool");
  remove.addEventListener("click", () => discard(key));
  row.append(button, remove);
  return row;
}

/** Ctrl+Z undoes, Ctrl+Shift+Z and Ctrl+Y redo; a field in which the user types undoes its own changes. @param {KeyboardEvent} event */
function onKey(event) {
  const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (!(ctrlKey || metaKey) || altKey || !(target instanceof Element) || target.matches(TEXT_FIELDS) || target.closest("dialog[open]")) return;
  const pressed = key.toLowerCase();
  if (pressed !== "z" && pressed !== "y") return;
  event.preventDefault();
  if (pressed === "y" || shiftKey) redo();
  else undo();
}

/** Tell what has happened, with a button that undoes it. */
async function tell() {
  const news = state.selectionNews;
  if (!news) return;
  const title = news.index === undefined ? "" : await getSong(news.index).then(({ title }) => title, () => "The song");
  if (state.selectionNews !== news) return;
  const action = news.canUndo ? { label: "Undo", run: undo } : news.kind === "undone" ? { label: "Redo", run: redo } : undefined;
  notify(newsText(news, title), { key: "selection", ...(action && { action }) });
}
