/** The map's view: which part of it is shown, how it moves, and where things are in pixels. */
window.explorer = window.explorer || {};

explorer.map = {
  GAP: 20,
  FLIGHT_MS: 650,
  NARROW: 760,
  view: null,
  touched: false,
  meta: null,
  /** A part of the map that an address asks for, until the projection it belongs to is drawn. */
  wanted: null,

  /** Find the page's parts and watch the window's size. Called once, when Dash has drawn the page. */
  mount() {
    this.frame = document.getElementById("map-frame");
    document.getElementById("zoom-in").addEventListener("click", () => this.zoomBy(1 / 1.6));
    document.getElementById("zoom-out").addEventListener("click", () => this.zoomBy(1.6));
    document.getElementById("zoom-fit").addEventListener("click", () => this.showAll());
    // Plotly follows the window by itself, a little later: then the view is put right again.
    new ResizeObserver(() => {
      this.resized();
      setTimeout(() => this.resized(), 200);
    }).observe(this.frame);
    const side = document.querySelector(".side");
    if (side) new ResizeObserver(() => this.touched || this.resized()).observe(side);
  },

  /** @returns {HTMLElement|null} Plotly's own element, once there is one. */
  get plot() {
    return this.frame.querySelector(".js-plotly-plot");
  },

  /** @returns {object|null} The points as Plotly draws them: x, y and the colours' numbers. */
  get points() {
    return this.plot?._fullData?.[0] ?? null;
  },

  /**
   * Set the part of a new drawing to show: the one shown now, or all of it for another projection.
   * @param {object} figure As plotly.py made it.
   */
  prepare(figure) {
    const meta = figure.layout.meta;
    const isOther = !this.meta || this.meta.projection !== meta.projection || this.meta.revision !== meta.revision;
    const before = this.meta && isOther && this.meta.revision === meta.revision ? explorer.morph.remember() : null;
    if (this.meta && this.meta.order !== meta.order) explorer.selection.findAgain();
    if (this.meta && `${this.meta.changes} ${this.meta.hide}` !== `${meta.changes} ${meta.hide}`) {
      explorer.api.forgetAll();
      this.stands = "anew";
    }
    this.meta = meta;
    if (explorer.api.setRevision(meta.revision)) explorer.player.findAgain();
    if (isOther) {
      const asked = this.wanted?.projection === meta.projection ? this.wanted.view : null;
      this.wanted = null;
      this.view = asked ? this.viewOf(asked) : this.fittingView();
      this.touched = Boolean(asked);
    }
    if (this.frame.clientWidth <= this.NARROW) figure.data[0].marker.size *= 0.72;
    const [x, y] = this.ranges();
    Object.assign(figure.layout.xaxis, { range: x, autorange: false, fixedrange: true });
    Object.assign(figure.layout.yaxis, { range: y, autorange: false, fixedrange: true });
    Object.assign(figure.layout, { dragmode: false, hovermode: false });
    if (before) explorer.morph.begin(before);
    explorer.filters.tell(meta);
    this.listen();
    return figure;
  },

  /** Hear of Plotly's drawings; its element is there only after the first one. */
  listen() {
    const plot = this.plot;
    if (!plot || !plot.on) {
      requestAnimationFrame(() => this.listen());
      return;
    }
    if (plot.dataset.heard) return;
    plot.dataset.heard = "true";
    plot.on("plotly_afterplot", () => this.drawn());
    this.drawn();
  },

  /** A drawing is on the screen: measure its groups. */
  drawn() {
    if (!this.points || !this.meta) return;
    const isNew = this.points.x !== this.drawnX;
    if (isNew) explorer.pointer.measure(this.points);
    this.drawnX = this.points.x;
    explorer.overlays.measure(this.points);
    this.frame.dataset.drawn = `${this.meta.projection} ${this.meta.colouring} ${this.meta.theme}`;
    explorer.overlays.refresh();
    explorer.morph.run();
    explorer.findWantedSong();
    if (isNew) explorer.updates.look();
    if (this.stands === "anew") {
      this.stands = null;
      explorer.standAnew();
    }
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
    const sheet = narrow ? edge(".page.panel-open .panel", "top") : null;
    const lowest = sheet ?? edge(".spectrogram", "top") ?? edge(".player", "top") ?? height;
    return {
      top: Math.max(edge(".header", "bottom") ?? 0, warned ?? 0) + this.GAP + 8,
      bottom: Math.min(lowest, (!narrow && edge(".trust", "top")) || height) - this.GAP,
      left: (narrow ? 0 : (edge(".side", "right") ?? 0)) + this.GAP,
      right: (narrow ? width : (edge(".map-tools", "left") ?? edge(".panel", "left") ?? width)) - this.GAP,
    };
  },

  /** @returns {{x, y, scale}} The view that shows every point: its centre, and map units per pixel. */
  fittingView() {
    return this.viewFitting(this.meta.bounds, this.freeArea());
  },

  /** @returns {{x, y, scale}} The view that shows the map's bounds in an area of the frame. */
  viewFitting([left, right, bottom, top], free) {
    const wide = Math.max(right - left, 1e-6) / Math.max(free.right - free.left, 50);
    const high = Math.max(top - bottom, 1e-6) / Math.max(free.bottom - free.top, 50);
    const scale = Math.max(wide, high);
    const alone = right - left < 1e-5 && top - bottom < 1e-5;
    return { x: (left + right) / 2, y: (bottom + top) / 2, scale: alone ? 0.004 : scale };
  },

  /** @returns {{x, y, scale}} The view of a part of the map, as an address says it. */
  viewOf({ x, y, zoom }) {
    return { x, y, scale: this.fittingView().scale / zoom };
  },

  /** Show a part of the map, as an address says it, or all of it. */
  showPart(part) {
    if (!this.meta) return;
    this.touched = Boolean(part);
    this.glideTo(part ? this.viewOf(part) : this.fittingView(), this.FLIGHT_MS);
  },

  /** @returns {number[][]} The axes' ranges for the view, whose centre is that of the free area. */
  ranges() {
    return this.rangesOf(this.view, this.freeArea(), this.frame.getBoundingClientRect());
  },

  /** @returns {number[][]} The axes' ranges that put a view's centre into the middle of an area of the frame. */
  rangesOf({ x, y, scale }, free, { width, height }) {
    const left = x - (scale * (free.left + free.right)) / 2;
    const top = y + (scale * (free.top + free.bottom)) / 2;
    return [
      [left, left + scale * width],
      [top - scale * height, top],
    ];
  },

  /** @returns {{left, top, across, down}} The corner of the frame on the map, and map units per pixel. */
  frameOnMap() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    const layout = this.plot._fullLayout;
    const [left, right] = layout.xaxis.range;
    const [bottom, top] = layout.yaxis.range;
    return { left, top, across: (right - left) / width, down: (top - bottom) / height };
  },

  /** @returns {{x, y}} Where a place of the map is in the frame, in pixels, as Plotly shows it now. */
  toPixels(x, y) {
    const { left, top, across, down } = this.frameOnMap();
    return { x: (x - left) / across, y: (top - y) / down };
  },

  /** @returns {{x, y}} Which place of the map is at a pixel of the frame. */
  toPlace(x, y) {
    const { left, top, across, down } = this.frameOnMap();
    return { x: left + x * across, y: top - y * down };
  },

  /** Show a view at the next chance; while Plotly draws, the newest one waits. */
  async setView(view) {
    this.view = view;
    if (this.isMoving) {
      this.isBehind = true;
      return;
    }
    this.isMoving = true;
    do {
      this.isBehind = false;
      const [x, y] = this.ranges();
      if (!this.moveScene(x, y)) await Plotly.relayout(this.plot, { "xaxis.range": x, "yaxis.range": y });
      explorer.overlays.refresh();
    } while (this.isBehind);
    this.isMoving = false;
    if (this.touched || explorer.url.look) explorer.url.writeSoon();
  },

  /**
   * Move the WebGL scene alone, as Plotly's own dragging does: among 100,000 points that takes a
   * millisecond, and a relayout up to a second. Regions are SVG and need the relayout.
   * @returns {boolean} Whether that was enough.
   */
  moveScene(x, y) {
    const { _fullLayout: full, layout } = this.plot;
    const scene = full._plots?.xy?._scene;
    const canvases = full._glcanvas;
    if (!scene?.update || !canvases?.each || full.shapes?.length || this.meta.projection === "original") return false;
    for (const [name, range] of [["xaxis", x], ["yaxis", y]]) {
      full[name].range = [...range];
      full[name]._input.range = [...range];
      if (layout[name]) layout[name].range = [...range];
      full[name].setScale();
    }
    scene.update({ range: [x[0], y[0], x[1], y[1]] });
    canvases.each((canvas) => canvas.regl?.clear({ color: [0, 0, 0, 0], depth: 1 }));
    scene.draw();
    return true;
  },

  resized() {
    if (!this.meta || !this.plot?._fullLayout) return;
    this.setView(this.touched ? this.view : this.fittingView());
  },

  /** The free area changes with the cards around it: keep the whole map in it, or what was looked at in its middle. */
  makeRoom() {
    if (!this.meta || !this.plot?._fullLayout) return;
    if (this.touched) this.setView(this.view);
    else this.glideTo(this.fittingView(), 260);
  },

  /** Move the map by pixels, as a hand does. */
  panBy(dx, dy) {
    this.stop();
    this.touched = true;
    const { x, y, scale } = this.view;
    return this.setView({ x: x - dx * scale, y: y + dy * scale, scale });
  },

  /** Zoom so that what lies under a pixel of the frame stays there. */
  zoomAt(pixelX, pixelY, factor) {
    this.stop();
    this.touched = true;
    return this.setView(this.zoomed(this.view, this.freeArea(), this.fittingView().scale, [pixelX, pixelY], factor));
  },

  /**
   * @param {number} fit The scale that shows every point: it limits how near and how far one can go.
   * @returns {{x, y, scale}} A view after zooming about a pixel, which keeps its place on the map.
   */
  zoomed({ x, y, scale }, free, fit, [pixelX, pixelY], factor) {
    const right = pixelX - (free.left + free.right) / 2;
    const down = pixelY - (free.top + free.bottom) / 2;
    const next = Math.min(Math.max(scale * factor, fit / 400), fit * 3);
    return { x: x + right * (scale - next), y: y - down * (scale - next), scale: next };
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
    if (place) this.flyToPlace(place);
  },

  flyToPlace([x, y]) {
    this.touched = true;
    const near = this.fittingView().scale / 2.5;
    this.glideTo({ x, y, scale: Math.min(this.view.scale, near) }, this.FLIGHT_MS);
  },

  /** Move the map no further than a song needs to be in sight. */
  reveal(index) {
    const place = this.placeOf(index);
    if (!place) return;
    const step = this.stepInto(this.freeArea(), this.toPixels(...place));
    if (!step) return;
    const [dx, dy] = step;
    this.touched = true;
    this.glideTo({ ...this.view, x: this.view.x - dx * this.view.scale, y: this.view.y + dy * this.view.scale }, 260);
  },

  /** @returns {number[]|null} The least way, in pixels, that brings a place into an area; null where it is in it. */
  stepInto(free, { x, y }) {
    if (x >= free.left && x <= free.right && y >= free.top && y <= free.bottom) return null;
    const dx = Math.min(free.right - 24 - x, 0) + Math.max(free.left + 24 - x, 0);
    const dy = Math.min(free.bottom - 24 - y, 0) + Math.max(free.top + 24 - y, 0);
    return [dx, dy];
  },

  stop() {
    cancelAnimationFrame(this.flight);
  },

  /** Move the view smoothly, or at once for those who asked their system for less motion. */
  glideTo(target, duration) {
    this.stop();
    if (explorer.prefersStillness()) {
      this.setView(target);
      return;
    }
    const start = { ...this.view };
    const began = performance.now();
    const step = async (now) => {
      const share = Math.min(Math.max((now - began) / duration, 0), 1);
      if (share < 1) this.flight = requestAnimationFrame(step);
      await this.setView(this.viewBetween(start, target, explorer.ease(share)));
    };
    this.flight = requestAnimationFrame(step);
  },

  /** @returns {{x, y, scale}} A view on the way from one to another; its zoom grows by equal factors. */
  viewBetween(start, target, share) {
    const between = (from, to) => from + (to - from) * share;
    return {
      x: between(start.x, target.x),
      y: between(start.y, target.y),
      scale: start.scale * (target.scale / start.scale) ** share,
    };
  },

  /** @returns {number[]|null} A song's place on the map. */
  placeOf(index) {
    const trace = this.points;
    return trace && index !== null && index < trace.x.length ? [trace.x[index], trace.y[index]] : null;
  },

  /** @returns {boolean} Whether a song is on the map, and among those that no filter leaves out. */
  isLit(index) {
    const { unlit, hidden } = this.meta;
    const number = this.points.marker.color[index];
    return number !== (unlit ?? -1) && number !== (hidden ?? -1);
  },

  /** @returns {boolean} Whether a song is not on the map, as duplicates and missing ones may be. */
  isHidden(index) {
    return this.points.marker.color[index] === (this.meta.hidden ?? -1);
  },

  /** @returns {number[]} The lit songs whose files are missing. */
  goneSongs() {
    const { gone, hues } = this.meta;
    const { color } = this.points.marker;
    const found = [];
    if (gone === null || gone === undefined) return found;
    for (let i = 0; i < color.length; i++) if (color[i] >= gone && color[i] < gone + hues) found.push(i);
    return found;
  },

  /** @returns {string} The colour of a song's group, also where its point is faded. */
  colourOf(index) {
    const number = this.points.marker.color[index];
    // What is not on the map and yet plays has the colour of the rest.
    if (this.isHidden(index)) return this.meta.colours[this.meta.hues - 1];
    if (!this.isLit(index)) return this.meta.colours[number];
    return this.meta.colours[number % this.meta.hues];
  },
};
