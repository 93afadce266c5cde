/** The addresses of sound files on the server, and whether the browser has played a file to its end. Pure functions. */

/** @typedef {import("../core/types.js").State["song"]} LoadedSong */
/** @typedef {import("../core/types.js").Song} Song */

const COPY_QUERY = "?copy=flac";
/**
 * A song that ends by more than this before the end that the library knows was not played whole. Browsers tell the
 * position about four times a second, in a hidden page once a second.
 */
const EARLY_S = 3;

/** @param {LoadedSong} song @returns {string|null} The song's id. An uploaded song has none. */
export function idOf(song) {
  return song && "id" in song ? song.id : null;
}

/** @param {Song} song @returns {string} The address of what is played: the song's stored preview if only that is left, otherwise its file. */
export function fileOf(song) {
  return (song.fallback === "preview" ? "preview/" : "audio/") + encodeURIComponent(song.id);
}

/** @param {string} file A file's address. @returns {string} The address of the copy that the server makes of it. */
export function copyOf(file) {
  return file + COPY_QUERY;
}

/** @param {string} address @returns {boolean} Whether the file at an address may have a copy: previews and copies have none. */
export function isOriginal(address) {
  return !address.startsWith("preview/") && !address.endsWith(COPY_QUERY);
}

/**
 * @param {string} address The address of the file that has ended.
 * @param {number} reached The last position before the end, in seconds.
 * @param {number|null|undefined} durationS The duration that the library knows.
 * @returns {boolean} Whether the browser ended the file too early.
 */
export function endedEarly(address, reached, durationS) {
  return isOriginal(address) && Boolean(durationS) && reached < Number(durationS) - EARLY_S;
}
