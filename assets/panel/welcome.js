/** The card of the first visit: what the map is, and two ways to begin. It leaves at the first action, and does not come back. */

import { playSomething } from "../core/actions.js";
import { byId } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { showAll } from "../map/camera.js";
import { toggle as toggleHearing } from "../sound/hover.js";

const KEY = "welcomed";

/** @returns {boolean} Whether the page was never used in this browser. */
export function isFirstVisit() {
  return localStorage.getItem(KEY) === null;
}

export function mount() {
  const card = byId("welcome");
  if (!isFirstVisit()) return;
  subscribe(["map"], () => {
    if (!isFirstVisit() || !card.hidden) return;
    card.hidden = false;
    showAllUnlessMoved();
  });
  byId("welcome-play").addEventListener("click", () => {
    leave();
    playSomething();
  });
  byId("welcome-hear").addEventListener("click", () => {
    leave();
    if (!state.isHearing) toggleHearing();
  });
  byId("welcome-close").addEventListener("click", leave);
  subscribe(["requested", "selected", "chosen", "isHearing", "upload"], leave);
  byId("search").addEventListener("input", leave);
}

function leave() {
  const card = byId("welcome");
  localStorage.setItem(KEY, "yes");
  if (card.hidden) return;
  const hadFocus = card.contains(document.activeElement);
  card.hidden = true;
  if (hadFocus) byId("play").focus();
  showAllUnlessMoved();
}

/** The card covers a part of the map: show all songs beside it. */
function showAllUnlessMoved() {
  if (!state.isUserPositioned) showAll();
}

