/**
 * The pointer on the map: which song is under it or near it, clicks and taps, panning, wheel and pinch.
 * Plotly's own hovering and dragging are off: a grid of the points answers at once, also among 100,000.
 */
window.explorer = window.explorer || {};

explorer.pointer = {
  HOVER_PX: 14,
  HEARING_PX: 40,
  CLICK_MOVES_PX: 5,
  LONGEST_CLICK_MS: 700,
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

  /** Sort the points of a new drawing into cells. @param {{x: ArrayLike, y: ArrayLike}} trace */
  measure(trace) {
    this.grid = this.makeGrid(trace);
  },

  /** @returns {object} The points by cells, in which `inGrid` looks for those near a place. */
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
    const wide = Math.max(right - left, 1e-9) / side;
    const high = Math.max(top - bottom, 1e-9) / side;
    const column = (value) => Math.min(Math.max(Math.floor((value - left) / wide), 0), side - 1);
    const row = (value) => Math.min(Math.max(Math.floor((value - bottom) / high), 0), side - 1);
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
   * @param {{x: number, y: number}} at A place of the map.
   * @param {{across: number, down: number}} unit Map units per pixel.
   * @param {number} reach In pixels.
   * @returns {{index: number, distance: number}[]} The points within reach, in no order.
   */
  inGrid({ x, y, side, column, row, starts, members }, at, { across, down }, reach) {
    const [firstColumn, lastColumn] = [column(at.x - reach * across), column(at.x + reach * across)];
    const [firstRow, lastRow] = [row(at.y - reach * down), row(at.y + reach * down)];
    const found = [];
    for (let r = firstRow; r <= lastRow; r++) {
      for (let k = starts[r * side + firstColumn]; k < starts[r * side + lastColumn + 1]; k++) {
        const index = members[k];
        const distance = Math.hypot((x[index] - at.x) / across, (y[index] - at.y) / down);
        if (distance <= reach) found.push({ index, distance });
      }
    }
    return found;
  },

  /**
   * Songs within some pixels of a place in the window, the nearest first; those filtered out come last, if at all,
   * and hidden ones never.
   * @returns {{index: number, distance: number}[]}
   */
  within(clientX, clientY, reach, { onlyLit = false } = {}) {
    const { map } = explorer;
    if (!this.grid || !map.plot?._fullLayout?.xaxis) return [];
    const found = [];
    for (const { index, distance } of this.inGrid(this.grid, map.toPlace(clientX, clientY), map.frameOnMap(), reach)) {
      const isLit = map.isLit(index);
      if (map.isHidden(index) || (onlyLit && !isLit)) continue;
      found.push({ index, distance, rank: distance + (isLit ? 0 : reach) });
    }
    return found.sort((a, b) => a.rank - b.rank);
  },

  /** @returns {number|null} The song nearest to a place in the window. */
  nearest(clientX, clientY, reach, options) {
    return this.within(clientX, clientY, reach, options)[0]?.index ?? null;
  },

  /** @returns {number[]} Some songs around a place in the window, the nearest first. */
  around(clientX, clientY, count) {
    for (let reach = 30; ; reach *= 2) {
      const found = this.within(clientX, clientY, reach, { onlyLit: true });
      if (found.length >= count || reach > 400) return found.slice(0, count).map(({ index }) => index);
    }
  },

  move(event) {
    if (event.pointerType === "touch" || this.drag?.moved) return;
    this.at = { x: event.clientX, y: event.clientY };
    if (event.target.closest(".card")) return this.leave();
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      if (this.at) this.look();
    });
  },

  /** See what is under the pointer now. */
  look() {
    const { x, y } = this.at;
    const index = this.nearest(x, y, this.HOVER_PX);
    if (index !== explorer.overlays.hovered) explorer.overlays.hover(index);
    explorer.overlays.placeTooltip(x, y);
    explorer.hover.aim(this.nearest(x, y, this.HEARING_PX, { onlyLit: true }), this.at);
  },

  leave() {
    this.at = null;
    explorer.overlays.hover(null);
    explorer.hover.leave();
  },

  press(event) {
    if (event.pointerType === "touch") this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.touches.size > 1) {
      this.drag = null;
      explorer.selection.drop();
      return;
    }
    if (event.button !== 0) return;
    event.preventDefault();
    document.activeElement?.blur?.();
    this.drag = { id: event.pointerId, x: event.clientX, y: event.clientY, began: performance.now(), moved: false };
    this.drag.rope = explorer.selection.shapeFor(event);
    if (this.drag.rope) explorer.selection.begin(this.drag.rope, event.clientX, event.clientY);
  },

  dragTo(event) {
    if (this.touches.has(event.pointerId) && this.touches.size === 2) return this.pinch(event);
    const { drag } = this;
    if (!drag || drag.id !== event.pointerId) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < this.CLICK_MOVES_PX) return;
    if (!drag.moved) {
      drag.moved = true;
      explorer.overlays.hover(null);
      explorer.map.frame.classList.toggle("dragging", !drag.rope);
    }
    if (drag.rope) return explorer.selection.extend(event.clientX, event.clientY);
    explorer.map.panBy(dx, dy);
    [drag.x, drag.y] = [event.clientX, event.clientY];
  },

  /** Two fingers: what lies between them stays there. */
  pinch(event) {
    const [one, other] = [...this.touches.values()];
    const before = { gap: Math.hypot(one.x - other.x, one.y - other.y), x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
    this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const [a, b] = [...this.touches.values()];
    const after = { gap: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    explorer.map.panBy(after.x - before.x, after.y - before.y);
    explorer.map.zoomAt(after.x, after.y, before.gap / Math.max(after.gap, 1));
  },

  release(event, isDone) {
    this.touches.delete(event.pointerId);
    const { drag } = this;
    if (!drag || drag.id !== event.pointerId) return;
    this.drag = null;
    explorer.map.frame.classList.remove("dragging");
    if (drag.rope && drag.moved) return explorer.selection.end(event.shiftKey || drag.rope.adds);
    if (drag.rope) explorer.selection.drop();
    if (!isDone || drag.moved || performance.now() - drag.began > this.LONGEST_CLICK_MS) return;
    const reach = event.pointerType === "touch" ? 26 : this.HOVER_PX;
    const index = this.nearest(event.clientX, event.clientY, reach);
    if (index !== null) explorer.play(index);
  },

  wheel(event) {
    if (event.target.closest(".card")) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 18 : 1;
    const step = Math.min(Math.max(event.deltaY * lines, -240), 240);
    explorer.overlays.hover(null);
    explorer.map.zoomAt(event.clientX, event.clientY, Math.exp(step * (event.ctrlKey ? 0.01 : 0.0022)));
  },
};
