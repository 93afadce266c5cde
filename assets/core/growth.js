/**
 * Shows new maps by themselves while a first look fills the library. Songs glide to their new places, and what the user
 * does goes on: the song that plays, the selection, the panel, the zoom.
 */

import { byId, setProps } from "./dom.js";
import { decide } from "./growth_rules.js";
import { state, update } from "./state.js";

let shownAt = -Infinity;

/**
 * The server has a new map, made during a first look: show it, now or at a later check.
 * @param {{revision: number, clusters: number}} latest
 * @returns {boolean} False if the user must be asked.
 */
export function offer({ revision, clusters }) {
  const filter = state.view?.filter;
  const decision = decide({
    isPressed: state.isDragging || state.shape !== null || state.isGliding,
    usesGroups: (filter?.clusters ?? []).length > 0,
    elapsedMs: performance.now() - shownAt,
    songCount: state.map?.count ?? 0,
  });
  if (decision === "show") {
    shownAt = performance.now();
    followClusters(clusters);
    setProps("revision", { data: revision });
  }
  return decision !== "ask";
}

/** Unless the user has chosen another number of clusters, show as many as the new map has. @param {number} clusters */
function followClusters(clusters) {
  const before = state.defaults.clusters;
  if (!clusters || clusters === before) return;
  if (state.view?.clusters === before) setProps("clusters", { value: clusters });
  const most = Math.max(clusters, 50);
  setProps("clusters", { max: most });
  byId("clusters-field").querySelector(".field-limits").textContent = `1 to ${most}`;
  update({ defaults: { ...state.defaults, clusters, mostClusters: most } });
  byId("controls").dataset.clusters = String(clusters);
}
