/** The lists of songs under a song in the panel: its neighbours, and files with the same sound or recording. */

import { flyToAndPlay, play } from "../core/actions.js";
import { element, iconButton } from "../core/dom.js";
import { state } from "../core/state.js";
import { goTo } from "../map/walk.js";
import { toggle } from "../sound/player.js";

/** @typedef {import("../core/types.js").Neighbour} Neighbour */
/** @typedef {import("../core/types.js").OtherFile} OtherFile */

const SIMILARITY_HINT =
  "How similar the two songs sound; 1 is the highest value. " +
  "It is the cosine similarity of their embeddings, after the library's average is subtracted.";

/** @param {any} row @returns {number} The index of a row's song: a new map changes it while the row is shown. */
function indexIn(row) {
  return Number(row.dataset.index);
}

/** @param {string} title @param {string} note @returns {HTMLElement} The head of a list. */
function makeListHead(title, note) {
  const head = element("h3", "panel-list-head");
  head.append(element("span", "", title), element("small", "", note));
  return head;
}

/**
 * A list of the other songs with exactly the same sound, or of the other encodings of the recording.
 * @param {string} kind The class of the list.
 * @param {string} title
 * @param {number} [count] How many songs there are.
 * @param {OtherFile[]} [songs] The first of them.
 * @returns {HTMLElement[]} Nothing if there are none.
 */
export function makeOtherFiles(kind, title, count = 0, songs = []) {
  if (!count) return [];
  const head = makeListHead(title, `${count.toLocaleString("en")} other song${count === 1 ? "" : "s"}`);
  const list = element("ol", `song-list ${kind}`);
  list.append(...songs.map(makeFileRow));
  const notListed = count - songs.length;
  return notListed ? [head, list, element("p", "panel-note", `… and ${notListed.toLocaleString("en")} more.`)] : [head, list];
}

/**
 * The row of a song with the same sound or recording. A click on it moves the map to the song and plays it.
 * @param {OtherFile} song @returns {HTMLElement}
 */
function makeFileRow({ index, title, path, format, gone }) {
  const row = element("li", "song-row", null, { "data-index": index });
  const names = element("button", "row-names", null, { type: "button", title: `Go to ${path}` });
  names.append(element("span", "row-title", title), element("span", "row-by", [gone && "File missing", format, path].filter(Boolean).join(" · ")));
  names.addEventListener("click", () => flyToAndPlay(indexIn(row)));
  row.append(names);
  return row;
}

/** @param {Neighbour[]|Error} neighbours The neighbours, or the reason why they could not be loaded. @returns {HTMLElement[]} */
export function makeNeighbours(neighbours) {
  const head = makeListHead("Similar songs", "n next · p previous");
  if (neighbours instanceof Error) return [head, element("p", "panel-note", neighbours.message)];
  if (!neighbours.length) return [head, element("p", "panel-note", "Nothing else here sounds much like it.")];
  const list = element("ol", "song-list");
  list.append(...neighbours.map(makeNeighbourRow));
  return [head, list];
}

/**
 * A neighbour's row. Its play button plays it, and the panel does not change. A click on its title plays and selects it.
 * @param {Neighbour} neighbour @returns {HTMLElement}
 */
function makeNeighbourRow({ index, similarity, title, artist, album, gone, same_sound: isSame, same_recording: isRecording }) {
  const row = element("li", "song-row", null, { "data-index": index });
  const playButton = iconButton("play", `Play ${title}`, "row-play");
  playButton.addEventListener("click", () => (state.playing === indexIn(row) ? toggle() : goTo(indexIn(row))));
  const by = [isSame && "Same sound", isRecording && "Same recording", gone && "File missing", artist || "no artist", album];
  const names = element("button", "row-names", null, { type: "button", title: `Go to ${title}` });
  names.append(element("span", "row-title", title), element("span", "row-by", by.filter(Boolean).join(" · ")));
  names.addEventListener("click", () => play(indexIn(row)));
  const bar = element("span", "row-bar", null, { "aria-hidden": "true" });
  const filled = element("span");
  filled.style.width = `${Math.round(100 * Math.max(similarity, 0))}%`;
  bar.append(filled);
  // As ".87" instead of "0.87".
  const value = element("span", "row-value", similarity.toFixed(2).replace(/^(-?)0\./, "$1."), { title: SIMILARITY_HINT });
  row.append(playButton, names, bar, value);
  return row;
}
