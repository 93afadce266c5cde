/**
 * Whether the server answers. All requests of the page and of Dash pass here. If one fails or waits long, the server is asked; while
 * it does not answer, the page says so once, asks again and again, and the parts of the page catch up when it answers
 * (`state.serverAnswers`).
 */

import { NO_ANSWER } from "./api.js";
import { SLOW_MS, answerLimit, busyPause, outcome, pauseBeforeAsking } from "./connection_rules.js";
import { dismiss, notify } from "./notices.js";
import { state, subscribe, update } from "./state.js";

/** @typedef {(request: {address: string, body: unknown}, answer: Promise<Response>) => void} Observer It is told of each request. */

/** Where Dash's callbacks are answered. */
const CALLBACKS = "_dash-update-component";
/** Dash does not repeat what the server was too busy for. */
const MAX_RETRIES = 4;

/** @type {typeof window.fetch} */
let send = (...request) => fetch(...request);
/** @type {Observer[]} */
const observers = [];
let pending = 0;
let answeredAt = -Infinity;
/** How often the server was asked in vain. */
let asked = 0;
let isAsking = false;
/** Whether the user goes to another page: then the browser cancels all requests. */
let isLeaving = false;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

/** See all requests from now on. Called once, before Dash starts. */
export function watchRequests() {
  send = window.fetch.bind(window);
  window.fetch = watched;
}

export function mount() {
  subscribe(["serverAnswers"], show);
  for (const event of ["online", "visibilitychange"]) window.addEventListener(event, () => state.serverAnswers || ask());
  window.addEventListener("pagehide", () => (isLeaving = true));
  window.addEventListener("pageshow", () => (isLeaving = false));
}

/** @param {Observer} observer */
export function observe(observer) {
  observers.push(observer);
}

/**
 * @param {{address: string, body: unknown}} request
 * @param {string} output A component and property, such as "drawing.data".
 * @returns {any} What a callback of Dash with this output is sent: `inputs` and so on; null for another request.
 */
export function callbackFor({ address, body }, output) {
  if (!address.includes(CALLBACKS) || typeof body !== "string" || !body.includes(output)) return null;
  const sent = JSON.parse(body);
  // One output is written as "a.b", several as "..a.b...c.d..".
  const outputs = String(sent.output).replace(/^\.\.|\.\.$/g, "").split("...");
  return outputs.includes(output) ? sent : null;
}

/** In place of the browser's `fetch`. @param {RequestInfo|URL} input @param {RequestInit} [options] @returns {Promise<Response>} */
async function watched(input, options) {
  const address = input instanceof Request ? input.url : String(input);
  if (/^(blob|data):/.test(address)) return send(input, options);
  const answer = address.includes(CALLBACKS) ? sendPatiently(input, options) : send(input, options);
  for (const observer of observers) observer({ address, body: options?.body }, answer);
  pending += 1;
  const slow = setTimeout(() => performance.now() - answeredAt >= SLOW_MS && ask(), SLOW_MS);
  try {
    const response = await answer;
    follow(outcome(response));
    return response;
  } catch (error) {
    follow(outcome({ error }));
    throw error;
  } finally {
    clearTimeout(slow);
    pending -= 1;
  }
}

/** @param {RequestInfo|URL} input @param {RequestInit} [options] @returns {Promise<Response>} */
async function sendPatiently(input, options) {
  for (let attempt = 0; ; attempt++) {
    const response = await send(input, options);
    const pause = busyPause(response, attempt, MAX_RETRIES);
    if (pause === null) return response;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** @param {ReturnType<typeof outcome>} end Of a request. */
function follow(end) {
  // An answer can come from the browser's cache: only `ask` tells that the server answers again.
  if (end === "answered") answeredAt = performance.now();
  else if (end === "failed" && !isLeaving) ask();
}

/** Ask whether the server answers. While it does not, ask again and again. */
async function ask() {
  if (isAsking) return;
  isAsking = true;
  clearTimeout(timer);
  const serverAnswers = await answers();
  isAsking = false;
  if (isLeaving) return;
  asked = serverAnswers ? 0 : asked + 1;
  if (!serverAnswers) timer = setTimeout(ask, pauseBeforeAsking(asked));
  update({ serverAnswers });
}

/** @returns {Promise<boolean>} */
async function answers() {
  const began = performance.now();
  try {
    const response = await send("healthz", { cache: "no-store", signal: AbortSignal.timeout(answerLimit(pending)) });
    return outcome(response) === "answered";
  } catch (error) {
    // It was slow, but it has answered another request meanwhile.
    return /** @type {Error} */ (error).name === "TimeoutError" && state.serverAnswers && answeredAt > began;
  }
}

function show() {
  if (state.serverAnswers) dismiss("connection");
  else notify(NO_ANSWER, { kind: "wait", key: "connection" });
}
