/** A grid that finds the songs near a place fast, also among a million songs. Pure functions. */

/**
 * @typedef {object} Grid The songs sorted into the cells of a grid, about two a cell.
 * @property {Float32Array} places x0, y0, x1, y1 and so on.
 * @property {number} side How many columns and rows it has.
 * @property {number} left @property {number} bottom @property {number} cellWidth @property {number} cellHeight In map units.
 * @property {Int32Array} starts The songs of a cell are members[starts[cell]] to members[starts[cell + 1] - 1].
 * @property {Int32Array} members
 * @typedef {{index: number, distance: number}} Found The distance is in map units.
 * @typedef {{flags: Uint8Array, mask: number, value: number}} Condition Only songs with (flags & mask) === value are found.
 */

/** @param {Float32Array} places x0, y0, x1, y1 and so on. @returns {Grid} */
export function makeGrid(places) {
  const count = places.length / 2;
  const side = Math.max(1, Math.ceil(Math.sqrt(count / 2)));
  const [left, right, bottom, top] = boundsOf(places);
  const cellWidth = Math.max(right - left, 1e-9) / side;
  const cellHeight = Math.max(top - bottom, 1e-9) / side;
  const cells = new Int32Array(count);
  const starts = new Int32Array(side * side + 1);
  for (let i = 0; i < count; i++) {
    const column = Math.min(Math.floor((places[2 * i] - left) / cellWidth), side - 1);
    const row = Math.min(Math.floor((places[2 * i + 1] - bottom) / cellHeight), side - 1);
    const cell = row * side + column;
    cells[i] = cell;
    starts[cell + 1] += 1;
  }
  // A counting sort.
  for (let cell = 0; cell < side * side; cell++) starts[cell + 1] += starts[cell];
  const next = starts.slice();
  const members = new Int32Array(count);
  for (let i = 0; i < count; i++) members[next[cells[i]]++] = i;
  return { places, side, left, bottom, cellWidth, cellHeight, starts, members };
}

/** @param {Float32Array} places @returns {[number, number, number, number]} Left, right, bottom and top. */
function boundsOf(places) {
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < places.length; i += 2) {
    const [x, y] = [places[i], places[i + 1]];
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < bottom) bottom = y;
    if (y > top) top = y;
  }
  return [left, right, bottom, top];
}

/** @param {number} value @param {number} start @param {number} size @param {number} side @returns {number} A column or row, inside the grid. */
function cellAt(value, start, size, side) {
  return Math.min(Math.max(Math.floor((value - start) / size), 0), side - 1);
}

/**
 * Find the songs nearest to a place. The search begins in the place's cell and goes outwards, ring by ring, until no
 * further ring can have a nearer song.
 * @param {Grid} grid
 * @param {number} x @param {number} y In map units.
 * @param {number} radius In map units: songs further away are not found.
 * @param {number} count The largest number of songs.
 * @param {Condition} condition
 * @returns {Found[]} The nearest first.
 */
export function findNearest(grid, x, y, radius, count, condition) {
  const { side, left, bottom, cellWidth, cellHeight } = grid;
  const column = cellAt(x, left, cellWidth, side);
  const row = cellAt(y, bottom, cellHeight, side);
  const ringWidth = Math.min(cellWidth, cellHeight);
  /** @type {Found[]} */
  const found = [];
  for (let ring = 0; ring < side; ring++) {
    const limit = found.length === count ? found[count - 1].distance : radius;
    // The place can be at the edge of its cell.
    if ((ring - 1) * ringWidth > limit) break;
    const firstRow = Math.max(row - ring, 0);
    const lastRow = Math.min(row + ring, side - 1);
    for (let r = firstRow; r <= lastRow; r++) {
      // The first and the last row of a ring are whole; the others are its left and its right end.
      const step = r === row - ring || r === row + ring ? 1 : 2 * ring;
      for (let c = column - ring; c <= column + ring; c += step) {
        if (c >= 0 && c < side) searchCell(grid, r * side + c, x, y, radius, count, condition, found);
      }
    }
  }
  return found;
}

/**
 * Insert the songs of a cell into the songs found so far.
 * @param {Grid} grid @param {number} cell @param {number} x @param {number} y @param {number} radius @param {number} count
 * @param {Condition} condition @param {Found[]} found At most `count`, the nearest first.
 */
function searchCell({ places, starts, members }, cell, x, y, radius, count, { flags, mask, value }, found) {
  for (let k = starts[cell]; k < starts[cell + 1]; k++) {
    const index = members[k];
    if ((flags[index] & mask) !== value) continue;
    const distance = Math.hypot(places[2 * index] - x, places[2 * index + 1] - y);
    if (distance > radius || (found.length === count && distance >= found[count - 1].distance)) continue;
    let at = found.length;
    while (at > 0 && found[at - 1].distance > distance) at -= 1;
    found.splice(at, 0, { index, distance });
    if (found.length > count) found.pop();
  }
}
