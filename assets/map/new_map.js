/** What changes when a new map is shown: indices, viewport, and from where the points glide. Pure functions. */

import { renumberedMoment } from "../inside/lights.js";
import { following } from "./viewport.js";

/** @typedef {import("../core/types.js").State} State */
/** @typedef {import("../core/types.js").MapMeta} MapMeta */
/** @typedef {import("../core/types.js").Viewport} Viewport */
/** @typedef {import("../core/types.js").Neighbour} Neighbour */
/** @typedef {import("../core/address.js").Position} Position */
/** @typedef {import("./viewport.js").FrameOnMap} FrameOnMap */

/** If no song moves by more than this, the new map needs no animation. */
const STILL_PX = 1.5;

/** @param {Int32Array} moved @param {number|null|undefined} index @returns {number|null} A song's new index. */
export function newIndex(moved, index) {
  return index === null || index === undefined || !(moved[index] >= 0) ? null : moved[index];
}

/** @param {number} count @returns {Int32Array} The new indices if no song has another one. */
export function unmoved(count) {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/**
 * @template {{index: number}} T
 * @param {Int32Array} moved @param {T[]} songs
 * @returns {T[]} Songs with their new indices. Those that are not on the map any more are left out.
 */
export function renumbered(moved, songs) {
  return songs.flatMap((song) => {
    const index = newIndex(moved, song.index);
    return index === null ? [] : [{ ...song, index }];
  });
}

/**
 * @template T
 * @param {T[]} list @param {number} position @param {(item: T) => T|undefined} renumber Undefined removes an item.
 * @returns {{list: T[], position: number}} The new list, and where the item at `position` is in it; -1 if it was removed.
 */
function renumberedList(list, position, renumber) {
  const items = list.map(renumber);
  const isLeft = (/** @type {T|undefined} */ item) => item !== undefined;
  const before = items.slice(0, position).filter(isLeft).length;
  return { list: /** @type {T[]} */ (items.filter(isLeft)), position: isLeft(items[position]) ? before : -1 };
}

/**
 * @param {State} state With the indices of the map before.
 * @param {Int32Array} moved The new index of each of its songs; -1 if it has none.
 * @returns {Partial<State>} What changes in the state.
 */
export function renumberedState(state, moved) {
  const next = (/** @type {number|null} */ index) => newIndex(moved, index);
  // In a walk, null is the uploaded song.
  const walk = renumberedList(state.walk, state.walkPosition, (index) => (index === null ? null : (next(index) ?? undefined)));
  const chosen = renumberedList(state.chosen, state.chosenPosition ?? -1, (index) => next(index) ?? undefined);
  return {
    hovered: next(state.hovered),
    pointed: next(state.pointed),
    previewed: next(state.previewed),
    playing: next(state.playing),
    requested: next(state.requested),
    selected: next(state.selected),
    neighbours: renumbered(moved, state.neighbours),
    upload: state.upload && { ...state.upload, neighbours: renumbered(moved, state.upload.neighbours) },
    moment: renumberedMoment(state.moment, next),
    linesFrom: next(state.linesFrom),
    lineEnds: renumbered(moved, state.lineEnds),
    walk: walk.list,
    walkPosition: Math.max(walk.position, 0),
    chosen: chosen.list,
    chosenPosition: chosen.position < 0 ? null : chosen.position,
  };
}

/** @returns {Partial<State>} What changes in the state if nobody knows the new indices. */
export function forgottenState() {
  const none = { hovered: null, pointed: null, previewed: null, playing: null, requested: null, selected: null, selectedId: null, upload: null };
  return { ...none, neighbours: [], moment: null, linesFrom: null, lineEnds: [], walk: [], walkPosition: 0, chosen: [], chosenPosition: null };
}

/**
 * @param {object} change
 * @param {MapMeta|null} change.before The map that is drawn. @param {MapMeta} change.after The new one.
 * @param {Viewport|null} change.viewport @param {boolean} change.isUserPositioned
 * @param {Viewport} change.fitting The viewport that shows all songs of the new map.
 * @param {number} change.fittingScaleBefore The scale that shows all songs of the map before.
 * @param {Position|null} change.requested A position for the new map from the address.
 * @param {{before: number[], after: number[]}|null} change.followed The old and the new place of a song that keeps its pixel.
 * @returns {{viewport: Viewport, isUserPositioned: boolean}} It stays, or follows the song; on another projection, and on a map
 *   whose songs have unknown indices, it shows all songs, or the position in the address.
 */
export function newViewport({ before, after, viewport, isUserPositioned, fitting, fittingScaleBefore, requested, followed }) {
  const isSameProjection = before?.projection === after.projection;
  if (viewport && isSameProjection && before?.revision === after.revision) return { viewport, isUserPositioned };
  if (viewport && isSameProjection && isUserPositioned && followed) {
    return { viewport: following({ viewport, zoomBy: fitting.scale / fittingScaleBefore, ...followed }), isUserPositioned };
  }
  if (!requested) return { viewport: fitting, isUserPositioned: false };
  return { viewport: { x: requested.x, y: requested.y, scale: fitting.scale / requested.zoom }, isUserPositioned: true };
}

/**
 * @param {object} change
 * @param {Float32Array} change.places The songs' places on the map before, by their old indices.
 * @param {FrameOnMap} change.from The frame on the map before. @param {FrameOnMap} change.to The frame on the new map.
 * @param {Int32Array|null} change.moved The new index of each song; null if all keep theirs.
 * @param {number} change.count How many songs the new map has.
 * @returns {Float32Array} Where the new map's songs were, in its units: there they have their old pixels. NaN for new songs.
 */
export function placesBefore({ places, from, to, moved, count }) {
  const scale = to.unitsPerPixel / from.unitsPerPixel;
  const before = new Float32Array(2 * count).fill(NaN);
  for (let i = 0; 2 * i < places.length; i++) {
    const index = moved ? moved[i] : i;
    if (!(index >= 0 && index < count)) continue;
    before[2 * index] = to.left + (places[2 * i] - from.left) * scale;
    before[2 * index + 1] = to.top + (places[2 * i + 1] - from.top) * scale;
  }
  return before;
}

/**
 * @param {Float32Array} before As `placesBefore` returns it. @param {Float32Array} places @param {number} unitsPerPixel
 * @returns {boolean} Whether a song moves visibly.
 */
export function isVisibleMove(before, places, unitsPerPixel) {
  const limit = (STILL_PX * unitsPerPixel) ** 2;
  for (let i = 0; i < places.length; i += 2) {
    // A comparison with NaN is false.
    if ((places[i] - before[i]) ** 2 + (places[i + 1] - before[i + 1]) ** 2 > limit) return true;
  }
  return false;
}

/** @param {Float32Array} before @param {Float32Array} places @param {number} progress @returns {Float32Array} Where gliding songs are now. */
export function placesDuring(before, places, progress) {
  const now = new Float32Array(places.length);
  for (let i = 0; i < places.length; i++) now[i] = Number.isNaN(before[i]) ? places[i] : before[i] + (places[i] - before[i]) * progress;
  return now;
}
