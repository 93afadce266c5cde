/**
 * All selections of the library: keeps them in the browser, undoes changes, and finds the songs again on a new map. It puts
 * the songs of the open selection that can be shown into `state.chosen`. It has no elements.
 */

import { state, subscribe, update } from "../core/state.js";
import { isHidden } from "../map/songs.js";
import * as kept from "./kept_selections.js";
import { stepsKeyOf, stepsText, withSteps } from "./kept_steps.js";
import * as history from "./selection_history.js";
import { find, forget, idOf, learn, renumber } from "./selection_ids.js";
import { positionIn } from "./selection_order.js";

/** @typedef {import("./kept_selections.js").Desk} Desk */
/** @typedef {import("./kept_selections.js").Entry} Entry */
/** @typedef {import("../core/types.js").SelectionNews} SelectionNews */

/** @type {import("./selection_history.js").History<Desk>} */
let steps = history.begun(emptyDesk());
/** What the storage has; null if nobody knows. @type {Desk|null} */
let saved = null;
/** Of the map that is drawn: see `MapMeta`. */
let [library, order] = ["", ""];
/** The ids of songs that are not on this map; true for those that the library has. @type {Map<string, boolean>} */
const absent = new Map();
/** What the user was told already: each sentence once. @type {Set<string>} */
const told = new Set();
/** The songs that this module has put into the state. @type {number[]} */
let shown = [];

/** Called once. */
export function mount() {
  subscribe(["map"], followMap);
  subscribe(["serverAnswers"], () => state.serverAnswers && settle());
  window.addEventListener("storage", followOtherWindow);
}

/** @returns {Desk} */
function emptyDesk() {
  const first = kept.newSelection([]);
  return { open: first.key, selections: [first] };
}

/** @returns {Desk} All selections. */
export function desk() {
  // Another module has changed the songs: take them over.
  if (state.chosen !== shown) {
    const { value, change } = steps.present;
    steps = { ...steps, present: { value: kept.withSelection(value, { ...kept.openOf(value), songs: state.chosen }), change } };
    shown = state.chosen;
  }
  return steps.present.value;
}

/** Read the selections of the library that is drawn from the storage, and their last changes. */
export function load() {
  steps = library ? withSteps(localStorage.getItem(stepsKeyOf(library)), kept.readDesk(localStorage, library)) : history.begun(emptyDesk());
  saved = steps.present.value;
  absent.clear();
  told.clear();
  show();
  settle();
}

/**
 * The user changes the songs of the open selection.
 * @param {number[]} songs Those that are shown. Hidden songs and those that are not on the map stay.
 * @param {SelectionNews} news @param {{position?: number|null, isWhole?: boolean}} [options] The position of the song that plays;
 *   and whether only these songs stay.
 */
export function setSongs(songs, news, { position, isWhole = false } = {}) {
  const before = desk();
  const open = kept.openOf(before);
  const all = isWhole ? songs : kept.merged(open.songs, state.chosen, songs);
  change(kept.withSelection(before, { ...open, songs: all }), news, position);
}

/** The user changes the selections. @param {Desk} after @param {SelectionNews} news @param {number|null} [position] */
export function change(after, news, position) {
  desk();
  steps = history.changed(steps, after, news.kind);
  show({ selectionNews: { ...news, canUndo: true } }, position);
  settle();
}

/** Undo the last change, if there is one. */
export function undo() {
  goTo(history.undone, "undone");
}

/** Bring back the change that was undone last. */
export function redo() {
  goTo(history.redone, "redone");
}

/** @param {typeof history.undone} step @param {"undone"|"redone"} kind */
function goTo(step, kind) {
  const before = desk();
  const next = step(steps);
  if (!next) return update({ selectionNews: { kind: kind === "undone" ? "nothing-to-undo" : "nothing-to-redo" } });
  steps = next;
  show();
  const { selection, change } = kept.difference(before, steps.present.value);
  const { name, songs, key } = selection;
  // Of the open selection, the songs that are shown.
  const count = key === steps.present.value.open ? state.chosen.length : songs.length;
  update({ selectionNews: { kind: change === "other" ? kind : `${kind}-${change}`, count, name } });
  settle();
}

/**
 * Put the present selections into the state.
 * @param {Partial<import("../core/types.js").State>} [more] @param {number|null} [position] If it is left out, the song that
 *   plays keeps playing.
 */
function show(more = {}, position) {
  const value = steps.present.value;
  const { songs } = kept.openOf(value);
  const visible = /** @type {number[]} */ (songs.filter((song) => typeof song === "number" && !isHidden(song)));
  const isSame = visible.length === state.chosen.length && visible.every((index, i) => index === state.chosen[i]);
  shown = isSame ? state.chosen : visible;
  const chosenPosition = position === undefined ? positionIn(shown, state.chosen, state.chosenPosition) : position;
  const undo = { canUndo: steps.past.length > 0, canRedo: steps.future.length > 0 };
  update({ desk: value, chosen: shown, chosenPosition, selectionUndo: undo.canUndo, selectionRedo: undo.canRedo, ...more });
}

/** Another map: the songs can have other indices, be hidden, or be shown again. */
function followMap() {
  if (!state.map) return;
  const { meta } = state.map;
  const isOtherLibrary = (meta.library ?? "") !== library;
  const hasOtherOrder = meta.order !== order;
  [library, order] = [meta.library ?? "", meta.order];
  if (isOtherLibrary) {
    forget();
    return load();
  }
  if (hasOtherOrder) followOrder(state.moved);
  show();
  if (hasOtherOrder) settle();
}

/** The songs have other indices. @param {Int32Array|null} moved The new index of each song, -1 if it has none; null if nobody knows. */
function followOrder(moved) {
  absent.clear();
  const next = (/** @type {number} */ index) => (moved && moved[index] >= 0 ? moved[index] : (idOf(index) ?? null));
  const { songs } = kept.openOf(steps.present.value);
  const lost = moved ? 0 : songs.filter((song) => typeof song === "number" && next(song) === null).length;
  steps = history.mapped(steps, (value) => kept.renumbered(value, (song) => (typeof song === "number" ? next(song) : song)));
  shown = state.chosen;
  if (moved) renumber(moved);
  else forget();
  if (lost) update({ selectionNews: { kind: "lost", count: lost } });
}

/** Find the songs of the open selection that have only an id, and keep the selections in the browser. */
function settle() {
  if (!state.map) return;
  save();
  findSongs();
}

async function save() {
  if (!library) return;
  const value = steps.present.value;
  const result = kept.keep(localStorage, library, saved, value, idOf);
  if (result !== "unknown") {
    saved = value;
    saveSteps();
    if (result !== "kept") tellOnce({ kind: result === "large" ? "too-large" : "no-room" });
    return;
  }
  const small = value.selections.filter(({ songs }) => songs.length <= kept.MAX_KEPT_SONGS);
  const indices = small.flatMap(({ songs }) => songs.filter((song) => typeof song === "number"));
  if (await learn(/** @type {number[]} */ (indices))) save();
}

/** Keep the last changes, so that they can be undone after a reload. */
function saveSteps() {
  const text = stepsText(steps, idOf);
  try {
    if (text) localStorage.setItem(stepsKeyOf(library), text);
    else localStorage.removeItem(stepsKeyOf(library));
  } catch {
    // There is no room: after a reload nothing can be undone.
  }
}

async function findSongs() {
  const { key, name, songs } = kept.openOf(steps.present.value);
  const wanted = /** @type {string[]} */ (songs.filter((song) => typeof song === "string" && !absent.has(song)));
  if (!wanted.length) return;
  const answer = await find(wanted);
  if (!answer) return;
  const { found, unmapped } = answer;
  for (const id of wanted) if (!found.has(id)) absent.set(id, unmapped.has(id));
  steps = history.mapped(steps, (value) => kept.renumbered(value, (song) => found.get(/** @type {string} */ (song)) ?? song));
  // The songs are the same ones: nothing needs to be written.
  if (saved) saved = kept.renumbered(saved, (song) => found.get(/** @type {string} */ (song)) ?? song);
  show();
  const removed = songs.filter((song) => absent.get(/** @type {string} */ (song)) === false).length;
  if (removed) tellOnce({ kind: "gone", count: removed, name }, key);
}

/** @returns {{hidden: number, unmapped: number, gone: number}} How many songs of the open selection are not shown, and why. */
export function notShown() {
  const { songs } = kept.openOf(steps.present.value);
  const counts = { hidden: 0, unmapped: 0, gone: 0 };
  for (const song of songs) {
    if (typeof song === "number") counts.hidden += Number(isHidden(song));
    else if (absent.has(song)) counts[absent.get(song) ? "unmapped" : "gone"] += 1;
  }
  return counts;
}

/** @param {SelectionNews} news @param {string} [about] */
function tellOnce(news, about = "") {
  const key = `${news.kind} ${about}`;
  if (told.has(key)) return;
  told.add(key);
  update({ selectionNews: news });
}

/** Another window has changed a selection. @param {StorageEvent} event Its key is null if everything was deleted. */
function followOtherWindow({ key: storageKey, storageArea }) {
  const key = kept.keyIn(storageKey, library);
  if (storageArea !== localStorage || key === null || !library) return;
  const theirs = kept.readSelection(localStorage, library, key);
  const value = desk();
  const isOpen = value.open === key;
  // Nobody takes away the selection that is open here.
  if (!theirs && isOpen) return;
  const next = (/** @type {Desk} */ before) => {
    const selections = before.selections.filter((other) => other.key !== key || before.open === key);
    if (!theirs) return { ...before, selections };
    const isKnown = selections.some((other) => other.key === key);
    return isKnown ? kept.withSelection(before, theirs) : { ...before, selections: [...selections, theirs] };
  };
  if (isOpen) steps = history.changed(steps, next(value), "other-window");
  else steps = history.mapped(steps, next);
  saved = steps.present.value;
  show();
  settle();
}
