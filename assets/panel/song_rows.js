/** Lists of songs in the panel: a song's neighbours, files with the same sound or recording, and rows for other lists. */

import { explore } from "../core/actions.js";
import { element, icon, iconButton } from "../core/dom.js";
import { state } from "../core/state.js";
import { artistOrUnknown } from "../core/text.js";
import { makeWhyButton } from "../inside/why.js";
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

/** @param {HTMLElement} title @param {string} note @param {string} [noteClass] @returns {HTMLElement} The head of a list. */
export function makeListHead(title, note, noteClass = "") {
  const head = element("div", "panel-list-head");
  title.setAttribute("role", "heading");
  title.setAttribute("aria-level", "3");
  head.append(title, element("small", noteClass, note));
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
  const head = makeListHead(element("span", "", title), `${count.toLocaleString("en")} other song${count === 1 ? "" : "s"}`);
  const list = element("ol", `song-list ${kind}`);
  list.append(...songs.map(makeFileRow));
  const notListed = count - songs.length;
  return notListed ? [head, list, element("p", "panel-note", `… and ${notListed.toLocaleString("en")} more.`)] : [head, list];
}

/** The row of a song with the same sound or recording. @param {OtherFile} song @returns {HTMLElement} */
function makeFileRow({ index, title, path, format, gone }) {
  const notes = [gone && "File missing", format].filter(Boolean).join(" · ");
  const row = makeRow({ index, title, notes, names: path });
  row.querySelector(".row-main")?.setAttribute("title", path);
  return row;
}

/**
 * @param {Neighbour[]|Error} neighbours The neighbours, or the reason why they could not be loaded.
 * @param {string} title The song that they sound like. @param {boolean} [hasWhy] Whether each row has a button that says why: of the selected song.
 * @returns {HTMLElement[]}
 */
export function makeNeighbours(neighbours, title, hasWhy = false) {
  const about = element("span", "list-about", "More like ");
  about.append(element("em", "", title, { dir: "auto" }));
  about.title = title;
  const isList = !(neighbours instanceof Error) && neighbours.length > 0;
  const head = makeListHead(about, isList ? "n next · p previous" : "", "keys-hint");
  if (neighbours instanceof Error) return [head, element("p", "panel-note", neighbours.message)];
  if (!isList) return [head, element("p", "panel-note", "Nothing else here sounds much like it.")];
  const list = element("ol", "song-list neighbours");
  list.append(...neighbours.map((neighbour) => makeNeighbourRow(neighbour, hasWhy)));
  return [head, list];
}

/** @param {Neighbour} neighbour @param {boolean} hasWhy @returns {HTMLElement} */
function makeNeighbourRow(neighbour, hasWhy) {
  const row = makeRow(textsOf(neighbour), ...makeSimilarity(neighbour.similarity));
  if (hasWhy) row.querySelector(".row-explore")?.before(makeWhyButton(row, neighbour.title));
  return row;
}

/**
 * @param {Neighbour} neighbour @param {string} [note] What else is said before its artist.
 * @returns {{index: number, title: string, notes: string, names: string}} The texts of its row.
 */
export function textsOf({ index, title, artist, album, gone, same_sound: isSame, same_recording: isRecording }, note = "") {
  const notes = [note, isSame && "Same sound", isRecording && "Same recording", gone && "File missing"].filter(Boolean).join(" · ");
  return { index, title, notes, names: [artistOrUnknown(artist), album].filter(Boolean).join(" · ") };
}

/** @param {number} similarity @returns {HTMLElement[]} A bar, the number, and what screen readers say. */
export function makeSimilarity(similarity) {
  const bar = element("span", "row-bar", null, { "aria-hidden": "true" });
  const filled = element("span");
  filled.style.width = `${Math.round(100 * Math.max(similarity, 0))}%`;
  bar.append(filled);
  // As ".87" instead of "0.87".
  const digits = similarity.toFixed(2);
  const value = element("span", "row-value", digits.replace(/^(-?)0\./, "$1."), { title: SIMILARITY_HINT, "aria-hidden": "true" });
  const both = element("span", "row-similarity");
  both.append(value, bar);
  return [both, element("span", "visually-hidden", `, similarity ${digits}`)];
}

/**
 * A song's row. It is one button that plays the song, and the panel does not change. A second, small button selects the song:
 * then the panel shows it and its neighbours.
 * @param {{index: number, title: string, notes: string, names: string, play?: () => void}} song The notes are English; the names are not
 *   always. `play` is what a click does, unless it plays the song from its start, or pauses it.
 * @param {...HTMLElement} more What the button has on its right.
 * @returns {HTMLElement}
 */
export function makeRow({ index, title, notes, names, play }, ...more) {
  const row = element("li", "song-row", null, { "data-index": index });
  const main = element("button", "row-main", null, { type: "button" });
  const sign = element("span", "row-play");
  sign.append(icon("play"));
  const by = element("span", "row-by row-parts");
  if (notes) by.append(element("span", "row-note", names ? `${notes} · ` : notes));
  if (names) by.append(element("span", "row-artist", names, { dir: "auto" }));
  const texts = element("span", "row-names");
  texts.append(element("span", "row-title", title, { dir: "auto" }), by);
  main.append(sign, element("span", "row-verb visually-hidden", "Play "), texts, ...more);
  main.addEventListener("click", play ?? (() => (state.playing === indexIn(row) ? toggle() : goTo(indexIn(row)))));
  const exploreButton = iconButton("explore", `Show ${title} and more like it`, "row-tool row-explore");
  exploreButton.addEventListener("click", () => explore(indexIn(row)));
  row.append(main, exploreButton);
  return row;
}
