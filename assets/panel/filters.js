/** The filter: its controls, the legend, and the line that counts the matching songs. */

import { flyToAndPlay } from "../core/actions.js";
import { makeCombobox } from "../core/combobox.js";
import { announce, byId, element, icon, isTouch, setProps } from "../core/dom.js";
import { notify } from "../core/notices.js";
import { state, subscribe } from "../core/state.js";
import { formatTime } from "../core/text.js";
import { keepFocusInLegend, listenInFields } from "./filter_keys.js";
import { NO_FILTER, chipsOf, describeCounts, describeUnknown, groupField, namesAfter, parse } from "./filter_values.js";

/** @typedef {import("../core/types.js").Filter} Filter */
/** @typedef {import("./filter_values.js").Controls} Controls */

/** @type {Object<"genres"|"clusters"|"artists", string>} */
const FIELD_IDS = { genres: "filter-genres", clusters: "filter-clusters", artists: "filter-artists" };
/** What screen readers call the fields' lists. @type {Object<string, string>} */
const LIST_NAMES = { genres: "Genres", clusters: "Clusters", artists: "Artists" };
/** The switches that hide songs, by the kind of songs that they hide. */
const SWITCHES = {
  duplicates: { id: "hide-duplicates", label: "Hide duplicates" },
  missing: { id: "hide-missing", label: "Hide missing songs" },
};
/** The filter now. */
let current = NO_FILTER;
/** The limits of the range sliders; null until the server has sent them. @type {{years: number[], duration: number[]}|null} */
let ranges = null;
/** The filter of which screen readers know. @type {string|null} */
let toldFilter = null;
/** @type {any} */
let card;
/** @type {any} */
let toggleButton;

export function mount() {
  card = byId("filters");
  toggleButton = byId("filter-toggle");
  toggleButton.addEventListener("click", () => toggle());
  byId("filter-clear").addEventListener("click", clear);
  document.addEventListener("pointerdown", ({ target }) => {
    const isOutside = !(/** @type {Element} */ (target).closest("#filters, #filter-toggle, .mantine-MultiSelect-dropdown"));
    if (isOpen() && isOutside) toggle(false);
  });
  byId("legend").addEventListener("click", onLegendClick);
  byId("show-all").addEventListener("click", (/** @type {MouseEvent} */ event) => {
    // The button is about to disappear.
    if (isByKeyboard(event)) toggleButton.focus();
    clear();
  });
  listenInFields(card);
  for (const field of Object.keys(FIELD_IDS)) makeCombobox(byId(`filter-${field}`), LIST_NAMES[field]);
  makeCombobox(byId("colouring"), "What gives the colours");
  keepFocusInLegend(byId("legend"));
  subscribe(["map"], () => {
    forgetUnknownNames();
    showCounts();
  });
}

/** @param {MouseEvent} click @returns {boolean} */
function isByKeyboard({ detail }) {
  return detail === 0;
}

/** Open or close the card of filters. @param {boolean} [opens] */
export function toggle(opens = !isOpen()) {
  card.hidden = !opens;
  toggleButton.setAttribute("aria-expanded", String(opens));
  // On a touch screen, the focus of a field would open the keyboard over the card.
  if (opens && !isTouch()) requestAnimationFrame(() => card.querySelector("#filter-genres")?.focus());
}

/** @returns {boolean} Whether the card of filters is open. */
export function isOpen() {
  return !card.hidden;
}

/** Store the values of the controls as the current filter. @param {Controls} controls @returns {Filter} A copy for the server. */
export function setFromControls(controls) {
  current = parse(controls, ranges ? null : current);
  showRanges();
  return { ...current };
}

/** Show the ranges next to the names of the sliders: the chosen ones, or those of all songs. */
function showRanges() {
  const years = current.years ?? ranges?.years;
  const duration = current.duration_s ?? ranges?.duration;
  const write = (/** @type {string} */ id, /** @type {string} */ text) => (byId(`${id}-field`).querySelector(".range-value").textContent = text);
  write("filter-years", years ? ` ${years[0]} – ${years[1]}` : "");
  write("filter-duration", duration ? ` ${duration.map(formatTime).join(" – ")}` : "");
}

/**
 * Store the sliders' limits. They change when the library grows: a slider that includes all songs still does then.
 * @param {number} firstYear @param {number} lastYear @param {number} longest In seconds.
 * @returns {number[][]|null} The values for the two sliders; null if the limits are those of before.
 */
export function setRanges(firstYear, lastYear, longest) {
  const limits = { years: [firstYear, lastYear], duration: [0, longest] };
  if (JSON.stringify(limits) === JSON.stringify(ranges)) return null;
  ranges = limits;
  byId("filter-years-field").hidden = lastYear <= firstYear;
  showRanges();
  return [current.years || limits.years, current.duration_s || limits.duration];
}

/** Set the controls to a filter, for example from the address. @param {Filter} filter */
export function restore(filter) {
  current = { ...current, years: filter.years, duration_s: filter.duration_s };
  setProps(FIELD_IDS.genres, { value: filter.genres });
  setProps(FIELD_IDS.clusters, { value: filter.clusters });
  setProps(FIELD_IDS.artists, { value: filter.artists });
  for (const [kind, { id }] of Object.entries(SWITCHES)) setProps(id, { checked: filter.hide.includes(kind) });
  if (ranges) {
    setProps("filter-years", { value: filter.years || ranges.years });
    setProps("filter-duration", { value: filter.duration_s || ranges.duration });
  } else setProps("filter", { data: { ...filter } });
}

/** Add a genre or artist to the filter. @param {"genre"|"artist"} kind @param {string} name */
export function add(kind, name) {
  const field = /** @type {"genres"|"artists"} */ (`${kind}s`);
  setProps(FIELD_IDS[field], { value: [...new Set([...current[field], name])] });
}

/** Show all songs. */
export function clear() {
  restore(NO_FILTER);
}

/** Turn off the switches that hide songs. */
export function showHidden() {
  for (const { id } of Object.values(SWITCHES)) setProps(id, { checked: false });
}

/** A click on a row of the legend filters by its group; a click on its play button plays the group's representative. @param {any} event */
function onLegendClick({ target, shiftKey }) {
  const playButton = target.closest("[data-representative]");
  if (playButton) flyToAndPlay(Number(playButton.dataset.representative));
  const row = target.closest("[data-group]");
  const field = state.view && groupField(state.view);
  if (row && field) setProps(FIELD_IDS[field], { value: namesAfter(current[field], row.dataset.group, shiftKey) });
}

/** Other clusters are shown now, which have other names, or an address has wrong names: the filter names none that nobody can see. */
function forgetUnknownNames() {
  for (const field of /** @type {("genres"|"clusters"|"artists")[]} */ (Object.keys(FIELD_IDS))) {
    const unknown = (state.map?.meta.unknown?.[field] ?? []).filter((name) => current[field].includes(name));
    if (!unknown.length) continue;
    setProps(FIELD_IDS[field], { value: current[field].filter((name) => !unknown.includes(name)) });
    notify(describeUnknown(field, unknown), { key: `unknown-${field}` });
  }
}

/** Show each switch only if there are songs that it can hide. @param {Object<string, number>} counts By kind. */
function showSwitches(counts) {
  for (const [kind, { id, label: name }] of Object.entries(SWITCHES)) {
    byId(`${id}-field`).hidden = !counts[kind];
    const label = `${name} (${counts[kind].toLocaleString("en")})`;
    if (byId(id).labels[0]?.textContent !== label) setProps(id, { label });
  }
}

/** Show how many songs match, and what filters. */
function showCounts() {
  if (!state.map) return;
  const { meta } = state.map;
  showSwitches(meta.hideable);
  tellScreenReaders(meta);
  const isFiltered = meta.is_filtered || meta.away > 0;
  byId("filter-state").hidden = !isFiltered;
  toggleButton.classList.toggle("on", isFiltered);
  // In a narrow window, the open card covers the line.
  for (const id of ["filter-count", "filters-count"]) byId(id).textContent = isFiltered ? describeCounts(meta) : "";
  showChips(isFiltered ? chipsOf({ ...NO_FILTER, ...meta.view.filter }) : []);
}

/** Screen readers hear the count after each change of the filter. @param {import("../core/types.js").MapMeta} meta */
function tellScreenReaders(meta) {
  const count = describeCounts(meta);
  byId("map-frame").setAttribute("aria-label", `Map: ${count[0].toLowerCase()}${count.slice(1)}`);
  const filter = JSON.stringify(meta.view.filter);
  if (toldFilter !== null && toldFilter !== filter) announce(count);
  toldFilter = filter;
}

/** Show a button for each condition of the filter; a click removes the condition. @param {import("./filter_values.js").Chip[]} chips */
function showChips(chips) {
  const container = byId("filter-chips");
  const focused = [...container.children].indexOf(document.activeElement);
  container.replaceChildren(
    ...chips.map(({ text, label }) => {
      const chip = element("button", "filter-chip", null, { type: "button", title: label, "aria-label": label });
      chip.append(element("span", "filter-chip-text", text, { dir: "auto" }), icon("close"));
      chip.addEventListener("click", () => {
        // The filter may have changed since the map was drawn, for example by a click on another chip.
        const now = chipsOf(current).find((other) => other.text === text);
        if (now) restore(now.without);
      });
      return chip;
    }),
  );
  // The chip with the focus may be the one that was removed.
  if (focused >= 0) (container.children[Math.min(focused, chips.length - 1)] ?? toggleButton).focus();
}
