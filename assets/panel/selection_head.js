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
/** What the field showed last, without what the user types; and of which selection. */
let shownName = { name: "", key: "" };
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
  // A name that is typed but not confirmed is not lost with the page.
  window.addEventListener("pagehide", () => hasTyped() && rename(nameField.value));
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
  showName(true);
}

/** @returns {boolean} Whether the field has another name than the open selection. */
function hasTyped() {
  return nameField.value !== shownName.name;
}

/**
 * Enter takes the name and keeps the focus: letters that are typed next must be no shortcuts. Escape shows the name before and
 * leaves the field.
 * @param {KeyboardEvent} event
 */
function onNameKey(event) {
  if ((event.key !== "Enter" && event.key !== "Escape") || event.isComposing) return;
  event.stopPropagation();
  if (event.key === "Enter") return renameOpen();
  showName(true);
  byId("tab-choice").focus();
}

/** Show the name of the open selection. @param {boolean} [isForced] Also in place of one that the user types. */
function showName(isForced = false) {
  if (!state.desk) return;
  const { name, key } = openOf(state.desk);
  const isTyping = document.activeElement === nameField && hasTyped() && key === shownName.key;
  if (isTyping && !isForced) return;
  if (nameField.value !== name) nameField.value = name;
  shownName = { name, key };
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
  showName();
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

/**
 * Ctrl+Z undoes, Ctrl+Shift+Z and Ctrl+Y redo. A field in which the user types undoes its own changes; the one for the name has
 * none while it shows the selection's name.
 * @param {KeyboardEvent} event
 */
function onKey(event) {
  const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (!(ctrlKey || metaKey) || altKey || !(target instanceof Element) || target.closest("dialog[open]")) return;
  if (target.matches(TEXT_FIELDS) && (target !== nameField || hasTyped())) return;
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
  const action = news.canUndo ? { label: "Undo", run: undo } : news.kind.startsWith("undone") ? { label: "Redo", run: redo } : undefined;
  notify(newsText(news, title), { key: "selection", ...(action && { action }) });
}
