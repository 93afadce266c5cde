/** The lasso and box tools: the user draws a shape on the map, and the songs inside it are selected. */
window.explorer = window.explorer || {};

explorer.lasso = {
  /** The tool that is on: "lasso", "box" or null. */
  tool: null,
  /** The shape that is being drawn: its kind, and its points in pixels. */
  shape: null,

  mount() {
    for (const tool of ["lasso", "box"]) {
      for (const id of [`tool-${tool}`, `choice-${tool}`]) {
        document.getElementById(id).addEventListener("click", () => this.toggleTool(tool));
      }
    }
  },

  /** Turn a tool on; turn it off if it is on. @param {"lasso"|"box"|null} tool */
  toggleTool(tool) {
    this.tool = this.tool === tool ? null : tool;
    for (const name of ["lasso", "box"]) {
      document.getElementById(`tool-${name}`).setAttribute("aria-pressed", String(this.tool === name));
    }
    explorer.map.frame.classList.toggle("selecting", this.tool !== null);
    if (this.tool) explorer.announce(`Draw a ${this.tool} around songs. Hold Shift to add to the selection. Escape cancels.`);
  },

  /**
   * @returns {{kind: string, adds: boolean}|null} The shape to draw after a press on the map; null for none.
   *   Shift without a tool draws a lasso.
   */
  shapeFor(event) {
    if (!this.tool && !event.shiftKey) return null;
    return { kind: this.tool ?? "lasso", adds: event.shiftKey && this.tool !== null };
  },

  beginShape(shape, x, y) {
    this.shape = { ...shape, points: [[x, y]] };
  },

  extendShape(x, y) {
    const { shape } = this;
    if (!shape) return;
    if (shape.kind === "box") shape.points.length = 1;
    shape.points.push([x, y]);
    explorer.selection.paint();
  },

  cancelShape() {
    this.shape = null;
    explorer.selection.paint();
  },

  /**
   * Select the songs inside the shape that match the filter.
   * @param {boolean} adds Whether songs that are already selected stay selected.
   */
  finishShape(adds) {
    const { shape } = this;
    this.shape = null;
    const corners = this.cornersOf(shape).map(([x, y]) => explorer.map.toMap(x, y));
    const songs = this.songsInside(corners, explorer.map.points, (index) => explorer.map.matchesFilter(index));
    if (this.tool) this.toggleTool(null);
    explorer.selection.select(songs, { adds });
  },

  /** @returns {number[][]} The shape's corners in pixels. */
  cornersOf({ kind, points }) {
    if (kind !== "box") return points;
    const [[left, top], [right, bottom]] = [points[0], points.at(-1)];
    return [[left, top], [right, top], [right, bottom], [left, bottom]];
  },

  /**
   * Find the songs inside a polygon by the even-odd rule: a ray from an inside point to the right crosses an
   * odd number of edges.
   * @param {{x: number, y: number}[]} corners In map units.
   * @param {{x: ArrayLike<number>, y: ArrayLike<number>}} points The positions of all songs.
   * @param {function(number): boolean} matches Whether a song may be selected.
   * @returns {number[]} The songs' indices, from left to right.
   */
  songsInside(corners, { x, y }, matches) {
    const edges = corners.map((corner, i) => [corner, corners[(i + 1) % corners.length]]);
    const [left, right] = [Math.min(...corners.map((c) => c.x)), Math.max(...corners.map((c) => c.x))];
    const songs = [];
    for (let i = 0; i < x.length; i++) {
      if (x[i] < left || x[i] > right || !matches(i)) continue;
      let isInside = false;
      for (const [a, b] of edges) {
        if (a.y > y[i] !== b.y > y[i] && x[i] < ((b.x - a.x) * (y[i] - a.y)) / (b.y - a.y) + a.x) isInside = !isInside;
      }
      if (isInside) songs.push(i);
    }
    return songs.sort((a, b) => x[a] - x[b]);
  },

  /** Draw the shape, if there is one. @param {CanvasRenderingContext2D} context @param {string} colour */
  paint(context, colour) {
    if (!this.shape) return;
    context.strokeStyle = context.fillStyle = colour;
    context.beginPath();
    for (const [x, y] of this.cornersOf(this.shape)) context.lineTo(x, y);
    context.closePath();
    context.setLineDash([5, 4]);
    context.stroke();
    context.globalAlpha = 0.12;
    context.fill();
  },
};
