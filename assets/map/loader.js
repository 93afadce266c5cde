/** Loads maps: the server's description comes from Dash, the arrays from routes of their own. Puts them into the state together. */

import { NO_ANSWER, clearCaches, fetchPatiently, successful } from "../core/api.js";
import { state, update } from "../core/state.js";
import { storedProjection } from "../core/text.js";
import { groupField, paletteOf } from "../panel/filter_values.js";
import { freeArea, toPixels } from "./camera.js";
import { isolated } from "./flags.js";
import { forgottenState, newIndex, newViewport, renumberedState, unmoved } from "./new_map.js";
import { inTheMiddle } from "./picking.js";
import { placeOf } from "./songs.js";
import { fitting, offsetInto } from "./viewport.js";

/** @typedef {import("../core/types.js").View} View */
/** @typedef {import("../core/types.js").MapMeta} MapMeta */
/** @typedef {import("../core/types.js").MapState} MapState */
/** @typedef {import("../core/address.js").Position} Position */

/** The largest number of arrays that are kept: positions, groups and flags of the last views. */
const MAX_ARRAYS = 9;
const SHAPE_CHECK_MS = 100;
/**
 * Arrays from the server, by what was asked. The last one was used last. The same question gives the same array: whoever
 * draws it then knows that nothing has changed.
 * @type {Map<string, Promise<any>>}
 */
const arrays = new Map();
/** A position from the address, for the next map of a projection. @type {{projection: string, position: Position}|null} */
let requestedPosition = null;
/** Counts the calls of `showMap`: the newest one wins. */
let newestCall = 0;
/** Counts the calls of `prefetch`. */
let newestQuestion = 0;
/** The last map as the server has described it: the points may look like the next view already. @type {MapState|null} */
let described = null;

/** Show a position when the next map of a projection comes. @param {string} projection @param {Position|null} position Null shows all songs. */
export function requestPosition(projection, position) {
  requestedPosition = position && { projection, position };
}

/**
 * Start to load the arrays for a view. If only colours or flags change, the points show them as soon as they are known: names
 * and legend follow when the server has described the view.
 * @param {View|null} view Null before the controls are read.
 */
export async function prefetch(view) {
  if (!view) return;
  const [call, question] = [newestCall, ++newestQuestion];
  const isCurrent = () => call === newestCall && question === newestQuestion && !state.shape && canShowBefore(view);
  try {
    const loading = fetchArrays(view);
    const flags = flagsIfIsolated(view);
    if (flags && isCurrent()) showPoints({ flags });
    const loaded = await loading;
    if (isCurrent() && loaded.places === state.map?.places) showPoints({ groups: loaded.groups, flags: reused(loaded.flags) });
  } catch (error) {
    if (isCurrent() && described?.meta === state.map?.meta) showPoints(/** @type {MapState} */ (described));
    // If the server answers, it describes the map: then `showMap` asks again, and reports what fails.
    if (call === newestCall && error instanceof Error && error.message === NO_ANSWER) tell(error);
  }
}

/**
 * @param {View} view
 * @returns {boolean} Whether the colours of the map that is drawn suffice: groups, scales and keys have different ones; and the
 *   original view has cells, too.
 */
function canShowBefore({ theme, projection, colouring }) {
  const { map } = state;
  if (!map || map.meta.theme !== theme || map.meta.projection !== projection || projection === "original") return false;
  return paletteOf(map.meta.view) === paletteOf({ projection, colouring });
}

/** Draw the same songs at the same places in another way. @param {{groups?: Uint8Array, flags: Uint8Array}} arrays */
function showPoints({ groups = state.map?.groups, flags }) {
  const { map } = state;
  if (map && groups && (flags !== map.flags || groups !== map.groups)) update({ map: { ...map, groups, flags } });
}

/**
 * @param {View} view
 * @returns {Uint8Array|null} Its flags, if it only filters by groups of the map that is drawn; else the server knows. A song can have
 *   several genres or artists, but only one colour: such songs follow when the server has answered.
 */
function flagsIfIsolated(view) {
  if (!described || described.meta !== state.map?.meta) return null;
  const { meta, flags, groups } = described;
  const field = groupField(view);
  const names = field ? (view.filter[field] ?? []) : [];
  if (!field || !names.length || !names.every((name) => Object.hasOwn(meta.slots, name))) return null;
  const shown = names.map((name) => meta.slots[name]);
  const whole = { ...view, filter: { ...view.filter, [field]: [] } };
  return flagsKey(whole) === flagsKey(meta.view) ? isolated(flags, groups, shown) : null;
}

/** @param {Uint8Array} flags @returns {Uint8Array} Those of the map that is drawn if they are the same: then the drawing knows it. */
function reused(flags) {
  const drawn = state.map?.flags;
  return drawn?.length === flags.length && drawn.every((flag, i) => flag === flags[i]) ? drawn : flags;
}

/**
 * Load the arrays of a map and show it. If another map comes in the meantime, that one is shown instead. While the user draws
 * a lasso or a box, a map waits: the songs would move under it.
 * @param {MapMeta} meta
 */
export async function showMap(meta) {
  const call = ++newestCall;
  if (state.map && state.map.meta.order !== meta.order && state.map.meta.revision === meta.revision) arrays.clear();
  try {
    const [loaded, moved] = await Promise.all([fetchArrays(meta.view), fetchMoved(meta)]);
    while (state.shape && call === newestCall) await new Promise((resolve) => setTimeout(resolve, SHAPE_CHECK_MS));
    if (call !== newestCall) return;
    if (state.mapProblem) update({ mapProblem: "" });
    show({ meta, ...loaded, flags: reused(loaded.flags) }, moved);
  } catch (error) {
    if (call === newestCall) tell(error);
  }
}

/** @param {unknown} error */
function tell(error) {
  update({ mapProblem: error instanceof Error ? error.message : String(error) });
}

/** @param {View} view @returns {Promise<{count: number, places: Float32Array, groups: Uint8Array, flags: Uint8Array}>} */
async function fetchArrays(view) {
  const { revision, projection, colouring, clusters, changes } = view;
  const positions = `map/${revision}/positions/${storedProjection(projection)}`;
  const groups = `map/${revision}/groups?${new URLSearchParams({ projection, colouring, clusters: String(clusters) })}`;
  const body = JSON.stringify(view);
  const headers = { "Content-Type": "application/json" };
  const [places, numbers, flags] = await Promise.all([
    fetchArray(Float32Array, positions, positions),
    fetchArray(Uint8Array, `${groups} ${changes}`, groups),
    fetchArray(Uint8Array, `flags ${flagsKey(view)}`, `map/${revision}/flags`, { method: "POST", headers, body }),
  ]);
  const count = numbers.length;
  if (flags.length !== count || places.length !== 2 * count) {
    arrays.clear();
    throw new Error("The server sent only a part of the map: reload the page.");
  }
  return { count, places, groups: numbers, flags };
}

/**
 * @template T
 * @param {new (bytes: ArrayBuffer) => T} Type @param {string} key @param {string} address @param {RequestInit} [options]
 * @returns {Promise<T>} From an earlier request, or from the server. Rejects with a message for the user.
 */
function fetchArray(Type, key, address, options) {
  const answer = arrays.get(key) ?? request(address, options).then((bytes) => new Type(bytes));
  arrays.delete(key);
  arrays.set(key, answer);
  answer.catch(() => arrays.get(key) === answer && arrays.delete(key));
  if (arrays.size > MAX_ARRAYS) arrays.delete(/** @type {string} */ (arrays.keys().next().value));
  return answer;
}

/** @param {string} address @param {RequestInit} [options] @returns {Promise<ArrayBuffer>} */
async function request(address, options) {
  return (await successful(fetchPatiently(address, options))).arrayBuffer();
}

/**
 * @param {View} view As the controls ask for it, or as the server describes what it has drawn.
 * @returns {string} Equal for views in which each song has the same flags.
 */
export function flagsKey({ revision, projection, colouring, clusters, fade, changes, filter }) {
  const { genres = [], clusters: names = [], artists = [], years = null, duration_s = null, hide = [] } = filter ?? {};
  return JSON.stringify([revision, projection, colouring, clusters, fade, changes, genres, names, artists, years, duration_s, hide]);
}

/**
 * @param {MapMeta} meta Of a new map.
 * @returns {Promise<Int32Array|null>} The new index of each song of the map that is drawn, -1 if it has none. Null if the map has
 *   the same revision, or nobody knows.
 */
async function fetchMoved({ revision, order }) {
  const { map } = state;
  if (!map || map.meta.revision === revision) return null;
  if (map.meta.order === order) return unmoved(map.count);
  try {
    const response = await fetch(`songs/${revision}/since/${map.meta.revision}`);
    return response.ok ? new Int32Array(await response.arrayBuffer()) : null;
  } catch {
    return null;
  }
}

/**
 * If nobody knows the new indices, the modules that need a song's index look for it by its id.
 * @param {MapState} map @param {Int32Array|null} moved
 */
function show(map, moved) {
  const before = state.map?.meta ?? null;
  const { meta } = map;
  // The server may have been started again with another library, whose map has the same revision.
  const isSame = before?.revision === meta.revision && before.order === meta.order;
  if (before && (!isSame || detailsOf(before) !== detailsOf(meta))) clearCaches();
  const isUnknown = before !== null && !isSame && !moved;
  const indices = isUnknown ? forgottenState() : moved && renumberedState(state, moved);
  described = map;
  update({ map, moved, ...viewportOn(map, moved, isUnknown ? null : before), ...indices });
}

/** @param {MapMeta} meta @returns {string} What the server's answers about songs depend on, besides the revision. */
function detailsOf({ changes, hide, view }) {
  return `${changes} ${hide} ${view.clusters}`;
}

/**
 * @param {MapState} map The new one. @param {Int32Array|null} moved
 * @param {MapMeta|null} before The map that is drawn; null if nobody knows its songs' new indices.
 */
function viewportOn({ meta, places }, moved, before) {
  const { viewport, isUserPositioned } = state;
  const free = freeArea();
  const isOther = before?.projection !== meta.projection || before.revision !== meta.revision;
  const song = moved && isUserPositioned && before?.projection === meta.projection ? songToFollow(moved) : null;
  const [from, index] = [placeOf(song), moved && newIndex(moved, song)];
  const followed = from === null || index === null ? null : { before: from, after: [places[2 * index], places[2 * index + 1]] };
  const requested = requestedPosition?.projection === meta.projection ? requestedPosition.position : null;
  if (isOther && !followed) requestedPosition = null;
  const [all, allBefore] = [fitting(meta.bounds, free), fitting((before ?? meta).bounds, free)];
  const scales = { fitting: all, fittingScaleBefore: allBefore.scale };
  return newViewport({ before, after: meta, viewport, isUserPositioned, ...scales, requested, followed });
}

/**
 * @param {Int32Array} moved
 * @returns {number|null} The song that keeps its pixel: the one that plays or is selected, else one in the middle of the map.
 */
function songToFollow(moved) {
  const free = freeArea();
  const isInView = (/** @type {number|null} */ index) => {
    const place = placeOf(/** @type {number} */ (index));
    return place !== null && offsetInto(free, toPixels(...place)) === null && newIndex(moved, index) !== null;
  };
  return [state.playing, state.selected].find(isInView) ?? inTheMiddle();
}
