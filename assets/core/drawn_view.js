/**
 * Keeps the controls true: if the map that they ask for cannot be drawn, they go back to what is drawn. If the server did not answer,
 * the map is asked for again when it does.
 */

import { restore as restoreFilter } from "../panel/filters.js";
import { NO_ANSWER } from "./api.js";
import { callbackFor, observe } from "./connection.js";
import { setProps } from "./dom.js";
import { changedControls, isDrawn } from "./drawn_view_rules.js";
import { dismiss, notify } from "./notices.js";
import { state, subscribe, update } from "./state.js";

/** @typedef {import("./types.js").View} View */

/** A map that is not drawn after this time: the page says that it is being drawn. */
const SLOW_MS = 1000;
/** What the user asked for longer ago is not drawn by itself when the server answers again. */
const RETRY_WITHIN_MS = 60_000;
/** The controls have gone back after this time, or never will. */
const RETURN_MS = 2000;
const FAILED = "The map could not be drawn.";

/** What the user asked for, and the server did not answer. @type {{view: View, at: number}|null} */
let wanted = null;
/** When the controls began to go back; null if they do not. @type {number|null} */
let returningSince = null;
/** The view that they have gone back to. @type {View|null} */
let returned = null;
/** The description of the map that is drawn. */
let meta = state.map?.meta;
/** How many drawings the server is asked for now. */
let asked = 0;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

export function mount() {
  observe(followCallback);
  subscribe(["view"], expect);
  subscribe(["map"], () => state.map?.meta !== meta && settle());
  subscribe(["mapProblem"], showProblem);
  subscribe(["serverAnswers"], () => (state.serverAnswers ? catchUp() : dismiss("drawing")));
}

/** @returns {boolean} Whether the controls go back to what is drawn: that is no step of the user's. */
export function isReturning() {
  return isGoingBack() || (returned !== null && returned === state.view);
}

function isGoingBack() {
  return returningSince !== null && performance.now() - returningSince < RETURN_MS;
}

/** The controls have changed: they ask for another map, or have gone back. */
function expect() {
  const { view, map } = state;
  if (!view || !map) return;
  if (isDrawn(view, map)) {
    if (isGoingBack()) returned = view;
    returningSince = null;
    return stopWaiting();
  }
  // Several controls go back one after another.
  if (isGoingBack()) return;
  clearTimeout(timer);
  wanted = null;
  if (state.mapProblem) update({ mapProblem: "" });
  timer = setTimeout(() => state.serverAnswers && notify("Drawing the map…", { kind: "wait", key: "drawing" }), SLOW_MS);
}

/** A map is drawn. */
function settle() {
  meta = state.map?.meta;
  if (!asked || !state.view || isDrawn(state.view, state.map)) stopWaiting();
  if (state.mapProblem) update({ mapProblem: "" });
}

function stopWaiting() {
  clearTimeout(timer);
  dismiss("drawing");
}

/**
 * Dash has asked the server for a drawing. An error that the server explains comes as an answer; see `tellProblem` in core/dash.js.
 * @type {import("./connection.js").Observer}
 */
async function followCallback(request, answer) {
  if (!callbackFor(request, "drawing.data")) return;
  asked += 1;
  const response = await answer.catch(() => null);
  asked -= 1;
  if (response?.status === 204) stopWaiting();
  else if (!response?.ok) update({ mapProblem: response ? FAILED : NO_ANSWER });
}

/** Say why the map could not be drawn, and put the controls back. */
function showProblem() {
  const { mapProblem, view, map } = state;
  if (!mapProblem) return dismiss("map");
  stopWaiting();
  const failed = view && !isDrawn(view, map) ? view : null;
  const isGone = mapProblem === NO_ANSWER;
  if (isGone && failed) wanted = { view: failed, at: performance.now() };
  const action = failed && { label: "Try again", run: () => setControls(failed) };
  if (!isGone) notify(mapProblem, { kind: "error", key: "map", ...(action && { action }) });
  if (failed && map) setControls(map.meta.view);
}

/** Set the controls to a view. @param {View} target */
function setControls(target) {
  if (!state.view) return;
  if (isDrawn(target, state.map)) returningSince = performance.now();
  const { filter, ...controls } = changedControls(state.view, target);
  for (const [id, props] of Object.entries(controls)) setProps(id, props);
  if (filter) restoreFilter(filter);
}

/** The server answers again: ask for what could not be drawn. */
function catchUp() {
  const { view, map } = state;
  const again = wanted && performance.now() - wanted.at < RETRY_WITHIN_MS ? wanted.view : null;
  wanted = null;
  if (state.mapProblem === NO_ANSWER) update({ mapProblem: "" });
  if (!view) return;
  if (again && isDrawn(view, map)) setControls(again);
  else if (!map || !isDrawn(view, map) || view.theme !== map.meta.theme || view.revision !== map.meta.view.revision) {
    setProps("look", { data: { ...view } });
  }
}
