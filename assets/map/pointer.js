/**
 * The pointer on the map: the song under it, clicks and taps, panning, the wheel, and pinching with two
 * fingers. Plotly's own hover and drag are off. A grid of the points makes the search for the nearest song
 * fast, even among 100,000 songs.
 */
window.explorer = window.explorer || {};

explorer.pointer = {
  /** The largest distance from the pointer to a point at which its tooltip shows and a click plays it. */
  HOVER_PX: 14,
  /** The same for a tap with a finger. */
  TAP_PX: 26,
  /** The same for the preview. */
  PREVIEW_PX: 40,
  /** A press that moves further, or lasts longer, is not a click. */
  MAX_CLICK_MOVE_PX: 5,
  MAX_CLICK_MS: 700,
  /** The fingers on the map, by pointer id. */
  touches: new Map(),
  drag: null,

  mount() {
    const { frame } = explorer.map;
    const isMap = (event) => !event.target.closest(".card, button");
    frame.addEventListener("pointermove", (event) => this.move(event));
    frame.addEventListener("pointerleave", () => this.leave());
    frame.addEventListener("pointerdown", (event) => isMap(event) && this.press(event));
    window.addEventListener("pointermove", (event) => this.dragTo(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      window.addEventListener(kind, (event) => this.release(event, kind === "pointerup"));
    }
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    frame.addEventListener("dblclick", (event) => {
      if (isMap(event) && this.nearest(event.clientX, event.clientY, this.HOVER_PX) === null) explorer.map.showAll();
    });
  },

  /** Set the points to search. @param {{x: ArrayLike<number>, y: ArrayLike<number>}} points */
  setPoints(points) {
    this.grid = this.makeGrid(points);
  },

  /** @returns {object} The points sorted into the cells of a square grid, about two points a cell. `findInGrid` reads it. */
  makeGrid({ x, y }) {
    const n = x.length;
    const side = Math.max(1, Math.ceil(Math.sqrt(n / 2)));
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < n; i++) {
      left = Math.min(left, x[i]);
      right = Math.max(right, x[i]);
      bottom = Math.min(bottom, y[i]);
      top = Math.max(top, y[i]);
    }
    const cellWidth = Math.max(right - left, 1e-9) / side;
    const cellHeight = Math.max(top - bottom, 1e-9) / side;
    const column = (value) => Math.min(Math.max(Math.floor((value - left) / cellWidth), 0), side - 1);
    const row = (value) => Math.min(Math.max(Math.floor((value - bottom) / cellHeight), 0), side - 1);
    // A counting sort: the members of a cell are members[starts[cell]] to members[starts[cell + 1] - 1].
    const starts = new Int32Array(side * side + 1);
    const cells = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      cells[i] = row(y[i]) * side + column(x[i]);
      starts[cells[i] + 1] += 1;
    }
    for (let cell = 0; cell < side * side; cell++) starts[cell + 1] += starts[cell];
    const next = starts.slice();
    const members = new Int32Array(n);
    for (let i = 0; i < n; i++) members[next[cells[i]]++] = i;
    return { x, y, side, column, row, starts, members };
  },

  /**
   * @param {object} grid As `makeGrid` returns it.
   * @param {{x: number, y: number}} centre In map units.
   * @param {{unitsPerPixelX: number, unitsPerPixelY: number}} units Map units per pixel.
   * @param {number} radius In pixels.
   * @returns {{index: number, distance: number}[]} The points within the radius, unsorted; distances in pixels.
   */
  findInGrid({ x, y, side, column, row, starts, members }, centre, { unitsPerPixelX, unitsPerPixelY }, radius) {
    const [firstColumn, lastColumn] = [column(centre.x - radius * unitsPerPixelX), column(centre.x + radius * unitsPerPixelX)];
    const [firstRow, lastRow] = [row(centre.y - radius * unitsPerPixelY), row(centre.y + radius * unitsPerPixelY)];
    const points = [];
    for (let r = firstRow; r <= lastRow; r++) {
      for (let k = starts[r * side + firstColumn]; k < starts[r * side + lastColumn + 1]; k++) {
        const index = members[k];
        const distance = Math.hypot((x[index] - centre.x) / unitsPerPixelX, (y[index] - centre.y) / unitsPerPixelY);
        if (distance <= radius) points.push({ index, distance });
      }
    }
    return points;
  },

  /**
   * Find the songs within a radius of a point in the window, the nearest first. Songs that do not match the filter
   * come last, or are left out; hidden songs are always left out.
   * @param {number} radius In pixels.
   * @param {{onlyMatching: boolean}} options
   * @returns {{index: number, distance: number}[]}
   */
  songsWithin(clientX, clientY, radius, { onlyMatching = false } = {}) {
    const { map } = explorer;
    if (!this.grid || !map.plot?._fullLayout?.xaxis) return [];
    const songs = [];
    for (const { index, distance } of this.findInGrid(this.grid, map.toMap(clientX, clientY), map.frameOnMap(), radius)) {
      const matches = map.matchesFilter(index);
      if (map.isHidden(index) || (onlyMatching && !matches)) continue;
      songs.push({ index, distance, rank: distance + (matches ? 0 : radius) });
    }
    return songs.sort((a, b) => a.rank - b.rank);
  },

  /** @returns {number|null} The song that `songsWithin` lists first. */
  nearest(clientX, clientY, radius, options) {
    return this.songsWithin(clientX, clientY, radius, options)[0]?.index ?? null;
  },

  /** @returns {number[]} Up to `count` songs around a point in the window, the nearest first. */
  around(clientX, clientY, count) {
    for (let radius = 30; ; radius *= 2) {
      const songs = this.songsWithin(clientX, clientY, radius, { onlyMatching: true });
      if (songs.length >= count || radius > 400) return songs.slice(0, count).map(({ index }) => index);
    }
  },

  move(event) {
    if (event.pointerType === "touch" || this.drag?.moved) return;
    this.at = { x: event.clientX, y: event.clientY };
    if (event.target.closest(".card")) return this.leave();
    if (this.isUpdateScheduled) return;
    this.isUpdateScheduled = true;
    requestAnimationFrame(() => {
      this.isUpdateScheduled = false;
      if (this.at) this.update();
    });
  },

  /** Show the tooltip of the song under the pointer, and play the preview of the nearest song. */
  update() {
    const { x, y } = this.at;
    const index = this.nearest(x, y, this.HOVER_PX);
    if (index !== explorer.tooltip.hovered) explorer.tooltip.show(index);
    explorer.tooltip.place(x, y);
    explorer.hover.setTarget(this.nearest(x, y, this.PREVIEW_PX, { onlyMatching: true }), this.at);
  },

  leave() {
    this.at = null;
    explorer.tooltip.show(null);
    explorer.hover.leave();
  },

  /**
   * A press begins a click, a drag of the map, or a lasso or box. The press of a second finger begins a
   * pinch.
   */
  press(event) {
    if (event.pointerType === "touch") this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.touches.size > 1) {
      this.drag = null;
      explorer.lasso.cancelShape();
      return;
    }
    if (event.button !== 0) return;
    event.preventDefault();
    document.activeElement?.blur?.();
    this.drag = { id: event.pointerId, x: event.clientX, y: event.clientY, began: performance.now(), moved: false };
    this.drag.shape = explorer.lasso.shapeFor(event);
    if (this.drag.shape) explorer.lasso.beginShape(this.drag.shape, event.clientX, event.clientY);
  },

  dragTo(event) {
    if (this.touches.has(event.pointerId) && this.touches.size === 2) return this.pinch(event);
    const { drag } = this;
    if (!drag || drag.id !== event.pointerId) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < this.MAX_CLICK_MOVE_PX) return;
    if (!drag.moved) {
      drag.moved = true;
      explorer.tooltip.show(null);
      explorer.map.frame.classList.toggle("dragging", !drag.shape);
    }
    if (drag.shape) return explorer.lasso.extendShape(event.clientX, event.clientY);
    explorer.map.panBy(dx, dy);
    [drag.x, drag.y] = [event.clientX, event.clientY];
  },

  /** Pan and zoom with two fingers: the point of the map in the middle between them stays in the middle. */
  pinch(event) {
    const gapAndMiddle = () => {
      const [a, b] = [...this.touches.values()];
      return { gap: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    };
    const before = gapAndMiddle();
    this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const after = gapAndMiddle();
    explorer.map.panBy(after.x - before.x, after.y - before.y);
    explorer.map.zoomAt(after.x, after.y, before.gap / Math.max(after.gap, 1));
  },

  /**
   * @param {boolean} isReleased True if the button or finger was released; false if the browser cancelled the
   *   press, which then is no click.
   */
  release(event, isReleased) {
    this.touches.delete(event.pointerId);
    const { drag } = this;
    if (!drag || drag.id !== event.pointerId) return;
    this.drag = null;
    explorer.map.frame.classList.remove("dragging");
    if (drag.shape && drag.moved) return explorer.lasso.finishShape(event.shiftKey || drag.shape.adds);
    if (drag.shape) explorer.lasso.cancelShape();
    if (!isReleased || drag.moved || performance.now() - drag.began > this.MAX_CLICK_MS) return;
    const radius = event.pointerType === "touch" ? this.TAP_PX : this.HOVER_PX;
    const index = this.nearest(event.clientX, event.clientY, radius);
    if (index !== null) explorer.play(index);
  },

  wheel(event) {
    if (event.target.closest(".card")) return;
    event.preventDefault();
    // deltaMode 1 counts lines of text instead of pixels.
    const pixelsPerUnit = event.deltaMode === 1 ? 18 : 1;
    const step = Math.min(Math.max(event.deltaY * pixelsPerUnit, -240), 240);
    explorer.tooltip.show(null);
    // A pinch on a touchpad arrives as a wheel event with Ctrl, and with much smaller steps.
    explorer.map.zoomAt(event.clientX, event.clientY, Math.exp(step * (event.ctrlKey ? 0.01 : 0.0022)));
  },
};
