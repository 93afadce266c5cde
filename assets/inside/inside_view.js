/** What the page shows about the inside of one song, in the panel or in the wide card. */

import { element } from "../core/dom.js";
import { artistOrUnknown } from "../core/text.js";
import { factsOf, singleSectionText, unknownText } from "./inside_text.js";
import { makeMatrix } from "./matrix.js";
import { makeTimeline } from "./timeline.js";

/** @typedef {import("../core/types.js").Song} Song */
/** @typedef {import("./inside_text.js").Inside} Inside */
/** @typedef {{song: Song, inside: Inside, peaks: number[]|null}} Shown What is known of the song that is shown. */

/**
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(shown: Shown) => void} show
 * @property {(title: string, text: string) => void} showText Show a sentence instead of a song.
 * @property {(seconds: number|null) => void} showPosition
 * @property {() => boolean} wantsMatrix Whether the matrix is open.
 * @property {import("./matrix.js").Matrix} matrix
 * @property {() => void} paint
 */

/**
 * @param {object} options
 * @param {boolean} options.isWide Whether it is the wide card: the matrix is always open.
 * @param {import("./timeline.js").Actions} options.actions
 * @param {() => void} options.onMatrix Called when the user opens the matrix.
 * @param {HTMLElement} options.wideButton
 * @returns {View}
 */
export function makeView({ isWide, actions, onMatrix, wideButton }) {
  const timeline = makeTimeline(actions);
  const matrix = makeMatrix(actions.playFrom);
  const title = element("h2", "panel-title", "", { dir: "auto", tabindex: -1 });
  const by = element("div", "panel-by", "", { dir: "auto" });
  const facts = element("dl", "inside-facts");
  const note = element("p", "panel-note");
  const meanings = element("details", "inside-details");
  const meaningList = element("dl", "inside-meanings");
  meanings.append(element("summary", "", "What these values mean"), meaningList);
  const heading = element("div", "inside-heading");
  heading.append(title, by);
  const picture = element("div", "inside-picture");
  const open = element("details", "inside-details");
  const content = element("div", "inside-content");
  if (isWide) {
    picture.append(timeline.element, note);
    content.append(matrix.element, picture);
    heading.append(facts);
  } else {
    open.append(element("summary", "", "Where the song repeats itself"), matrix.element);
    open.addEventListener("toggle", () => open.open && onMatrix());
    picture.append(timeline.element);
    content.append(facts, picture, note, wideButton, open, meanings);
  }
  const whole = element("div", isWide ? "inside-view wide" : "inside-view");
  whole.append(heading, content);

  /** @param {Shown} shown */
  function show({ song, inside, peaks }) {
    const known = factsOf(inside);
    content.hidden = false;
    title.textContent = song.title;
    by.textContent = artistOrUnknown(song.artist);
    facts.replaceChildren(...known.flatMap(({ name, value, meaning }) => makeFact(name, value, meaning)));
    meaningList.replaceChildren(...known.flatMap(({ name, meaning }) => makeFact(name, meaning)));
    for (const part of [facts, meanings]) part.hidden = !known.length;
    open.hidden = matrix.element.hidden = !inside.has_windows;
    picture.hidden = !inside.duration_s;
    note.textContent = [singleSectionText(inside.sections), unknownText(inside)].filter(Boolean).join(" ");
    note.hidden = !note.textContent;
    timeline.show(inside, peaks);
  }

  /** @param {string} heading @param {string} text */
  function showText(heading, text) {
    content.hidden = true;
    facts.replaceChildren();
    title.textContent = heading;
    by.textContent = text;
  }

  /** @param {number|null} seconds */
  function showPosition(seconds) {
    timeline.showPosition(seconds);
    matrix.showPosition(seconds);
  }

  const wantsMatrix = () => isWide || open.open;
  return { element: whole, show, showText, showPosition, wantsMatrix, matrix, paint: timeline.paint };
}

/** @param {string} name @param {string} value @param {string} [tooltip] @returns {HTMLElement[]} */
function makeFact(name, value, tooltip) {
  const fact = element("div", "", null, tooltip ? { title: tooltip } : {});
  fact.append(element("dt", "", name), element("dd", "", value));
  return [fact];
}
