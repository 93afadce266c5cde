/** The map's view: which part of it is shown, how it moves, and where things are in pixels. */
window.explorer = window.explorer || {};

explorer.map = {
  GAP: 20,
  FLIGHT_MS: 650,
  NARROW: 760,
  view: null,
  touched: false,
  meta: null,

  /** Find the page's parts and watch the window's size. Called once, when Dash has drawn the page. */
  mount() {
    this.frame = document.getElementById("map-frame");
    document.getElementById("zoom-in").addEventListener("click", () => this.zoomBy(1 / 1.6));
    document.getElementById("zoom-out").addEventListener("click", () => this.zoomBy(1.6));
    document.getElementById("zoom-fit").addEventListener("click", () => this.showAll());
    this.frame.addEventListener("dblclick", () => this.showAll());
    new ResizeObserver(() => this.resized()).observe(this.frame);
    const side = document.querySelector(".side");
    if (side) new ResizeObserver(() => this.touched || this.resized()).observe(side);
  },

  /** @returns {HTMLElement|null} Plotly's own element, once there is one. */
  get plot() {
    return this.frame.querySelector(".js-plotly-plot");
  },

  /**
   * Set the part of a new drawing to show: the one shown now, or all of it for another projection.
   * @param {object} figure As plotly.py made it.
   */
  prepare(figure) {
    const meta = figure.layout.meta;
    const moved = !this.meta || this.meta.projection !== meta.projection || this.meta.revision !== meta.revision;
    this.meta = meta;
    if (explorer.songs.setRevision(meta.revision)) explorer.player.findAgain();
    if (moved) {
      this.view = this.fittingView();
      this.touched = false;
    }
    if (this.frame.clientWidth <= this.NARROW) figure.data[0].marker.size *= 0.72;
    const [x, y] = this.ranges();
    Object.assign(figure.layout.xaxis, { range: x, autorange: false });
    Object.assign(figure.layout.yaxis, { range: y, autorange: false });
    this.listen();
    return figure;
  },

  /** Follow Plotly's own panning and zooming; its element is there only after the first drawing. */
  listen() {
    const plot = this.plot;
    if (!plot || !plot.on) {
      requestAnimationFrame(() => this.listen());
      return;
    }
    if (plot.dataset.heard) return;
    plot.dataset.heard = "true";
    plot.on("plotly_relayouting", () => this.followPlot());
    plot.on("plotly_relayout", () => this.followPlot());
    plot.on("plotly_afterplot", () => this.drawn());
    this.drawn();
  },

  /** A drawing is on the screen: measure its groups. */
  drawn() {
    const trace = this.plot?._fullData?.[0];
    if (!trace || !this.meta) return;
    explorer.overlays.measure(trace);
    this.frame.dataset.drawn = `${this.meta.projection} ${this.meta.colouring} ${this.meta.theme}`;
    explorer.overlays.refresh();
  },

  /** @returns {{top, right, bottom, left}} The part of the map's frame that no card covers, in pixels. */
  freeArea() {
    const { width, height } = this.frame.getBoundingClientRect();
    const narrow = width <= this.NARROW;
    const edge = (selector, side) => {
      const element = document.querySelector(selector);
      return element && element.getClientRects().length ? element.getBoundingClientRect()[side] : null;
    };
    const warned = narrow ? edge(".warnings", "bottom") : null;
    return {
      top: Math.max(edge(".header", "bottom") ?? 0, warned ?? 0) + this.GAP + 8,
      bottom: Math.min(edge(".player", "top") ?? height, (!narrow && edge(".trust", "top")) || height) - this.GAP,
      left: (narrow ? 0 : (edge(".side", "right") ?? 0)) + this.GAP,
      right: (narrow ? width : (edge(".zoom", "left") ?? width)) - this.GAP,
    };
  },

  /** @returns {{x, y, scale}} The view that shows every point: its centre, and map units per pixel. */
  fittingView() {
    const [left, right, bottom, top] = this.meta.bounds;
    const free = this.freeArea();
    const wide = Math.max(right - left, 1e-6) / Math.max(free.right - free.left, 50);
    const high = Math.max(top - bottom, 1e-6) / Math.max(free.bottom - free.top, 50);
    const scale = Math.max(wide, high);
    const alone = right - left < 1e-5 && top - bottom < 1e-5;
    return { x: (left + right) / 2, y: (bottom + top) / 2, scale: alone ? 0.004 : scale };
  },

  /** @returns {number[][]} The axes' ranges for the view, whose centre is that of the free area. */
  ranges() {
    const { width, height } = this.frame.getBoundingClientRect();
    const free = this.freeArea();
    const { x, y, scale } = this.view;
    const left = x - (scale * (free.left + free.right)) / 2;
    const top = y + (scale * (free.top + free.bottom)) / 2;
    return [
      [left, left + scale * width],
      [top - scale * height, top],
    ];
  },

  /** @returns {{x, y}} Where a place of the map is in the frame, in pixels, as Plotly shows it now. */
  toPixels(x, y) {
    const { clientWidth: width, clientHeight: height } = this.frame;
    const layout = this.plot._fullLayout;
    const [left, right] = layout.xaxis.range;
    const [bottom, top] = layout.yaxis.range;
    return { x: ((x - left) / (right - left)) * width, y: ((top - y) / (top - bottom)) * height };
  },

  /** Read the view back after the user has moved it. */
  followPlot() {
    const { width } = this.frame.getBoundingClientRect();
    const free = this.freeArea();
    const layout = this.plot._fullLayout;
    const [left, right] = layout.xaxis.range;
    const [, top] = layout.yaxis.range;
    const scale = (right - left) / width;
    const [[expectedLeft, expectedRight], [, expectedTop]] = this.ranges();
    const strayed = Math.abs(left - expectedLeft) + Math.abs(right - expectedRight) + Math.abs(top - expectedTop);
    // What this code moved itself is no wish of the user's.
    if (this.moving || strayed < scale) return;
    this.view = {
      scale,
      x: left + (scale * (free.left + free.right)) / 2,
      y: top - (scale * (free.top + free.bottom)) / 2,
    };
    this.touched = true;
    explorer.overlays.hover(null);
    explorer.overlays.refresh();
  },

  async setView(view) {
    this.view = view;
    const [x, y] = this.ranges();
    this.moving = true;
    await Plotly.relayout(this.plot, { "xaxis.range": x, "yaxis.range": y });
    this.moving = false;
    explorer.overlays.refresh();
  },

  resized() {
    if (!this.meta || !this.plot?._fullLayout) return;
    this.setView(this.touched ? this.view : this.fittingView());
  },

  zoomBy(factor) {
    if (!this.meta) return;
    this.touched = true;
    this.glideTo({ ...this.view, scale: this.view.scale * factor }, 200);
  },

  showAll() {
    if (!this.meta) return;
    this.touched = false;
    this.glideTo(this.fittingView(), this.FLIGHT_MS);
  },

  /** Bring a song into the middle, near enough to see what lies around it. */
  flyTo(index) {
    const place = this.placeOf(index);
    if (!place) return;
    this.touched = true;
    const near = this.fittingView().scale / 2.5;
    this.glideTo({ x: place[0], y: place[1], scale: Math.min(this.view.scale, near) }, this.FLIGHT_MS);
  },

  /** Move the view smoothly, or at once for those who asked their system for less motion. */
  glideTo(target, duration) {
    cancelAnimationFrame(this.flight);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.setView(target);
      return;
    }
    const start = { ...this.view };
    const began = performance.now();
    const step = async (now) => {
      const share = Math.min(Math.max((now - began) / duration, 0), 1);
      const eased = share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2;
      const between = (from, to) => from + (to - from) * eased;
      await this.setView({
        x: between(start.x, target.x),
        y: between(start.y, target.y),
        scale: start.scale * (target.scale / start.scale) ** eased,
      });
      if (share < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  },

  /** @returns {number[]|null} A song's place on the map. */
  placeOf(index) {
    const trace = this.plot?._fullData?.[0];
    return trace && index < trace.x.length ? [trace.x[index], trace.y[index]] : null;
  },

  /** @returns {string} The colour of a song's group, also where its point is faded. */
  colourOf(index) {
    return this.meta.colours[this.plot._fullData[0].marker.color[index] % this.meta.hues];
  },
};
