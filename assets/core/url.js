/**
 * The page's address is a view of the state: this module writes it when the state changes, and restores the state after a
 * reload, on going back, or from a shared link.
 */

import { showPosition, zoomNow } from "../map/camera.js";
import { requestPosition } from "../map/loader.js";
import { restore as restoreFilter } from "../panel/filters.js";
import { openSong } from "./actions.js";
import { decode, encode, withoutPositionAndSong } from "./address.js";
import { byId, setProps } from "./dom.js";
import { isReturning } from "./drawn_view.js";
import { state, subscribe, update } from "./state.js";

/** The map's position is written to the address this long after the map's last movement. */
const WRITE_DELAY_MS = 400;
/**
 * While an address is being restored, no new address is written. This ends when the page shows all of the restored state,
 * or after this time.
 */
const RESTORE_TIMEOUT_MS = 3000;

/** The query that is being restored; null if none is. @type {string|null} */
let pendingQuery = null;
let isRestored = false;
let hasWritten = false;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let restoreTimer;

export function mount() {
  window.addEventListener("popstate", restore);
  // The first view adds no step to the history.
  subscribe(["view"], () => {
    write({ push: hasWritten && !isReturning() && !correctsNames() });
    hasWritten = true;
  });
  subscribe(["viewport", "isUserPositioned"], () => {
    if (state.isUserPositioned || state.view) writeLater();
  });
  // A new map can renumber or lose the selected song: that is no step of the user's.
  subscribe(["selections", "selectedId", "upload"], (changed) => changed.has("map") || write({ push: !changed.has("selections") }));
}

/** @returns {boolean} Whether the map's filter has unknown names: they are about to be removed, which is no step of the user's. */
function correctsNames() {
  return Object.values(state.map?.meta.unknown ?? {}).some((names) => names.length > 0);
}

/** @returns {URLSearchParams} The query for what the page shows now. */
export function currentQuery() {
  const { view, defaults, viewport, map, selectedId } = state;
  if (!view) return new URLSearchParams();
  const isPositioned = state.isUserPositioned && viewport && map;
  const position = isPositioned ? { x: viewport.x, y: viewport.y, zoom: zoomNow() } : null;
  return encode({ view, defaults, position, song: selectedId });
}

/** Write the address. @param {{push: boolean}} options Whether this adds a step to the browser's history. */
function write({ push }) {
  clearTimeout(timer);
  const text = currentQuery().toString();
  if (pendingQuery !== null) {
    if (withoutPositionAndSong(text) === withoutPositionAndSong(pendingQuery)) pendingQuery = null;
    return;
  }
  const url = location.pathname + (text ? "?" + text : "");
  if (url === location.pathname + location.search) return;
  if (push) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

/** Write the address after the map has stopped moving. */
function writeLater() {
  clearTimeout(timer);
  timer = setTimeout(() => write({ push: false }), WRITE_DELAY_MS);
}

/** Restore the address on the first call; later calls do nothing. */
export function restoreOnce() {
  if (isRestored) return;
  isRestored = true;
  // The server has written the default values into data attributes.
  const { projection, clusters, mostClusters, colourings } = byId("controls").dataset;
  const counts = { clusters: Number(clusters), mostClusters: Number(mostClusters) };
  update({ defaults: { projection, ...counts, colourings: colourings.split(" ") } });
  restore();
}

/** Set the controls, the map and the song to the state in the address. */
function restore() {
  const query = new URLSearchParams(location.search);
  const { filter, position, song, ...controls } = decode(query, state.defaults);
  const text = encode({ view: { ...controls, filter }, defaults: state.defaults, position, song }).toString();
  pendingQuery = text;
  // The address may ask for what there is not, such as too many clusters.
  if (query.get("clusters") !== new URLSearchParams(text).get("clusters")) {
    history.replaceState(null, "", location.pathname + (text ? "?" + text : ""));
  }
  // The page cannot show every address, for example if a song was deleted. Then stop waiting.
  clearTimeout(restoreTimer);
  restoreTimer = setTimeout(() => (pendingQuery = null), RESTORE_TIMEOUT_MS);
  setControls(controls);
  const isUnfiltered = !filter.years && !filter.duration_s && Object.values(filter).every((names) => !names?.length);
  if (state.view || !isUnfiltered) restoreFilter(filter);
  if (state.view?.projection === controls.projection) showPosition(position);
  else requestPosition(controls.projection, position);
  openSong(song);
}

/** @param {{projection: string, colouring: string, clusters: number, fade: boolean}} controls */
function setControls({ projection, colouring, clusters, fade }) {
  const shown = state.view ?? { ...state.defaults, colouring: "cluster", fade: false };
  if (projection !== shown.projection) setProps("projection", { value: projection });
  if (colouring !== shown.colouring) setProps("colouring", { value: colouring });
  if (clusters !== shown.clusters) setProps("clusters", { value: clusters });
  if (fade !== shown.fade) setProps("fade", { checked: fade });
}
