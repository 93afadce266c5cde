/**
 * The user's selections, and how they are kept in the browser: each has an entry of its own in the storage, so that two
 * windows do not overwrite each other's. Pure functions, but for the storage that they are given.
 */

/**
 * @typedef {number|string} Entry A song of a selection: its index on the map, or the id of a song that is not on the map.
 * @typedef {{key: string, name: string, songs: Entry[]}} Selection The key never changes, the name does.
 * @typedef {{open: string, selections: Selection[]}} Desk All selections of a library, and the key of the one that is shown.
 * @typedef {Pick<Storage, "getItem"|"setItem"|"removeItem"|"key"|"length">} Store
 */

/** Larger selections are not kept: the browser has little room. */
export const MAX_KEPT_SONGS = 20_000;
const MAX_NAME_LENGTH = 80;
const DEFAULT_NAME = /^Selection( \d+)?$/;

/** @param {string} library @returns {string} What the storage's keys of a library's selections begin with. */
function prefixOf(library) {
  return `selection ${library} `;
}

/** @param {string} library @returns {string} The storage's key of which selection is open. */
function openKeyOf(library) {
  return `open-selection ${library}`;
}

/** @param {Selection} selection @returns {boolean} Whether nothing would be lost with it. */
export function isBlank({ name, songs }) {
  return !songs.length && DEFAULT_NAME.test(name);
}

/** @param {string} text @returns {string} A name that was typed, on one line. Empty if it has only spaces. */
export function cleanName(text) {
  return text.replace(/\s+/g, " ").trim().slice(0, MAX_NAME_LENGTH);
}

/** @param {Selection[]} selections @returns {string} "Selection", or the first of "Selection 2", "Selection 3" … that none has. */
export function freeName(selections) {
  const names = new Set(selections.map(({ name }) => name));
  for (let number = 1; ; number++) {
    const name = number === 1 ? "Selection" : `Selection ${number}`;
    if (!names.has(name)) return name;
  }
}

/**
 * @param {Desk} desk @param {string} name
 * @returns {string} The name for the open selection; with a number, as "Friday night 2", if another one has it.
 */
export function ownName({ open, selections }, name) {
  const names = new Set(selections.filter(({ key }) => key !== open).map((other) => other.name.toLowerCase()));
  for (let number = 1; ; number++) {
    const ending = number === 1 ? "" : ` ${number}`;
    const own = name.slice(0, MAX_NAME_LENGTH - ending.length) + ending;
    if (!names.has(own.toLowerCase())) return own;
  }
}

/**
 * @param {Desk} before @param {Desk} after
 * @returns {{selection: Selection, change: "back"|"gone"|"other"}} The selection that undo or redo has changed most: one that came
 *   back, one that went, one with other songs or another name, or else the open one. Blank selections come and go unnoticed.
 */
export function difference(before, after) {
  const without = (/** @type {Desk} */ { selections }, /** @type {Desk} */ other) =>
    selections.find((selection) => !isBlank(selection) && !other.selections.some(({ key }) => key === selection.key));
  const back = without(after, before);
  if (back) return { selection: back, change: "back" };
  const gone = without(before, after);
  if (gone) return { selection: gone, change: "gone" };
  const known = (/** @type {Selection} */ { key }) => before.selections.some((other) => other.key === key);
  const other = after.selections.find((selection) => known(selection) && !before.selections.includes(selection));
  return { selection: other ?? openOf(after), change: "other" };
}

/** @param {Selection[]} selections @returns {Selection} A new one, without songs. */
export function newSelection(selections) {
  return { key: `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`, name: freeName(selections), songs: [] };
}

/** @param {Desk} desk @returns {Selection} The selection that is shown. */
export function openOf({ open, selections }) {
  return /** @type {Selection} */ (selections.find(({ key }) => key === open));
}

/** @param {Desk} desk @param {Selection} selection @returns {Desk} With this selection in place of the one with its key. */
export function withSelection({ open, selections }, selection) {
  return { open, selections: selections.map((other) => (other.key === selection.key ? selection : other)) };
}

/**
 * @param {Desk} desk @param {string} key
 * @returns {Desk} With another selection open. The one before is dropped if nothing is lost with it.
 */
export function opened({ open, selections }, key) {
  return { open: key, selections: selections.filter((other) => other.key === key || other.key !== open || !isBlank(other)) };
}

/** @param {Desk} desk @returns {Desk} With a new selection open. */
export function withNew({ open, selections }) {
  const made = newSelection(selections);
  return opened({ open, selections: [...selections, made] }, made.key);
}

/** @param {Desk} desk @param {string} key @returns {Desk} Without a selection. If it was open, the last of the others is open, or a new one. */
export function without({ open, selections }, key) {
  const left = selections.filter((other) => other.key !== key);
  if (!left.length) left.push(newSelection([]));
  return { open: key === open ? left[left.length - 1].key : open, selections: left };
}

/**
 * @param {Desk} desk @param {(song: Entry) => Entry|null} change Null removes a song.
 * @returns {Desk} With other entries for the same songs. What does not change stays the same object.
 */
export function renumbered({ open, selections }, change) {
  return { open, selections: selections.map((selection) => renumberedOne(selection, change)) };
}

/** @param {Selection} selection @param {(song: Entry) => Entry|null} change @returns {Selection} */
function renumberedOne(selection, change) {
  const songs = /** @type {Entry[]} */ (selection.songs.map(change).filter((song) => song !== null));
  const isSame = songs.length === selection.songs.length && songs.every((song, i) => song === selection.songs[i]);
  return isSame ? selection : { ...selection, songs };
}

/**
 * The songs of a selection after the user has changed those that are shown. The others keep their places: each stays behind the
 * shown song that it followed.
 * @param {Entry[]} songs All songs before. @param {number[]} shown Those that were shown, in the same order.
 * @param {number[]} after Those that are shown now.
 * @returns {Entry[]}
 */
export function merged(songs, shown, after) {
  if (songs.length === shown.length) return after;
  const [wasShown, isLeft] = [new Set(shown), new Set(after)];
  /** @type {Map<Entry|null, Entry[]>} The songs that are not shown, by the shown song before them; null for the beginning. */
  const behind = new Map([[null, []]]);
  /** @type {Entry|null} */
  let last = null;
  for (const song of songs) {
    if (typeof song === "number" && wasShown.has(song)) {
      if (isLeft.has(song)) last = song;
    } else if (!isLeft.has(/** @type {number} */ (song))) {
      behind.set(last, [...(behind.get(last) ?? []), song]);
    }
  }
  return [...(behind.get(null) ?? []), ...after.flatMap((song) => [song, ...(behind.get(song) ?? [])])];
}

/**
 * @param {Store} store @param {string} library
 * @returns {Desk} What is kept; damaged entries are left out. Without any, a new selection is open.
 */
export function readDesk(store, library) {
  const prefix = prefixOf(library);
  const keys = Array.from({ length: store.length }, (_, i) => store.key(i)).filter((key) => key?.startsWith(prefix));
  const selections = keys.flatMap((key) => readSelection(store, library, /** @type {string} */ (key).slice(prefix.length)) ?? []);
  selections.sort((a, b) => (a.key < b.key ? -1 : 1));
  if (!selections.length) selections.push(newSelection([]));
  const open = store.getItem(openKeyOf(library));
  return { open: (selections.find(({ key }) => key === open) ?? selections[selections.length - 1]).key, selections };
}

/** @param {Store} store @param {string} library @param {string} key @returns {Selection|null} Null if it is not kept, or damaged. */
export function readSelection(store, library, key) {
  try {
    const { name, songs } = JSON.parse(store.getItem(prefixOf(library) + key) ?? "null");
    const isValid = typeof name === "string" && Array.isArray(songs) && songs.every((song) => typeof song === "string");
    return isValid ? { key, name, songs } : null;
  } catch {
    return null;
  }
}

/** @param {string|null} storageKey @param {string} library @returns {string|null} The key of the selection that an entry of the storage holds. */
export function keyIn(storageKey, library) {
  const prefix = prefixOf(library);
  return storageKey?.startsWith(prefix) ? storageKey.slice(prefix.length) : null;
}

/**
 * Keep what has changed.
 * @param {Store} store @param {string} library
 * @param {Desk|null} before What is kept; null if nobody knows. @param {Desk} desk
 * @param {(index: number) => string|undefined} idOf
 * @returns {"kept"|"unknown"|"large"|"full"} "unknown": the id of a song is not known yet. "large": a selection has too many songs.
 *   "full": the browser does not store it.
 */
export function keep(store, library, before, desk, idOf) {
  /** @type {"kept"|"unknown"|"large"|"full"} */
  let result = "kept";
  try {
    const left = new Set(desk.selections.map(({ key }) => key));
    for (const { key } of before?.selections ?? []) if (!left.has(key)) store.removeItem(prefixOf(library) + key);
    for (const selection of desk.selections) {
      if (before?.selections.includes(selection)) continue;
      const outcome = keepOne(store, library, selection, idOf);
      if (outcome !== "kept") result = outcome;
    }
    store.setItem(openKeyOf(library), desk.open);
  } catch {
    return "full";
  }
  return result;
}

/**
 * @param {Store} store @param {string} library @param {Selection} selection @param {(index: number) => string|undefined} idOf
 * @returns {"kept"|"unknown"|"large"}
 */
function keepOne(store, library, selection, idOf) {
  const { key, name, songs } = selection;
  if (songs.length > MAX_KEPT_SONGS) return "large";
  const ids = songs.map((song) => (typeof song === "number" ? idOf(song) : song));
  if (ids.includes(undefined)) return "unknown";
  if (isBlank(selection)) store.removeItem(prefixOf(library) + key);
  else store.setItem(prefixOf(library) + key, JSON.stringify({ name, songs: ids }));
  return "kept";
}
