/**
 * The functions that Dash calls in the browser instead of on the server. They read the controls and call the other
 * modules, which do the work.
 */

import { prefetch, showMap } from "../map/loader.js";
import { NO_FILTER, hiddenKinds } from "../panel/filter_values.js";
import { add, setFromControls, setRanges } from "../panel/filters.js";
import { findAndPlay } from "./actions.js";
import { clustersToDraw, fieldStyles, nextTheme, noMatch, optionsContaining } from "./controls.js";
import { setLabel, systemTheme } from "./dom.js";
import { focusMap } from "./focus.js";
import { notify } from "./notices.js";
import { noteResults, noteText } from "./search.js";
import { state, update } from "./state.js";
import { formatTime } from "./text.js";
import { restoreOnce } from "./url.js";

/** @returns {any} What a clientside function returns to change nothing. */
const noUpdate = () => window.dash_clientside.no_update;

/** What the callbacks in explorer/web/page/callbacks.py name. */
const callbacks = {
  /**
   * Collect the values of all controls in one object, the view. If several controls change at once, the map is drawn
   * only once. Nothing is drawn before the theme is known.
   * @param {any[]} values
   */
  gatherView(...values) {
    const [projection, colouring, count, fade, theme, revision, changes, filter, most] = values;
    if (!theme || document.getElementById("notice")) return noUpdate();
    const clusters = clustersToDraw(count, most, state.view?.clusters ?? state.defaults.clusters);
    const view = { projection, colouring, clusters, fade: fade === true, theme, revision, changes, filter: filter ?? NO_FILTER };
    update({ view });
    prefetch(view);
    return view;
  },

  /** The server has described a drawing: show it. @param {any} meta */
  async showMap(meta) {
    if (meta) await showMap(meta);
    return noUpdate();
  },

  /**
   * The server could not do what the controls ask for.
   * @param {{text: string, about: "map"|"choices"}|null} problem Null if it could.
   */
  tellProblem(problem) {
    if (problem?.about === "map") update({ mapProblem: problem.text });
    else if (problem) notify(problem.text, { kind: "error", key: "choices" });
    return noUpdate();
  },

  /**
   * Open the suggestion that the user chose in the search: play the song, or filter by the genre or artist.
   * @param {string|null} value "song:ID", "genre:NAME" or "artist:NAME".
   */
  openSuggestion(value) {
    if (!value) return [noUpdate(), noUpdate()];
    const colon = value.indexOf(":");
    const [kind, name] = [value.slice(0, colon), value.slice(colon + 1)];
    if (kind === "song") findAndPlay(name);
    else add(/** @type {"genre"|"artist"} */ (kind), name);
    focusMap();
    return [null, ""];
  },

  /** The text in the search has changed. @param {string|undefined} text */
  noteSearchText(text) {
    noteText(text ?? "");
    return noUpdate();
  },

  /**
   * The server has answered the search.
   * @param {{text: string|null, options: {value: string, label: string}[]}|null} answer The text, and the results for it.
   */
  noteSearchResults(answer) {
    if (answer) noteResults(answer.text, answer.options);
    return noUpdate();
  },

  noMatch,

  /** Collect the values of the filter's controls. @param {any[]} values */
  gatherFilter(...values) {
    const [genres, clusters, artists, years, duration, duplicates, missing, firstYear, lastYear, longest] = values;
    const hide = hiddenKinds({ duplicates, missing });
    return setFromControls({ genres, clusters, artists, years, duration, hide, firstYear, lastYear, longest });
  },

  /**
   * Set the values of the range sliders when the server has sent their limits.
   * @param {any} _ready @param {number} firstYear @param {number} lastYear @param {number} longest
   */
  setRanges(_ready, firstYear, lastYear, longest) {
    return setRanges(firstYear, lastYear, longest) ?? [noUpdate(), noUpdate()];
  },

  /**
   * Choose the next theme: the other one than the system's, the system's own, then again whatever the system says.
   * @param {any} _clicks @param {"dark"|"light"|null} chosen
   */
  chooseTheme(_clicks, chosen) {
    return nextTheme(chosen, systemTheme());
  },

  /**
   * Apply the theme that the user has chosen, or the system's theme. The first call also restores the state that the
   * page's address contains, before the map is drawn.
   * @param {any} _timestamp @param {"dark"|"light"|null} chosen
   */
  applyTheme(_timestamp, chosen) {
    restoreOnce();
    showChosenTheme(chosen);
    const theme = chosen || systemTheme();
    return [theme, theme];
  },

  /** Show only the controls that the current view uses. */
  showFields: fieldStyles,
};

/** Show on the button which theme is chosen. @param {"dark"|"light"|null} chosen Null follows the system. */
function showChosenTheme(chosen) {
  const button = document.getElementById("theme-toggle");
  const mark = button?.querySelector(".icon");
  if (!button || !mark) return;
  mark.className = `icon icon-${chosen ?? "theme"}`;
  setLabel(button, `Theme: ${chosen ?? "as the system"}`);
}

/** The functions that Mantine's components call. */
const mantineFunctions = {
  /** Show all suggestions: the server has already filtered and sorted them. @param {{options: any[]}} search */
  showAll({ options }) {
    return options;
  },

  showContaining: optionsContaining,

  /**
   * Draw a suggestion: its name, and below it the artist or the number of songs. Both are text, not HTML.
   * @param {{option: {value: string, label: string, told: string}}} suggestion
   */
  songOption({ option }) {
    const line = (/** @type {string} */ className, /** @type {string} */ text) => React.createElement("div", { className, key: className, dir: "auto" }, text);
    return React.createElement("div", { className: `suggestion suggestion-${option.value.split(":")[0]}` }, [
      line("suggestion-title", option.label),
      line("suggestion-told", option.told),
    ]);
  },

  asDuration: formatTime,
};

/** Give Dash and Mantine their functions. Called before Dash starts: it looks for them in the global scope. */
export function offerFunctions() {
  window.dash_clientside = Object.assign({}, window.dash_clientside, { explorer: callbacks });
  window.dashMantineFunctions = Object.assign({}, window.dashMantineFunctions, mantineFunctions);
}
