/** Asks the server for what is inside a song. */

import { fetchPatiently, successful } from "../core/api.js";
import { state } from "../core/state.js";

/** @typedef {import("./inside_text.js").Inside} Inside */
/** @typedef {import("./matrix.js").Levels} Levels */

/** @param {number} index @param {string} [part] */
function addressOf(index, part = "") {
  return `inside/${state.map?.meta.revision}/${index}${part}`;
}

/** @param {number} index @param {AbortSignal} signal @returns {Promise<Inside>} Rejects with a message for the user. */
export async function getInside(index, signal) {
  return (await successful(fetchPatiently(addressOf(index), { signal }))).json();
}

/** @param {number} index @param {AbortSignal} signal @returns {Promise<Levels>} Rejects with a message for the user. */
export async function getMatrix(index, signal) {
  const response = await successful(fetchPatiently(addressOf(index, "/matrix"), { signal }));
  return { levels: new Uint8Array(await response.arrayBuffer()), size: Number(response.headers.get("X-Size")) };
}

/**
 * @param {string} id @param {AbortSignal} signal
 * @returns {Promise<number[]|null>} The peaks of a song's waveform, from 0 to 255; null if there is none, such as without the song's file.
 */
export async function getPeaks(id, signal) {
  try {
    return (await (await successful(fetchPatiently("waveform/" + encodeURIComponent(id), { signal }))).json()).peaks;
  } catch {
    return null;
  }
}
