/** The map on the page: which part of it is shown, how that moves, and how map units become pixels. */
window.explorer = window.explorer || {};

explorer.map = {
  GAP_PX: 20,
  GLIDE_MS: 650,
  SHORT_GLIDE_MS: 260,
  ZOOM_MS: 200,
  /** Frames up to this width have the layout of a phone. */
  NARROW_PX: 760,
  /** @type {Viewport|null} */
  viewport: null,
  /** Whether the viewport was chosen by the user or the address. Otherwise it shows all songs. */
  isUserPositioned: false,
  /**
   * The server's description of the drawing: projection, colours, filter and so on. It is the figure's
   * `layout.meta`.
   */
  meta: null,
  /** The projection and position in an address that is being restored; null otherwise. */
  requested: null,
  /** The new indices of the songs of the map that is drawn next; null if they do not change. @type {Int32Array|null} */
  pendingIndices: null,
  /** Whether the selected song's details must be loaded again after the next drawing. */
  needsRefresh: false,

  /** Find the page's parts and watch the window's size. Called once, after Dash has drawn the page. */
  mount() {
    this.frame = document.getElementById("map-frame");
    document.getElementById("zoom-in").addEventListener("click", () => this.zoomBy(1 / 1.6));
    document.getElementById("zoom-out").addEventListener("click", () => this.zoomBy(1.6));
    document.getElementById("zoom-fit").addEventListener("click", () => this.showAll());
    // Plotly also reacts to a new size, a little later, and changes the axes: set them again after that.
    new ResizeObserver(() => {
      this.onResize();
      setTimeout(() => this.onResize(), 200);
    }).observe(this.frame);
    const side = document.querySelector(".side");
    if (side) new ResizeObserver(() => this.isUserPositioned || this.onResize()).observe(side);
  },

  /** @returns {HTMLElement|null} Plotly's element; null before its first drawing. */
  get plot() {
    return this.frame.querySelector(".js-plotly-plot");
  },

  /** @returns {object|null} The points that Plotly draws: x, y and marker.color, the number of each point's colour. */
  get points() {
    return this.plot?._fullData?.[0] ?? null;
  },

  /** @returns {string} The projection that gives the points their places. The original view uses PCA. */
  get projection() {
    return this.meta.projection === "original" ? "pca" : this.meta.projection;
  },

  /**
   * Set the axes' ranges of a new figure. The viewport stays as it is, or follows a song to a new map; on
   * another projection, and on a map whose songs have unknown indices, it shows all songs, or the position in the
   * address.
   * @param {object} figure As plotly.py made it.
   * @param {{from: number, to: number, indices: Int32Array}|null} moved For a new map: the new indices of the songs.
   */
  prepare(figure, moved = null) {
    const meta = figure.layout.meta;
    const isOtherMap = !this.meta || this.meta.projection !== meta.projection || this.meta.revision !== meta.revision;
    const isSameRevision = this.meta?.revision === meta.revision;
    const isKnown = this.meta && this.points && moved?.from === this.meta.revision && moved.to === meta.revision;
    const indices = isKnown ? explorer.growth.composed(this.pendingIndices, moved.indices) : null;
    const pixelsBefore = this.meta && isOtherMap && (isSameRevision || indices) ? explorer.morph.capturePixels() : null;
    const points = indices && explorer.growth.pointsOf(figure);
    const canFollow = points && this.isUserPositioned && this.meta.projection === meta.projection;
    const follow = canFollow ? explorer.growth.startFollowing(points, indices) : null;
    if (this.meta && this.meta.order !== meta.order && !indices) explorer.selection.restoreAfterReordering();
    if (this.meta && `${this.meta.changes} ${this.meta.hide}` !== `${meta.changes} ${meta.hide}`) {
      if (isSameRevision) explorer.api.clearCache();
      this.needsRefresh = true;
    }
    this.meta = meta;
    explorer.progress.offerRedraw();
    document.getElementById("counts").textContent = meta.counts;
    // With known indices, the songs get them when they are drawn: until then the pointer finds the old ones.
    if (indices) this.pendingIndices = indices;
    else if (!isSameRevision || !this.pendingIndices) {
      this.pendingIndices = null;
      if (explorer.api.setRevision(meta.revision)) explorer.player.findNewIndex();
    }
    if (follow) this.viewport = follow();
    else if (isOtherMap) {
      const position = this.requested?.projection === meta.projection ? this.requested.position : null;
      this.requested = null;
      this.viewport = position ? this.viewportOf(position) : this.fittingViewport();
      this.isUserPositioned = Boolean(position);
    }
    if (this.frame.clientWidth <= this.NARROW_PX) figure.data[0].marker.size *= 0.72;
    const [x, y] = this.axisRanges();
    Object.assign(figure.layout.xaxis, { range: x, autorange: false, fixedrange: true });
    Object.assign(figure.layout.yaxis, { range: y, autorange: false, fixedrange: true });
    Object.assign(figure.layout, { dragmode: false, hovermode: false });
    if (pixelsBefore && isSameRevision) explorer.morph.begin(pixelsBefore);
    else if (pixelsBefore) explorer.growth.beginGlide(pixelsBefore, points, indices, [x, y]);
    explorer.filters.showCounts(meta);
    this.listenToPlotly();
    return figure;
  },

  /** Listen for Plotly's drawings. Its element exists only after the first one. */
  listenToPlotly() {
    const { plot } = this;
    if (!plot || !plot.on) {
      requestAnimationFrame(() => this.listenToPlotly());
      return;
    }
    if (plot.dataset.listening) return;
    plot.dataset.listening = "true";
    plot.on("plotly_afterplot", () => this.onDrawn());
    this.onDrawn();
  },

  /** Plotly has finished a drawing: update everything that depends on the points. */
  onDrawn() {
    if (!this.points || !this.meta) return;
    const isNew = this.points.x !== this.drawnX;
    const isRenumbered = isNew && this.pendingIndices !== null;
    if (isRenumbered) {
      explorer.api.setRevision(this.meta.revision);
      explorer.growth.renumber(this.pendingIndices);
      this.pendingIndices = null;
      this.needsRefresh = false;
    }
    if (isNew) explorer.pointer.setPoints(this.points);
    this.drawnX = this.points.x;
    explorer.overlays.update(this.points);
    this.frame.dataset.drawn = `${this.meta.projection} ${this.meta.colouring} ${this.meta.theme}`;
    explorer.overlays.refresh();
    explorer.morph.run();
    explorer.openRequestedSong();
    if (isNew) explorer.updates.check();
    if (isRenumbered) explorer.growth.refresh();
    if (this.needsRefresh) {
      this.needsRefresh = false;
      explorer.refreshSelected();
    }
  },

  /** @returns {Area} The part of the frame that no card covers. */
  freeArea() {
    const { width, height } = this.frame.getBoundingClientRect();
    const isNarrow = width <= this.NARROW_PX;
    const edge = (selector, side) => {
      const element = document.querySelector(selector);
      return element && element.getClientRects().length ? element.getBoundingClientRect()[side] : null;
    };
    const warnings = isNarrow ? edge(".warnings", "bottom") : null;
    const panel = isNarrow ? edge(".page.panel-open .panel", "top") : null;
    const bottom = panel ?? edge(".spectrogram", "top") ?? edge(".player", "top") ?? height;
    return {
      top: Math.max(edge(".header", "bottom") ?? 0, warnings ?? 0) + this.GAP_PX + 8,
      bottom: Math.min(bottom, (!isNarrow && edge(".trust", "top")) || height) - this.GAP_PX,
      left: (isNarrow ? 0 : (edge(".side", "right") ?? 0)) + this.GAP_PX,
      right: (isNarrow ? width : (edge(".map-tools", "left") ?? edge(".panel", "left") ?? width)) - this.GAP_PX,
    };
  },

  /** @returns {Viewport} The viewport that shows all songs in the free area. */
  fittingViewport() {
    return explorer.viewport.fitting(this.meta.bounds, this.freeArea());
  },

  /** @param {{x: number, y: number, zoom: number}} position As in the address. @returns {Viewport} */
  viewportOf({ x, y, zoom }) {
    return { x, y, scale: this.fittingViewport().scale / zoom };
  },

  /** Move to a position from the address. @param {{x: number, y: number, zoom: number}|null} position Null shows all songs. */
  showPosition(position) {
    if (!this.meta) return;
    this.isUserPositioned = Boolean(position);
    this.glideTo(position ? this.viewportOf(position) : this.fittingViewport(), this.GLIDE_MS);
  },

  /** @returns {number[][]} The ranges of the x and y axes for the current viewport. */
  axisRanges() {
    return explorer.viewport.axisRanges(this.viewport, this.freeArea(), this.frame.getBoundingClientRect());
  },

  /** @returns {{left: number, top: number, unitsPerPixelX: number, unitsPerPixelY: number}} The frame's top left corner in map units, and map units per pixel. */
  frameOnMap() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    const layout = this.plot._fullLayout;
    const [left, right] = layout.xaxis.range;
    const [bottom, top] = layout.yaxis.range;
    return { left, top, unitsPerPixelX: (right - left) / width, unitsPerPixelY: (top - bottom) / height };
  },

  /** Convert map units to pixels of the frame, as Plotly shows them now. @returns {{x: number, y: number}} */
  toPixels(x, y) {
    const { left, top, unitsPerPixelX, unitsPerPixelY } = this.frameOnMap();
    return { x: (x - left) / unitsPerPixelX, y: (top - y) / unitsPerPixelY };
  },

  /** Convert pixels of the frame to map units. @returns {{x: number, y: number}} */
  toMap(x, y) {
    const { left, top, unitsPerPixelX, unitsPerPixelY } = this.frameOnMap();
    return { x: left + x * unitsPerPixelX, y: top - y * unitsPerPixelY };
  },

  /** Show a viewport. While Plotly is still drawing, only the newest viewport is stored, and drawn next. */
  async setViewport(viewport) {
    this.viewport = viewport;
    if (this.isMoving) {
      this.hasNewerViewport = true;
      return;
    }
    this.isMoving = true;
    do {
      this.hasNewerViewport = false;
      const [x, y] = this.axisRanges();
      if (!this.moveScene(x, y)) await Plotly.relayout(this.plot, { "xaxis.range": x, "yaxis.range": y });
      explorer.overlays.refresh();
    } while (this.hasNewerViewport);
    this.isMoving = false;
    if (this.isUserPositioned || explorer.url.view) explorer.url.writeLater();
  },

  /**
   * Move only the WebGL scene, as Plotly's own dragging does. With 100,000 points that takes a millisecond;
   * a relayout takes up to a second. The original view's regions are SVG and need the relayout.
   * @returns {boolean} False if a relayout is needed.
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

  onResize() {
    if (!this.meta || !this.plot?._fullLayout) return;
    this.setViewport(this.isUserPositioned ? this.viewport : this.fittingViewport());
  },

  /**
   * The free area changed, because a card was opened or closed: show all songs in it. If the user has chosen
   * the viewport, show its centre in the middle of the free area.
   */
  adjustToCards() {
    if (!this.meta || !this.plot?._fullLayout) return;
    if (this.isUserPositioned) this.setViewport(this.viewport);
    else this.glideTo(this.fittingViewport(), this.SHORT_GLIDE_MS);
  },

  /** Pan by pixels. */
  panBy(dx, dy) {
    this.stopGlide();
    this.isUserPositioned = true;
    const { x, y, scale } = this.viewport;
    return this.setViewport({ x: x - dx * scale, y: y + dy * scale, scale });
  },

  /** Zoom around a pixel of the frame: the point of the map at this pixel does not move. */
  zoomAt(pixelX, pixelY, factor) {
    this.stopGlide();
    this.isUserPositioned = true;
    return this.setViewport(explorer.viewport.zoomed(this.viewport, this.freeArea(), this.fittingViewport().scale, [pixelX, pixelY], factor));
  },

  /** Zoom around the middle of the free area. @param {number} factor Below 1 zooms in. */
  zoomBy(factor) {
    if (!this.meta) return;
    this.isUserPositioned = true;
    this.glideTo({ ...this.viewport, scale: this.viewport.scale * factor }, this.ZOOM_MS);
  },

  showAll() {
    if (!this.meta) return;
    this.isUserPositioned = false;
    this.glideTo(this.fittingViewport(), this.GLIDE_MS);
  },

  /**
   * Move a song into the middle of the free area, and zoom in to its surroundings if the map shows more than
   * them.
   */
  flyTo(index) {
    const place = this.placeOf(index);
    if (place) this.flyToPlace(place);
  },

  /** @param {number[]} place In map units. */
  flyToPlace([x, y]) {
    this.isUserPositioned = true;
    const closeScale = this.fittingViewport().scale / 2.5;
    this.glideTo({ x, y, scale: Math.min(this.viewport.scale, closeScale) }, this.GLIDE_MS);
  },

  /** Pan by the shortest distance that brings a song into the free area. */
  panIntoView(index) {
    const place = this.placeOf(index);
    if (!place) return;
    const offset = explorer.viewport.offsetInto(this.freeArea(), this.toPixels(...place));
    if (!offset) return;
    const [dx, dy] = offset;
    const { x, y, scale } = this.viewport;
    this.isUserPositioned = true;
    this.glideTo({ x: x - dx * scale, y: y + dy * scale, scale }, this.SHORT_GLIDE_MS);
  },

  stopGlide() {
    cancelAnimationFrame(this.animation);
  },

  /** Move to a viewport smoothly, or at once if the user's system asks for less motion. */
  glideTo(target, durationMs) {
    this.stopGlide();
    if (explorer.prefersReducedMotion()) {
      this.setViewport(target);
      return;
    }
    const start = { ...this.viewport };
    const began = performance.now();
    const step = async (now) => {
      const progress = Math.min(Math.max((now - began) / durationMs, 0), 1);
      if (progress < 1) this.animation = requestAnimationFrame(step);
      await this.setViewport(explorer.viewport.between(start, target, explorer.ease(progress)));
    };
    this.animation = requestAnimationFrame(step);
  },

  /** @param {number|null} index @returns {number[]|null} A song's place in map units. */
  placeOf(index) {
    const { points } = this;
    return points && index !== null && index < points.x.length ? [points.x[index], points.y[index]] : null;
  },

  /** @returns {boolean} Whether a song matches the filter and is not hidden. Other songs are grey or not drawn. */
  matchesFilter(index) {
    const { unlit, hidden } = this.meta;
    const number = this.points.marker.color[index];
    return number !== (unlit ?? -1) && number !== (hidden ?? -1);
  },

  /** @returns {boolean} Whether the user has hidden a song from the map, as a duplicate or because its file is missing. */
  isHidden(index) {
    return this.points.marker.color[index] === (this.meta.hidden ?? -1);
  },

  /** @returns {number[]} The songs that match the filter and whose files are missing. */
  missingSongs() {
    const { gone, hues } = this.meta;
    const { color } = this.points.marker;
    const songs = [];
    if (gone === null || gone === undefined) return songs;
    for (let i = 0; i < color.length; i++) if (color[i] >= gone && color[i] < gone + hues) songs.push(i);
    return songs;
  },

  /**
   * @returns {string} The colour of a song's group without fading; grey if the song does not match the
   *   filter.
   */
  colourOf(index) {
    const number = this.points.marker.color[index];
    // A hidden song can play and have a mark. The mark gets the last group colour, which small groups share.
    if (this.isHidden(index)) return this.meta.colours[this.meta.hues - 1];
    if (!this.matchesFilter(index)) return this.meta.colours[number];
    return this.meta.colours[number % this.meta.hues];
  },
};
