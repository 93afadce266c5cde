/** What the page shows about the inside of one song, in the panel or in the wide card. */

import { element } from "../core/dom.js";
import { artistOrUnknown } from "../core/text.js";
import { factsOf, sectionsText } from "./inside_text.js";
import { Matrix } from "./matrix.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("../core/types.js").Song} Song */
/** @typedef {import("./inside_text.js").Inside} Inside */
/** @typedef {import("./matrix.js").Levels} Levels */
/** @typedef {import("./timeline.js").Actions} Actions */
/** @typedef {{song: Song, inside: Inside, peaks: number[]|null}} Shown What is known of the song that is shown. */

/**
 * @typedef {object} Options
 * @property {Actions} actions
 * @property {HTMLElement|null} wideButton Null for the wide card, whose matrix is always open.
 * @property {() => void} [onMatrix] Called when the user opens the matrix.
 */

/** The facts that fit into the card's heading. */
const ON_CARD = ["Tempo", "Key", "Loudness"];

export class InsideView {
  #title = element("h2", "inside-title", "", { dir: "auto", tabindex: -1 });
  #by = element("div", "inside-by", "", { dir: "auto" });
  #facts = element("dl", "inside-facts");
  #note = element("p", "inside-note");
  #picture = element("div", "inside-picture");
  #repeats = makeDetails("Where the song repeats itself");
  #meanings = makeDetails("What these values mean");
  #meaningList = element("dl", "inside-meanings");
  #content = element("div", "inside-content");
  #isWide;
  #timeline;
  #matrix;
  element = element("div", "inside-view");

  /** @param {Options} options */
  constructor({ actions, wideButton, onMatrix = () => {} }) {
    this.#isWide = wideButton === null;
    this.#timeline = new Timeline(actions);
    this.#matrix = new Matrix(actions.playFrom);
    const heading = element("div", "inside-heading");
    heading.append(this.#title, this.#by);
    this.element.append(heading, this.#content);
    this.#meanings.append(this.#meaningList);
    if (wideButton) {
      this.#repeats.append(this.#matrix.element);
      this.#repeats.addEventListener("toggle", () => this.#repeats.open && onMatrix());
      this.#picture.append(this.#timeline.element);
      this.#content.append(this.#facts, this.#picture, this.#note, wideButton, this.#repeats, this.#meanings);
    } else {
      this.element.classList.add("wide");
      heading.append(this.#facts, this.#note);
      this.#picture.append(this.#timeline.element);
      this.#content.append(this.#matrix.element, this.#picture);
    }
  }

  /** @returns {boolean} Whether the matrix is open. */
  get wantsMatrix() {
    return this.#isWide || this.#repeats.open;
  }

  /** @param {Shown} shown */
  show({ song, inside, peaks }) {
    const facts = factsOf(inside);
    this.#content.hidden = false;
    this.#title.textContent = song.title;
    this.#by.textContent = artistOrUnknown(song.artist);
    const shortest = this.#isWide ? facts.filter(({ name }) => ON_CARD.includes(name)) : facts;
    this.#facts.replaceChildren(...shortest.map(({ name, value, meaning }) => makeFact(name, value, { title: meaning })));
    this.#meaningList.replaceChildren(...facts.map(({ name, meaning }) => makeFact(name, meaning)));
    this.#facts.hidden = this.#meanings.hidden = !facts.length;
    this.#repeats.hidden = this.#matrix.element.hidden = !inside.has_windows;
    this.#picture.hidden = !inside.duration_s;
    this.#note.textContent = [sectionsText(inside.sections), inside.advice].filter(Boolean).join(" ");
    this.#note.hidden = !this.#note.textContent;
    this.#timeline.show(inside, peaks);
  }

  /** Show a sentence instead of a song. @param {string} title @param {string} text */
  showText(title, text) {
    this.#content.hidden = true;
    this.#facts.replaceChildren();
    this.#note.hidden = true;
    this.#title.textContent = title;
    this.#by.textContent = text;
  }

  /** @param {Inside} inside @param {Levels} levels */
  showMatrix(inside, levels) {
    this.#matrix.show(inside, levels);
  }

  /** Show a text instead of the matrix. @param {string} text */
  showMatrixNote(text) {
    this.#matrix.showNote(text);
  }

  /** @param {number|null} seconds Null if another song plays, or none. */
  showPosition(seconds) {
    this.#timeline.showPosition(seconds);
    this.#matrix.showPosition(seconds);
  }

  /** Paint again, for another theme. */
  paint() {
    this.#timeline.paint();
  }
}

/** @param {string} summary @returns {any} An HTMLDetailsElement, closed. */
function makeDetails(summary) {
  const details = element("details", "inside-details");
  details.append(element("summary", "", summary));
  return details;
}

/** @param {string} name @param {string} text @param {Object<string, string>} [attributes] @returns {HTMLElement} */
function makeFact(name, text, attributes = {}) {
  const fact = element("div", "", null, attributes);
  fact.append(element("dt", "", name), element("dd", "", text));
  return fact;
}
