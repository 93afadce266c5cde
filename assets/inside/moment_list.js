/** The songs that sound like a moment, listed in the panel: each row plays from the second that sounds most like it. */

import { byId, element } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { formatTime } from "../core/text.js";
import { markRows, open, showTab } from "../panel/panel.js";
import { makeListHead, makeRow, makeSimilarity, textsOf } from "../panel/song_rows.js";
import { toggle } from "../sound/player.js";
import { closeMoment } from "./moment.js";
import { playAt } from "./moment_walk.js";

/** @typedef {import("../core/types.js").Moment} Moment */
/** @typedef {import("../core/types.js").SimilarMoment} SimilarMoment */

/** @type {any} */
let body;
/** The number of the moment that is listed. @type {number|null} */
let listed = null;
/** The tab that the list covers. @type {import("../core/types.js").State["panelTab"]} */
let covered = "song";

export function mount() {
  body = byId("panel-moment");
  byId("moment-line-show").addEventListener("click", () => showTab("moment"));
  byId("moment-line-close").addEventListener("click", closeMoment);
  subscribe(["moment"], show);
}

function show() {
  const { moment } = state;
  byId("moment-line").hidden = moment === null;
  if (!moment) return close();
  byId("moment-line-title").textContent = `${formatTime(moment.atS)} of ${moment.title}`;
  fill(moment);
  if (moment.number === listed) return;
  listed = moment.number;
  if (state.panelTab !== "moment") covered = state.panelTab;
  showTab("moment");
  body.scrollTop = 0;
  open();
}

/** The panel shows again what the list has covered. */
function close() {
  listed = null;
  if (state.panelTab === "moment") showTab(covered);
  body.replaceChildren();
}

/** @param {Moment} moment */
function fill(moment) {
  const focused = [...body.querySelectorAll("button")].indexOf(document.activeElement);
  const about = element("span", "list-about", `${moment.moments.length} song${moment.moments.length === 1 ? "" : "s"}`);
  const own = element("ol", "song-list moment-own");
  own.append(makeOwnRow(moment));
  const list = element("ol", "song-list moment-list");
  list.append(...moment.moments.map(makeMomentRow));
  const count = moment.lit.size;
  const lit = `${count.toLocaleString("en")} song${count === 1 ? " is" : "s are"} lit on the map: the larger the light, the more alike.`;
  body.replaceChildren(makeHead(), own, makeListHead(about, "n next · p previous", "keys-hint"), list, element("p", "panel-note moment-lit", lit));
  markRows();
  if (focused >= 0) body.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
}

/** @returns {HTMLElement} */
function makeHead() {
  const head = element("div", "moment-head");
  const button = element("button", "button quiet", "Close", { type: "button", title: "The songs look as before (Esc)" });
  button.addEventListener("click", closeMoment);
  head.append(element("h2", "panel-title", "Sounds like this moment"), button);
  return head;
}

/** @param {Moment} moment @returns {HTMLElement} The row of the moment itself. It always plays it from its start, so it is no row that can pause. */
function makeOwnRow({ index, startS, title, artist }) {
  const row = makeRow({ index, title, notes: `from ${formatTime(startS)}`, names: artist, play: () => playAt(-1) });
  row.classList.replace("song-row", "own-row");
  return row;
}

/** @param {SimilarMoment} similar @param {number} position @returns {HTMLElement} */
function makeMomentRow(similar, position) {
  const texts = textsOf(similar, `from ${formatTime(similar.start_s)}`);
  return makeRow({ ...texts, play: () => playOrPause(position) }, ...makeSimilarity(similar.similarity));
}

/** A click on the row that was played last pauses its song, or lets it go on. @param {number} position */
function playOrPause(position) {
  if (state.playing === state.moment?.moments[position]?.index && state.momentPosition === position) toggle();
  else playAt(position);
}
