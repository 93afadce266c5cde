/** Texts about songs, made from the server's values. Pure functions. */

/** @typedef {import("./types.js").Song} Song */

/**
 * Files tell a song's length in different ways: the length in the library and that of the browser differ by less than this.
 */
const SAME_LENGTH_S = 1;

/** @param {number|null|undefined} seconds @returns {string} As "3:07" or "1:02:03", rounded to whole seconds. */
export function formatTime(seconds) {
  const whole = Math.round(seconds || 0);
  const twoDigits = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}` : `${minutes}:${twoDigits(whole % 60)}`;
}

/**
 * @param {{currentTime: number, duration: number}} audio @param {number|null|undefined} libraryS The length in the library.
 * @returns {{elapsed: string, length: string}} The position in a song, and its length, as the page shows them. The length is the
 *   one that other parts of the page show. It is "0:00" while it is unknown.
 */
export function timesOf({ currentTime, duration }, libraryS) {
  const isKnown = Number.isFinite(duration) && duration > 0;
  const lengthS = isKnown && libraryS && Math.abs(libraryS - duration) < SAME_LENGTH_S ? libraryS : duration;
  if (!isKnown) return { elapsed: formatTime(currentTime), length: formatTime(0) };
  return { elapsed: formatTime(Math.min(currentTime, lengthS)), length: formatTime(lengthS) };
}

/**
 * @param {{gone_since: string|null}} song
 * @returns {string} The day since which a song's file is missing, such as "3 November". A year that is not the
 *   current year is added.
 */
export function missingSince(song, today = new Date()) {
  const date = new Date(song.gone_since ?? 0);
  const year = date.getFullYear() === today.getFullYear() ? {} : /** @type {const} */ ({ year: "numeric" });
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "long", ...year });
}

/** @param {Song} song @returns {string} A sentence for the user: the song's file is missing, and since which day. */
export function missingText(song) {
  return `The file of “${song.title}” has been missing since ${missingSince(song)}.`;
}

/** @param {{same_sound_count?: number}} song @returns {string} How many other songs have exactly the same sound; empty if none has. */
export function sameSoundText({ same_sound_count: count }) {
  return count ? `${count.toLocaleString("en")} other song${count === 1 ? " has" : "s have"} the same sound` : "";
}

/** @param {string} artist @returns {string} The artist, or that nobody knows who it is. */
export function artistOrUnknown(artist) {
  return artist || "Unknown artist";
}

/** @param {{artist: string, genres: string[]}} song @returns {string} A song's artist and genres; unknown genres are left out. */
export function artistAndGenres(song) {
  return [artistOrUnknown(song.artist), song.genres.join(", ")].filter(Boolean).join(" · ");
}

/** @param {string} projection @returns {string} The projection that gives the points their places: the original view has those of PCA. */
export function storedProjection(projection) {
  return projection === "original" ? "pca" : projection;
}
