/** Sends a file to the server and waits until it is analysed. The page waits for one upload at a time. It has no elements. */

/** @typedef {import("../core/types.js").UploadedSong} UploadedSong */

export const MAX_BYTES = 50 * 1024 * 1024;
const POLL_MS = 400;

/** Names the upload that the page waits for; null if it waits for none. Answers to others are ignored. @type {symbol|null} */
let awaited = null;
/** The server's name for that upload; null while the file is still being sent. @type {string|null} */
let token = null;
/** The server's name for the song that was ready last. @type {string|null} */
let readyToken = null;

/** @param {{name: string, size: number}} file @returns {string} Why the file is not sent; empty if it is. */
export function problemOf({ name, size }) {
  if (size > MAX_BYTES) return `${name} is too large. A file may have up to 50 MB.`;
  return size ? "" : `${name} is empty.`;
}

/** @param {{phase: string, ahead: number}} progress As the server tells it. @returns {string} */
export function describeProgress({ phase, ahead }) {
  if (phase !== "waiting") return "Analysing the song…";
  return ahead ? `Waiting for ${ahead === 1 ? "another upload" : `${ahead} other uploads`}…` : "Waiting…";
}

/**
 * Send a file and wait until the server has analysed it.
 * @param {File} file @param {(text: string) => void} tell It is told how far the server is.
 * @returns {Promise<UploadedSong|null>} The song; null if the upload was abandoned. Rejects with a message for the user.
 */
export async function send(file, tell) {
  abandon();
  const upload = (awaited = Symbol(file.name));
  try {
    const answer = await request("uploads?name=" + encodeURIComponent(file.name), {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: file,
    });
    if (awaited !== upload) {
      deleteUpload(answer.token);
      return null;
    }
    token = answer.token;
    return await waitUntilReady(answer.token, upload, tell);
  } catch (error) {
    if (awaited !== upload) return null;
    awaited = token = null;
    throw error;
  }
}

/**
 * Poll the server until the song is ready.
 * @param {string} name The server's name for the upload. @param {symbol} upload @param {(text: string) => void} tell
 * @returns {Promise<UploadedSong|null>}
 */
async function waitUntilReady(name, upload, tell) {
  while (awaited === upload) {
    const progress = await request(`uploads/${name}`);
    if (awaited !== upload) return null;
    if (progress.phase === "failed") throw new Error(progress.error);
    if (progress.phase === "ready") return becomeReady(progress);
    tell(describeProgress(progress));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return null;
}

/** @param {UploadedSong} song @returns {UploadedSong} */
function becomeReady(song) {
  awaited = token = null;
  // The server holds only some songs: nobody needs the one before any more.
  if (readyToken) deleteUpload(readyToken);
  readyToken = song.token;
  return song;
}

/** @param {string} name The server's name for a song that was ready. @returns {Promise<UploadedSong>} The song among those of the newest map. */
export function readAgain(name) {
  return request(`uploads/${name}`);
}

/** Stop waiting for the upload, and delete it from the server. @returns {boolean} Whether there was one. */
export function abandon() {
  if (awaited === null) return false;
  if (token) deleteUpload(token);
  awaited = token = null;
  return true;
}

/** Add an uploaded song to the library. @param {string} name The server's name for the upload. @returns {Promise<string>} The song's id. */
export async function keep(name) {
  return (await request(`uploads/${name}/keep`, { method: "POST" })).song_id;
}

/** @param {string} name The server's name for the upload. */
function deleteUpload(name) {
  fetch(`uploads/${name}`, { method: "DELETE" }).catch(() => {});
}

/**
 * @param {string} address @param {RequestInit} [options]
 * @returns {Promise<any>} The server's JSON answer. Rejects with a message for the user.
 */
async function request(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Error("The server does not answer, or it has refused the file: try again.");
  }
  if (response.status === 413) throw new Error("The file is too large. A file may have up to 50 MB.");
  if (!response.ok) throw new Error(await response.text());
  return response.status === 204 ? null : response.json();
}
