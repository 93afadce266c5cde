/** Requests to the server. Answers about songs are cached by the song's index on the map. */

import { busyPause } from "./connection_rules.js";
import { state } from "./state.js";

/** @typedef {import("./types.js").Song} Song */
/** @typedef {import("./types.js").Neighbour} Neighbour */

/** The largest number of answers in each of the two caches. */
const MAX_CACHED = 5000;
/** What the user is told. */
export const NO_ANSWER = "The server does not answer; trying again";
/** How often a request is repeated that the server was too busy to answer. */
const MAX_RETRIES = 8;
/** @type {Map<number, Promise<Song>>} */
const songs = new Map();
/** @type {Map<number, Promise<Neighbour[]>>} */
const neighbours = new Map();

/** Clear the caches: on another map, after files were added or removed, after the user hid songs, or for other clusters. */
export function clearCaches() {
  songs.clear();
  neighbours.clear();
}

/** @returns {number} The revision of the map on the page; indices are valid for this revision only. */
function revision() {
  if (!state.map) throw new Error("There is no map yet.");
  return state.map.meta.revision;
}

/**
 * Get a song's title, artist and so on.
 * @param {number} index @returns {Promise<Song>} Rejects with a message for the user.
 */
export function getSong(index) {
  const clusters = state.view?.clusters;
  const query = clusters ? `?clusters=${clusters}` : "";
  return fetchOnce(songs, index, () => getJson(`songs/${revision()}/${index}${query}`));
}

/**
 * Get the songs that sound most like a song, without the songs that are hidden on the map.
 * @param {number} index @returns {Promise<Neighbour[]>}
 */
export function getNeighbours(index) {
  return fetchOnce(neighbours, index, async () => {
    const query = new URLSearchParams((state.map?.meta.hide ?? []).map((kind) => ["hide", kind])).toString();
    return (await getJson(`neighbours/${revision()}/${index}${query && "?" + query}`)).neighbours;
  });
}

/**
 * Get the songs that sound most like a moment of a song, without the songs that are hidden on the map.
 * @param {number} index @param {number} atS A second in the middle of the moment. @param {AbortSignal} signal
 * @returns {Promise<{at_s: number, start_s: number, seconds: number, moments: import("./types.js").SimilarMoment[], lit: [number, number][]}>} Rejects with a
 *   message for the user.
 */
export function getMoments(index, atS, signal) {
  const query = new URLSearchParams([["at_s", atS.toFixed(2)], ...(state.map?.meta.hide ?? []).map((kind) => ["hide", kind])]);
  return getJson(`moments/${revision()}/${index}?${query}`, { signal });
}

/**
 * Get where the two moments of two songs begin that sound most alike; null if the library does not know the moments of one of them.
 * @param {number} index @param {number} other
 * @returns {Promise<{a_s: number|null, b_s: number|null, seconds: number, similarity: number|null, advice: string|null}>} Rejects with a message for the user.
 */
export function getWhy(index, other) {
  return getJson(`why/${revision()}/${index}/${other}`);
}

/**
 * Get where the seconds of a song would lie on the map.
 * @param {number} index @param {string} projection @param {AbortSignal} signal
 * @returns {Promise<import("../inside/comet_path.js").Path|null>} Null if the server does not know it. Rejects if it gives no answer.
 */
export async function getComet(index, projection, signal) {
  const response = await fetchPatiently(`comet/${revision()}/${index}?${new URLSearchParams({ projection })}`, { signal });
  if (response.status === 404) return null;
  await successful(Promise.resolve(response));
  return { places: new Float32Array(await response.arrayBuffer()), stepS: Number(response.headers.get("X-Step")) || 1 };
}

/** @param {string} id A song's id. @returns {Promise<number|null>} Its index on the map. */
export async function indexOf(id) {
  return (await getJson(`songs/${revision()}/by-id/${encodeURIComponent(id)}`)).index;
}

/**
 * Return a cached answer, or request it. A failed request is not cached; a full cache drops its oldest answer.
 * @template T
 * @param {Map<number, Promise<T>>} cache
 * @param {number} index The key in the cache.
 * @param {() => Promise<T>} request
 * @returns {Promise<T>}
 */
export function fetchOnce(cache, index, request) {
  const known = cache.get(index);
  if (known) return known;
  if (cache.size >= MAX_CACHED) cache.delete(/** @type {number} */ (cache.keys().next().value));
  const answer = request();
  answer.catch(() => cache.get(index) === answer && cache.delete(index));
  cache.set(index, answer);
  return answer;
}

/**
 * Fetch an address.
 * @param {string} address @param {RequestInit} [options]
 * @returns {Promise<Response>} Rejects with a message for the user if the server does not answer, and with an AbortError if the request
 *   was cancelled.
 */
export async function ask(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    throw /** @type {Error} */ (error).name === "AbortError" ? error : new Error(NO_ANSWER);
  }
}

/**
 * Fetch an address. If the server is busy (503), wait as long as it says and try again; wait longer each time.
 * @param {string} address
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} The last answer. Rejects as `ask` does.
 */
export async function fetchPatiently(address, options = {}) {
  for (let attempt = 0; ; attempt++) {
    const response = await ask(address, options);
    const pause = busyPause(response, attempt, MAX_RETRIES);
    if (pause === null) return response;
    await new Promise((resolve) => setTimeout(resolve, pause));
    options.signal?.throwIfAborted();
  }
}

/** @param {Promise<Response>} answer As `ask` returns it. @returns {Promise<Response>} Rejects with a message for the user. */
export async function successful(answer) {
  const response = await answer;
  if (!response.ok) throw new Error(await response.text());
  return response;
}

/**
 * Send a GET request.
 * @param {string} address @param {RequestInit} [options]
 * @returns {Promise<any>} The JSON answer. Rejects with a message for the user.
 */
export async function getJson(address, options) {
  return (await successful(ask(address, options))).json();
}
