/** Shows how far the index run is: in a quiet card beside the map, or in place of the map while there is none. */

import { announce, byId } from "./dom.js";
import { describe, describeWithoutMap, isRedrawOffered, milestoneOf } from "./progress_text.js";
import { state, subscribe } from "./state.js";

/** @typedef {import("./progress_text.js").IndexRun} IndexRun */

/** Why the index run has failed, as the card says. */
let problem = "";
/** What screen readers have said last. */
let milestone = "";

export function mount() {
  byId("exact-keep").addEventListener("click", () => {
    localStorage.setItem("kept-layouts", JSON.stringify(state.map?.meta.coarse_layouts));
    byId("exact").hidden = true;
  });
  // The button stays visible until the new map is drawn.
  const redraw = byId("redraw");
  new MutationObserver(() => showRedraw(redraw.dataset.phase)).observe(redraw, { attributeFilter: ["data-phase"] });
  subscribe(["map"], offerRedraw);
  subscribe(["map"], () => state.map && (byId("counts").textContent = state.map.meta.counts));
}

/** @param {{index: IndexRun|null, problem: string, first_look: boolean}} latest */
export function show(latest) {
  const notice = document.getElementById("notice-progress");
  if (notice && latest.index) {
    const { text, share } = describeWithoutMap(latest.index);
    setText(notice, text);
    fill(byId("notice-bar"), share);
  }
  const description = document.getElementById("notice") ? null : describe(latest);
  byId("progress").hidden = description === null;
  if (!description) return;
  if (latest.problem !== problem) byId("progress").querySelector("details").open = latest.problem !== "";
  problem = latest.problem;
  setText(byId("progress-text"), description.text);
  setText(byId("progress-note"), description.note);
  fill(byId("progress-bar"), description.share);
  announceMilestone(description);
}

/**
 * Offer to draw the map again while its places are those of the first look, unless the user has chosen to keep them or
 * may not change the library.
 */
function offerRedraw() {
  if (!state.map) return;
  const { coarse_layouts: layouts, projection } = state.map.meta;
  const isOffered = isRedrawOffered({ layouts, projection, kept: localStorage.getItem("kept-layouts") });
  byId("exact").hidden = !isOffered || state.refusal !== "";
}

/** @param {string} phase Of the process that draws the map again. */
function showRedraw(phase) {
  const button = byId("exact-redraw");
  button.disabled = phase === "running";
  button.textContent = phase === "running" ? "Redrawing …" : "Redraw";
}

/** Screen readers say how far the run is. @param {import("./progress_text.js").Description} description */
function announceMilestone(description) {
  const reached = milestoneOf(description);
  if (reached === milestone) return;
  milestone = reached;
  announce(description.text);
}

/** @param {HTMLElement} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {any} bar @param {number|null} share From 0 to 1; null hides the bar. */
function fill(bar, share) {
  bar.hidden = share === null;
  const percent = Math.round(100 * (share ?? 0));
  bar.setAttribute("aria-valuenow", String(percent));
  bar.firstElementChild.style.width = `${percent}%`;
}
