/** What the panel shows about the selected song: its details and its neighbours, or tips. Titles are text, never HTML. */

import { fetchPatiently, getNeighbours, getSong } from "../core/api.js";
import { byId, element, icon, isTouch, setProps } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { artistOrUnknown, formatTime, missingSince } from "../core/text.js";
import { flyTo } from "../map/camera.js";
import { colourOf, isHidden } from "../map/songs.js";
import { add as addToFilter, showHidden } from "./filters.js";
import { markRows, showSong } from "./panel.js";
import { has, toggle as toggleChosen } from "./selection.js";
import { makeNeighbours, makeOtherFiles } from "./song_rows.js";

/** @typedef {import("../core/types.js").Song} Song */
/** @typedef {import("../core/types.js").Neighbour} Neighbour */

/** The element with the song. @type {any} */
let body;
/** The id of the song that has the cover; null if the cover is none of a song. @type {string|null} */
let coverOf = null;
/** The neighbours that are listed. @type {Neighbour[]|null} */
let listed = null;
/** Names the newest call of `fill`. */
let newestFill = Symbol("fill");
let scrollsToTop = false;
/** Of the map for which the rows have their indices: see `MapMeta`. @type {string|undefined} */
let order;
/** How the map colours the songs. */
let colouring = "";

export function mount() {
  body = byId("panel-song");
  showTips();
  subscribe(["selections", "neighbours", "map", "chosen", "refusal"], follow);
  // What could not be loaded while the server did not answer.
  subscribe(["serverAnswers"], () => state.serverAnswers && isSongShown() && !listed && fill());
}

/** @param {Set<keyof import("../core/types.js").State>} changed */
function follow(changed) {
  if (state.map?.meta.order !== order) renumberRows();
  const before = colouring;
  const meta = state.map?.meta;
  colouring = `${meta?.colouring} ${meta?.view.clusters} ${meta?.theme} ${meta?.regions === null}`;
  if (changed.has("selections")) show();
  else if (colouring !== before && isSongShown() && listed) fill();
  else if (changed.has("neighbours") && isSongShown() && state.neighbours !== listed && !changed.has("map")) fill();
  if (changed.has("chosen")) labelAddButton();
  if (changed.has("refusal") && state.selected === null && !isUploadShown()) showTips();
}

/** @returns {boolean} Whether the panel shows an uploaded song, or one that is being sent. */
function isUploadShown() {
  return state.upload !== null || (state.isUploading && !state.isUploadAside);
}

/** @returns {boolean} Whether the panel shows the selected song. */
function isSongShown() {
  return state.selected !== null && !isUploadShown();
}

/** On a new map the songs have other indices. Rows of songs without one are removed, and answers for the old map are ignored. */
function renumberRows() {
  order = state.map?.meta.order;
  newestFill = Symbol("fill");
  for (const row of body.querySelectorAll(".song-row")) {
    const index = state.moved?.[Number(row.dataset.index)] ?? -1;
    if (index < 0) row.remove();
    else row.dataset.index = String(index);
  }
  if (state.selected === null && !isUploadShown() && !body.querySelector(".tips")) showTips();
}

/** Replace what the panel shows. @param {...HTMLElement} content */
export function showContent(...content) {
  newestFill = Symbol("fill");
  coverOf = listed = null;
  body.replaceChildren(...content);
  markRows();
}

/** Show the selected song; if there is none, tips. */
export function show() {
  if (state.selected === null) return showTips();
  showSong();
  scrollsToTop = true;
  fill();
}

/** No song is selected. */
function showTips() {
  const tip = (/** @type {string} */ key, /** @type {string} */ text) => {
    const line = element("li");
    line.append(element("kbd", "", key), element("span", "", text));
    return line;
  };
  const tips = element("ul", "tips");
  tips.append(
    tip("click", "play a song and see which songs sound like it"),
    tip("h", "hover to hear: play previews as you move over the map"),
    tip("← →", "go from song to song"),
    ...(state.refusal ? [] : [tip("drop", "an audio file on the map to see which songs it sounds like")]),
    tip("?", "see the list of keys"),
  );
  if (isTouch()) tips.replaceChildren(tip("tap", "a dot to play its song and see which songs sound like it"));
  const cover = element("div", "cover cover-empty");
  cover.append(icon("headphones"));
  showContent(cover, element("h2", "panel-title", "Nothing is selected"), tips);
}

/** Load the selected song's details and neighbours into the panel, which may be closed. */
async function fill() {
  const index = /** @type {number} */ (state.selected);
  const thisFill = (newestFill = Symbol("fill"));
  const failed = (/** @type {Error} */ error) => error;
  const [song, neighbours] = await Promise.all([getSong(index).catch(failed), getNeighbours(index).catch(failed)]);
  if (newestFill !== thisFill || state.selected !== index || isUploadShown()) return;
  if (song instanceof Error) showContent(element("p", "panel-note", song.message));
  else fillWith(song, index, neighbours);
  if (scrollsToTop) body.scrollTop = 0;
  scrollsToTop = false;
}

/** @param {Song} song @param {number} index @param {Neighbour[]|Error} neighbours */
function fillWith(song, index, neighbours) {
  // The cover of the same song stays: a new one would be empty for a moment.
  const cover = coverOf === song.id ? body.querySelector(".cover") : null;
  cover?.style.setProperty("--colour", colourOf(index));
  const focused = [...body.querySelectorAll("button")].indexOf(document.activeElement);
  showContent(
    cover ?? makeCover(song, index),
    ...makeHeading(song),
    ...makeMissingNote(song),
    makeChips(song, index),
    makeActions(index),
    ...(song.note ? [element("p", "panel-note", song.note)] : []),
    ...makeOtherFiles("same-sound", "Same sound", song.same_sound_count, song.same_sound),
    ...makeOtherFiles("same-recording", "The same recording", song.same_recording_count, song.same_recording),
    ...makeNeighbours(neighbours, song.title, true),
  );
  coverOf = song.id;
  listed = neighbours instanceof Error ? null : neighbours;
  if (focused < 0) return;
  // On a new map of the same song, the keyboard stays where it was. At another song, it goes to the title.
  const target = cover ? body.querySelectorAll("button")[focused] : body.querySelector(".panel-title");
  target?.focus({ preventScroll: true });
}

/** @param {Song} song @returns {HTMLElement[]} A note that the file is missing and what can be played instead; none if it exists. */
function makeMissingNote(song) {
  if (!song.gone_since) return [];
  const fallbacks = { preview: "You can still play its preview.", copy: "You can still play a copy of it." };
  const note = element("p", "panel-missing");
  note.append(
    element("strong", "", `File missing since ${missingSince(song)}`),
    element("span", "", song.fallback ? fallbacks[song.fallback] : "It cannot be played."),
  );
  return [note];
}

/**
 * The cover from the song's file. It has the colour of the song's group until it is loaded, or if the file has none.
 * @param {Song} song @param {number} index @returns {HTMLElement}
 */
function makeCover(song, index) {
  const cover = element("div", "cover");
  cover.style.setProperty("--colour", colourOf(index));
  cover.append(icon("note"));
  if (!song.gone_since) fetchCover(song.id, cover);
  return cover;
}

/** @param {string} id @param {HTMLElement} cover */
async function fetchCover(id, cover) {
  try {
    const response = await fetchPatiently("cover/" + encodeURIComponent(id));
    if (response.status !== 200) return;
    const picture = element("img", "", null, { alt: "" });
    const address = URL.createObjectURL(await response.blob());
    picture.addEventListener("load", () => {
      URL.revokeObjectURL(address);
      cover.replaceChildren(picture);
    });
    picture.addEventListener("error", () => URL.revokeObjectURL(address));
    picture.src = address;
  } catch {
    // The group's colour stays.
  }
}

/**
 * @param {{title: string, artist: string, album: string, year: number|null}} song
 * @returns {HTMLElement[]} Title, artist and, if known, album and year.
 */
export function makeHeading(song) {
  const album = [song.album, song.year].filter(Boolean).join(" · ");
  const lines = [
    element("h2", "panel-title", song.title, { dir: "auto", tabindex: -1 }),
    element("div", "panel-by", artistOrUnknown(song.artist), { dir: "auto" }),
  ];
  if (album) lines.push(element("div", "panel-album", album, { dir: "auto" }));
  return lines;
}

/**
 * Chips for cluster, genres and duration. A click on a cluster or genre filters by it.
 * @param {Song} song @param {number} index @returns {HTMLElement}
 */
function makeChips(song, index) {
  const chips = element("div", "chips");
  const addButton = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ action) => {
    const chip = element("button", "chip", text, { type: "button", title, dir: "auto" });
    chip.addEventListener("click", action);
    chips.append(chip);
    return chip;
  };
  const { cluster } = song;
  if (cluster) {
    const chip = addButton(cluster, "Show only this cluster", () => setProps("filter-clusters", { value: [cluster] }));
    const meta = state.map?.meta;
    if (meta?.colouring === "cluster" && meta.projection !== "original" && !isHidden(index)) {
      const dot = element("span", "dot");
      dot.style.background = colourOf(index);
      chip.prepend(dot);
    }
  }
  for (const genre of song.genres) addButton(genre, "Show only this genre", () => addToFilter("genre", genre));
  if (song.duration_s) chips.append(element("span", "chip", formatTime(song.duration_s)));
  return chips;
}

/** @param {number} index @returns {HTMLElement} Buttons that add the song to the selection, or remove it, and that show it on the map. */
function makeActions(index) {
  if (isHidden(index)) return makeHiddenNote();
  const actions = element("div", "panel-actions");
  const addButton = element("button", "button quiet panel-add", addLabel(), { type: "button" });
  addButton.addEventListener("click", () => state.selected !== null && toggleChosen(state.selected));
  const find = element("button", "button quiet", "Show on the map", { type: "button" });
  find.addEventListener("click", () => state.selected !== null && flyTo(state.selected));
  actions.append(addButton, find);
  return actions;
}

function addLabel() {
  return state.selected !== null && has(state.selected) ? "Remove from selection" : "Add to selection";
}

function labelAddButton() {
  const button = body.querySelector(".panel-add");
  if (button) button.textContent = addLabel();
}

/** @returns {HTMLElement} A note that the song is hidden, with a button that shows the hidden songs. */
function makeHiddenNote() {
  const actions = element("div", "panel-actions");
  const button = element("button", "button quiet", "Show hidden songs", { type: "button" });
  button.addEventListener("click", showHidden);
  actions.append(element("span", "panel-note", "This song is hidden on the map."), button);
  return actions;
}
