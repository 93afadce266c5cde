/** The flags of a song on the map: one byte. The server sends all but CHOSEN. */

/** The song matches the filter. */
export const LIT = 1;
/** The user has hidden the song, as a duplicate or because its file is missing: it is not drawn. */
export const HIDDEN = 2;
/** The song's file is missing. */
export const MISSING = 4;
/** Few of the songs that sound most like it are near it on the map: its point fades. */
export const FADED = 8;
/** Hardly any of them are: its point fades more. */
export const VERY_FADED = 16;
/** The song is in the selection. Only the copy of the flags that is drawn has this one. */
export const CHOSEN = 32;

/** @param {number} flags @returns {boolean} Whether the song matches the filter and is not hidden. */
export function isVisible(flags) {
  return (flags & (LIT | HIDDEN)) === LIT;
}

/**
 * @param {Uint8Array} flags @param {Uint8Array} groups Each song's colour number. @param {number[]} shown The colour numbers that stay.
 * @returns {Uint8Array} The flags if songs of all other colours do not match the filter.
 */
export function isolated(flags, groups, shown) {
  return flags.map((flag, i) => (shown.includes(groups[i]) ? flag : flag & ~LIT));
}
