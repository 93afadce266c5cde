/** Texts about songs, made from the server's values. Pure functions. */

/** @typedef {import("./types.js").Song} Song */

/** @param {number|null|undefined} seconds @returns {string} As "3:07" or "1:02:03". */
export function formatTime(seconds) {
  const whole = Math.floor(seconds || 0);
  const twoDigits = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}` : `${minutes}:${twoDigits(whole % 60)}`;
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

/** @param {{artist: string, genres: string[]}} song @returns {string} A song's artist and genres; what is unknown is left out. */
export function artistAndGenres(song) {
  return [song.artist, song.genres.join(", ")].filter(Boolean).join(" · ");
}

/** @param {string} projection @returns {string} The projection that gives the points their places: the original view has those of PCA. */
export function storedProjection(projection) {
  return projection === "original" ? "pca" : projection;
}
