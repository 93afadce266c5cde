/** The song of the row that has the pointer or the keyboard's focus, in any list of songs: its point gets a mark on the map. */

import { state, subscribe, update } from "../core/state.js";

/** The row under the pointer, and the one with the focus. @type {{hovered: any, focused: any}} */
const rows = { hovered: null, focused: null };

export function mount() {
  document.addEventListener("pointerover", ({ target }) => follow("hovered", target));
  document.documentElement.addEventListener("pointerleave", () => follow("hovered", null));
  document.addEventListener("focusin", ({ target }) => follow("focused", isVisiblyFocused(target) ? target : null));
  document.addEventListener("focusout", () => follow("focused", null));
  subscribe(["isPanelOpen"], show);
  // A list that is replaced or hidden leaves no mark: the browser may tell nothing of it.
  new MutationObserver(show).observe(document.body, { childList: true, subtree: true, attributeFilter: ["hidden"] });
}

/** @param {any} target @returns {boolean} Whether the keyboard has put the focus there: a click leaves it behind. */
function isVisiblyFocused(target) {
  return target.matches(":focus-visible");
}

/** @param {"hovered"|"focused"} kind @param {any} target */
function follow(kind, target) {
  rows[kind] = target?.closest?.(".song-row[data-index]") ?? null;
  show();
}

function show() {
  const row = [rows.hovered, rows.focused].find((each) => each?.isConnected && each.offsetParent !== null);
  const pointed = row ? Number(row.dataset.index) : null;
  if (pointed !== state.pointed) update({ pointed });
}
