/** The order of the selection's songs, and the position of the song that plays. Pure functions, for a million songs too. */

/**
 * @typedef {{songs: number[], position: number|null}} SongList Indices of songs, and the position in the list of the song
 *   that plays.
 */

/**
 * @param {number[]} before @param {number[]} songs
 * @returns {number[]} The songs of the first list, then those of the second that are not in the first.
 */
export function joined(before, songs) {
  if (!before.length) return songs.slice();
  // Not a Set: with a million songs, it takes seconds.
  const isKnown = new Uint8Array(before.reduce((end, index) => Math.max(end, index + 1), 0));
  for (const index of before) isKnown[index] = 1;
  return before.concat(songs.filter((index) => !isKnown[index]));
}

/**
 * @param {SongList} list @param {number} index The song to move. @param {number} to Its new position.
 * @returns {SongList|null} The list after the song was moved; null if it cannot be moved there.
 */
export function moved({ songs, position }, index, to) {
  if (to < 0 || to >= songs.length || to === songs.indexOf(index)) return null;
  const list = songs.filter((other) => other !== index);
  list.splice(to, 0, index);
  return { songs: list, position: position === null ? null : list.indexOf(songs[position]) };
}

/**
 * @param {SongList} list @param {(index: number) => boolean} isKept
 * @returns {SongList} The list of the songs for which `isKept` is true. Its position is null if the playing song was removed.
 */
export function filtered({ songs, position }, isKept) {
  const kept = songs.filter(isKept);
  const index = position === null ? -1 : kept.indexOf(songs[position]);
  return { songs: kept, position: index === -1 ? null : index };
}

/**
 * @param {number[]} songs A list. @param {number[]} before The list before. @param {number|null} position Of the song that plays in it.
 * @returns {number|null} The position of that song in the new list; null if it is not in it.
 */
export function positionIn(songs, before, position) {
  if (position === null || songs === before) return position;
  const index = songs.indexOf(before[position]);
  return index === -1 ? null : index;
}

/**
 * @param {number} position @param {number} by 1 or -1. @param {number} length
 * @returns {number} The next position in a list. After the last position comes the first.
 */
export function positionAfter(position, by, length) {
  return (position + by + length) % length;
}
