/** The links before everything else on the page: with them a user of the keyboard goes straight to a part of it. */

import { open as openPanel, showTab } from "../panel/panel.js";
import { byId } from "./dom.js";

export function mount() {
  byId("skip-links").addEventListener("click", (/** @type {any} */ event) => {
    const link = event.target.closest("a");
    if (!link) return;
    // The address is a view of the page's state: it gets no "#player".
    event.preventDefault();
    const id = link.hash.slice(1);
    if (id === "tab-song") showSong();
    byId(id).focus();
  });
}

function showSong() {
  openPanel();
  showTab("song");
}
