/** The previews for hover to hear: loads, decodes and caches them. */

import { ask, getSong } from "../core/api.js";

/** How long to wait before a busy server is asked again. */
const RETRY_MS = 250;
export const MAX_LOADING = 4;
/** At most this many decoded previews are cached. Each takes 8 MB. */
export const MAX_DECODED = 28;

/** Decoded previews, the least recently used first. @type {Map<number, AudioBuffer>} */
export const decoded = new Map();
/** What cancels each preview that is being loaded. @type {Map<number, AbortController>} */
export const loading = new Map();
/** Songs whose previews cannot be loaded or decoded. @type {Set<number>} */
export const failed = new Set();
/** Songs whose previews are loaded next. @type {number[]} */
export let waiting = [];
/** The song whose preview is needed now. @type {number|null} */
let first = null;
/** How often the songs got other indices. */
let renumberings = 0;
/** @type {(bytes: ArrayBuffer) => Promise<AudioBuffer>} */
let decode;
/** @type {(index: number) => void} */
let whenDecoded;

/**
 * Say how previews are decoded, and who is told of each decoded preview.
 * @param {(bytes: ArrayBuffer) => Promise<AudioBuffer>} decoder
 * @param {(index: number) => void} listener
 */
export function prepare(decoder, listener) {
  [decode, whenDecoded] = [decoder, listener];
}

/** Load the previews of songs, and cancel all other loads. @param {number[]} songs The one that is needed now comes first. */
export function prefetch(songs) {
  first = songs[0];
  const wanted = [...new Set(songs)].filter((index) => !failed.has(index));
  for (const [index, request] of loading) {
    if (wanted.includes(index)) continue;
    request.abort();
    loading.delete(index);
  }
  waiting = wanted.filter((index) => !decoded.has(index) && !loading.has(index));
  loadWaiting();
}

/** Load no more previews than those that are being loaded. */
export function dropWaiting() {
  first = null;
  waiting = [];
}

/** @param {number} index @returns {AudioBuffer|undefined} A decoded preview, which is the most recently used one now. */
export function take(index) {
  const buffer = decoded.get(index);
  if (buffer) cache(index, buffer);
  return buffer;
}

/**
 * Cache a decoded preview as the most recently used; drop the least recently used if there are too many.
 * @param {number} index @param {AudioBuffer} buffer
 */
export function cache(index, buffer) {
  decoded.delete(index);
  decoded.set(index, buffer);
  while (decoded.size > MAX_DECODED) decoded.delete(/** @type {number} */ (decoded.keys().next().value));
}

/**
 * The songs have other indices now. Previews that are being loaded are loaded again when they are needed.
 * @param {(index: number) => number|null} next A song's new index; null if it has none.
 */
export function renumber(next) {
  renumberings += 1;
  for (const request of loading.values()) request.abort();
  loading.clear();
  dropWaiting();
  const [buffers, failures] = [[...decoded], [...failed]];
  decoded.clear();
  failed.clear();
  for (const [before, buffer] of buffers) {
    const index = next(before);
    if (index !== null) decoded.set(index, buffer);
  }
  for (const before of failures) {
    const index = next(before);
    if (index !== null) failed.add(index);
  }
}

function loadWaiting() {
  while (loading.size < MAX_LOADING) {
    const index = waiting.shift();
    if (index === undefined) return;
    load(index);
  }
}

/** Load and decode one preview. @param {number} index */
async function load(index) {
  const request = new AbortController();
  const numbering = renumberings;
  loading.set(index, request);
  try {
    const { id } = await getSong(index);
    const response = await ask("preview/" + encodeURIComponent(id), { signal: request.signal });
    if (response.status === 503) return retryLater(index);
    if (!response.ok) return failed.add(index);
    const buffer = await decode(await response.arrayBuffer());
    // A preview that was decoded after all is cached, even if the pointer has moved on.
    if (numbering !== renumberings) return;
    cache(index, buffer);
    whenDecoded(index);
  } catch (error) {
    // After another error, such as no answer from the server, a later attempt may succeed: do not store it.
    if (/** @type {Error} */ (error).name === "EncodingError" && numbering === renumberings) failed.add(index);
  } finally {
    if (loading.get(index) === request) loading.delete(index);
    loadWaiting();
  }
}

/** The server is busy making other previews: load this one a little later if it is still needed. @param {number} index */
function retryLater(index) {
  setTimeout(() => {
    if (first !== index || decoded.has(index) || loading.has(index)) return;
    waiting.unshift(index);
    loadWaiting();
  }, RETRY_MS);
}
