/** The names of the groups on the map. A label covers as few points as possible, and never another label. */
window.explorer = window.explorer || {};

/**
 * @typedef {{left: number, right: number, top: number, bottom: number}} Box The edges of a label in the
 *   frame, in pixels.
 */

explorer.labels = {
  /**
   * A group can have several dense areas. Only the most crowded one has a label, until the zoom is above this
   * (1: all songs are visible).
   */
  CLOSE_ZOOM: 1.8,
  /** Two labels with the same name must be this far apart. */
  SAME_NAME_GAP_PX: 260,
  /** A label's box is tested against at most this many points. */
  MAX_SAMPLES: 3000,
  labels: [],

  mount() {
    this.container = document.getElementById("labels");
  },

  /** Make the labels when the map was drawn again. */
  update() {
    const { meta } = explorer.map;
    this.labels = meta.names.map((group) => this.makeLabel(group));
    this.container.classList.toggle("on-regions", meta.projection === "original");
    this.container.replaceChildren(...this.labels.map((label) => label.element));
  },

  /**
   * @param {object} group One dense area of a group.
   * @param {number} group.rank 0 for the group's most crowded dense area, then 1 and so on.
   * @param {number} group.x The area's middle, in map units. `top` and `bottom` are its ends on the y axis.
   */
  makeLabel({ name, colour, rank, x, top, bottom }) {
    const element = document.createElement("span");
    element.textContent = name;
    element.style.color = `color-mix(in oklab, ${colour} 62%, var(--text))`;
    return { element, name, rank, x, top, bottom };
  },

  /** Place the labels for the current viewport, and hide those that do not fit. */
  place() {
    if (explorer.map.frame.classList.contains("morphing")) return;
    const free = explorer.map.freeArea();
    const points = this.sampledPixels();
    const isClose = explorer.map.fittingViewport().scale / explorer.map.viewport.scale > this.CLOSE_ZOOM;
    for (const label of this.labels) {
      label.width ||= label.element.offsetWidth;
      label.height ||= label.element.offsetHeight;
      label.boxes = this.boxesOf(label);
    }
    this.arrange(this.labels, { free, points, isClose }).forEach((box, i) => {
      const { element } = this.labels[i];
      element.classList.toggle("shown", Boolean(box));
      if (box) element.style.transform = `translate(${box.left}px, ${box.top}px)`;
    });
  },

  /**
   * Choose a box for each label, one label after another: the free box that covers the fewest points.
   * @param {{name: string, rank: number, boxes: Box[]}[]} labels The most important first: by rank, then by
   *   the size of the group.
   * @param {object} options
   * @param {Box} options.free The area that no card covers.
   * @param {{x: number, y: number}[]} options.points Pixels of points that labels should not cover.
   * @param {boolean} options.isClose Whether labels with a rank above 0 are shown.
   * @returns {(Box|undefined)[]} Each label's box; undefined if the label does not fit.
   */
  arrange(labels, { free, points, isClose }) {
    const taken = [];
    return labels.map(({ name, rank, boxes }) => {
      if (rank > 0 && !isClose) return undefined;
      const [box] = boxes
        .filter((box) => this.isInside(box, free) && !taken.some((other) => this.overlaps(box, other)))
        .filter((box) => !taken.some((other) => other.name === name && this.isNear(box, other)))
        .map((box) => ({ ...box, covered: points.filter((point) => this.contains(box, point)).length }))
        .sort((a, b) => a.covered - b.covered);
      if (box) taken.push({ ...box, name });
      return box;
    });
  },

  /** @returns {Box[]} The boxes that a label may have: above, below, or in the middle of its dense area. */
  boxesOf({ x, top, bottom, width, height }) {
    return [
      [top, -16],
      [bottom, 16],
      [(top + bottom) / 2, 0],
    ].map(([y, shiftPx]) => {
      const middle = explorer.map.toPixels(x, y);
      const boxTop = middle.y + shiftPx - height / 2;
      return { left: middle.x - width / 2, right: middle.x + width / 2, top: boxTop, bottom: boxTop + height };
    });
  },

  /**
   * @returns {{x: number, y: number}[]} The points' pixels; every n-th point if there are more than
   *   MAX_SAMPLES.
   */
  sampledPixels() {
    const { x, y } = explorer.map.points;
    const stride = Math.ceil(x.length / this.MAX_SAMPLES);
    const pixels = [];
    for (let i = 0; i < x.length; i += stride) {
      if (!explorer.map.isHidden(i)) pixels.push(explorer.map.toPixels(x[i], y[i]));
    }
    return pixels;
  },

  contains(box, point) {
    return point.x > box.left - 4 && point.x < box.right + 4 && point.y > box.top - 3 && point.y < box.bottom + 3;
  },

  isInside(box, area) {
    return box.left >= area.left - 16 && box.right <= area.right + 16 && box.top >= area.top - 16 && box.bottom <= area.bottom + 8;
  },

  isNear(a, b) {
    return Math.hypot(a.left - b.left, a.top - b.top) < this.SAME_NAME_GAP_PX;
  },

  overlaps(a, b) {
    return a.left < b.right + 6 && b.left < a.right + 6 && a.top < b.bottom + 2 && b.top < a.bottom + 2;
  },
};
