/**
 * The map's view, and what lies over and under the points: the playing song's mark, the names of
 * groups, the tooltip and the glow. All are overlays: the points are not drawn again for them.
 */
window.explorer = window.explorer || {};

explorer.map = {
  GAP: 20,
  FLIGHT_MS: 650,
  GLOW_RADIUS: 44,
  MAX_GLOWS: 3000,
  NARROW: 760,
  view: null,
  touched: false,
  meta: null,
  groups: [],
  hovered: null,

  /** Find the page's parts and watch the window's size. Called once, when Dash has drawn the page. */
  mount() {
    this.frame = document.getElementById("map-frame");
    this.mark = document.getElementById("mark");
    this.tooltip = document.getElementById("tooltip");
    this.labels = document.getElementById("labels");
    this.glow = document.getElementById("glow");
    document.getElementById("zoom-in").addEventListener("click", () => this.zoomBy(1 / 1.6));
    document.getElementById("zoom-out").addEventListener("click", () => this.zoomBy(1.6));
    document.getElementById("zoom-fit").addEventListener("click", () => this.showAll());
    this.frame.addEventListener("dblclick", () => this.showAll());
    this.frame.addEventListener("pointermove", (event) => this.placeTooltip(event.clientX, event.clientY));
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
    explorer.songs.setRevision(meta.revision);
    if (moved) {
      this.view = this.fittingView();
      this.touched = false;
    }
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
    if (trace.x !== this.measuredX || trace.marker.color !== this.measuredColours) {
      this.measuredX = trace.x;
      this.measuredColours = trace.marker.color;
      this.groups = this.measureGroups(trace);
      this.labels.replaceChildren(...this.groups.map((group) => group.element));
    }
    this.frame.dataset.drawn = `${this.meta.projection} ${this.meta.colouring} ${this.meta.theme}`;
    this.refresh();
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
      bottom: (edge(".player", "top") ?? height) - this.GAP,
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
    this.hover(null);
    this.refresh();
  },

  async setView(view) {
    this.view = view;
    const [x, y] = this.ranges();
    this.moving = true;
    await Plotly.relayout(this.plot, { "xaxis.range": x, "yaxis.range": y });
    this.moving = false;
    this.refresh();
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

  /** Put the overlays where the points are now. */
  refresh() {
    if (!this.plot?._fullLayout?.xaxis || !this.meta) return;
    this.placeMark();
    this.placeLabels();
    this.paintGlow();
  },

  placeMark() {
    const place = explorer.player.index === null ? null : this.placeOf(explorer.player.index);
    this.mark.hidden = !place;
    if (!place) return;
    const { x, y } = this.toPixels(...place);
    this.mark.style.transform = `translate(${x}px, ${y}px)`;
    this.mark.style.setProperty("--colour", this.colourOf(explorer.player.index));
    this.mark.dataset.index = explorer.player.index;
  },

  colourOf(index) {
    return this.meta.colours[this.plot._fullData[0].marker.color[index]];
  },

  /** Find where each group is thickest: that is where its name goes. */
  measureGroups(trace) {
    if (this.meta.colouring === "artist" && this.meta.names.length > 12) return [];
    const members = this.meta.names.map(() => []);
    for (let i = 0; i < trace.x.length; i++) members[trace.marker.color[i]]?.push([trace.x[i], trace.y[i]]);
    const [left, right, bottom, top] = this.meta.bounds;
    const reach = Math.hypot(right - left, top - bottom) / 16;
    return members
      .map((places, group) => {
        const element = document.createElement("span");
        element.textContent = this.meta.names[group];
        element.style.color = this.meta.colours[group];
        return { size: places.length, element, ...this.thickestPart(places, reach) };
      })
      .filter((group) => group.size > 0)
      .sort((a, b) => b.size - a.size);
  },

  /** @returns {{x, top, bottom}} The middle and the edges of the most crowded circle of places. */
  thickestPart(places, reach) {
    const stride = Math.ceil(places.length / 250);
    const sample = places.filter((_, i) => i % stride === 0);
    let best = [];
    for (const [x, y] of sample) {
      const near = sample.filter((other) => Math.hypot(other[0] - x, other[1] - y) <= reach);
      if (near.length > best.length) best = near;
    }
    const ys = best.map((place) => place[1]);
    const x = best.reduce((sum, place) => sum + place[0], 0) / best.length;
    return { x, top: Math.max(...ys), bottom: Math.min(...ys) };
  },

  /**
   * Place the largest groups' names first, each where it covers the fewest points; one that would
   * cover another name waits for a closer look.
   */
  placeLabels() {
    const free = this.freeArea();
    const points = this.sampledPixels();
    const taken = [];
    for (const group of this.groups) {
      const { element } = group;
      group.width ||= element.offsetWidth;
      group.height ||= element.offsetHeight;
      const [box] = this.labelBoxes(group)
        .filter((box) => this.inside(box, free) && !taken.some((other) => this.overlaps(box, other)))
        .map((box) => ({ ...box, covered: points.filter((point) => this.holds(box, point)).length }))
        .sort((a, b) => a.covered - b.covered);
      element.classList.toggle("shown", Boolean(box));
      if (box) {
        taken.push(box);
        element.style.transform = `translate(${box.left}px, ${box.top}px)`;
      }
    }
  },

  /** @returns {object[]} Where a group's name may stand, the best place first. */
  labelBoxes({ x, top, bottom, width, height }) {
    return [
      [top, -16],
      [bottom, 16],
      [(top + bottom) / 2, 0],
    ].map(([at, shift]) => {
      const middle = this.toPixels(x, at);
      const edge = middle.y + shift - height / 2;
      return { left: middle.x - width / 2, right: middle.x + width / 2, top: edge, bottom: edge + height };
    });
  },

  /** @returns {{x, y}[]} Where the points are, in pixels; of many, an even sample. */
  sampledPixels() {
    const trace = this.plot._fullData[0];
    const stride = Math.ceil(trace.x.length / this.MAX_GLOWS);
    const places = [];
    for (let i = 0; i < trace.x.length; i += stride) places.push(this.toPixels(trace.x[i], trace.y[i]));
    return places;
  },

  holds(box, point) {
    return point.x > box.left - 4 && point.x < box.right + 4 && point.y > box.top - 3 && point.y < box.bottom + 3;
  },

  inside(box, area) {
    return box.left >= area.left - 16 && box.right <= area.right + 16 && box.top >= area.top - 16 && box.bottom <= area.bottom + 8;
  },

  overlaps(a, b) {
    return a.left < b.right + 6 && b.left < a.right + 6 && a.top < b.bottom + 2 && b.top < a.bottom + 2;
  },

  /** Shade the ground beneath the points in their colours. */
  paintGlow() {
    const { width, height } = this.frame.getBoundingClientRect();
    const density = Math.min(window.devicePixelRatio || 1, 2);
    if (this.glow.width !== Math.round(width * density) || this.glow.height !== Math.round(height * density)) {
      this.glow.width = Math.round(width * density);
      this.glow.height = Math.round(height * density);
    }
    const context = this.glow.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    const trace = this.plot._fullData[0];
    const stride = Math.ceil(trace.x.length / this.MAX_GLOWS);
    const sprites = this.meta.colours.map((colour) => this.glowSprite(colour));
    const radius = this.GLOW_RADIUS * Math.min(Math.max(this.fittingView().scale / this.view.scale, 0.8), 2.2);
    for (let i = 0; i < trace.x.length; i += stride) {
      const { x, y } = this.toPixels(trace.x[i], trace.y[i]);
      if (x < -radius || y < -radius || x > width + radius || y > height + radius) continue;
      context.drawImage(sprites[trace.marker.color[i]], x - radius, y - radius, 2 * radius, 2 * radius);
    }
  },

  glowSprite(colour) {
    this.sprites ||= {};
    const strength = this.meta.theme === "dark" ? "1f" : "1a";
    const key = colour + strength;
    if (!this.sprites[key]) {
      const size = 2 * this.GLOW_RADIUS;
      const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
      const context = canvas.getContext("2d");
      const gradient = context.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
      gradient.addColorStop(0, colour + strength);
      gradient.addColorStop(0.5, colour + "0b");
      gradient.addColorStop(1, colour + "00");
      context.fillStyle = gradient;
      context.fillRect(0, 0, size, size);
      this.sprites[key] = canvas;
    }
    return this.sprites[key];
  },

  /** Show what lies under the pointer. @param {number|null} index */
  async hover(index) {
    this.hovered = index;
    this.frame.classList.toggle("over-point", index !== null);
    if (index === null) {
      this.tooltip.hidden = true;
      return;
    }
    let title, by;
    try {
      const song = await explorer.songs.get(index);
      [title, by] = [song.title, explorer.songs.byline(song)];
    } catch (error) {
      [title, by] = ["This song cannot be shown", error.message];
    }
    if (this.hovered !== index) return;
    const line = (className, text) => Object.assign(document.createElement("div"), { className, textContent: text });
    this.tooltip.replaceChildren(line("tooltip-title", title), line("tooltip-by", by));
    this.tooltip.style.setProperty("--colour", this.colourOf(index));
    this.tooltip.hidden = false;
    const { x, y } = this.toPixels(...this.placeOf(index));
    this.placeTooltip(x, y);
  },

  /** Beside the pointer, and inside the window. */
  placeTooltip(x, y) {
    if (this.tooltip.hidden) return;
    const { offsetWidth, offsetHeight } = this.tooltip;
    const left = x + 16 + offsetWidth > window.innerWidth - 8 ? x - 16 - offsetWidth : x + 16;
    const top = Math.min(Math.max(y - offsetHeight - 12, 8), window.innerHeight - offsetHeight - 8);
    this.tooltip.style.transform = `translate(${Math.max(left, 8)}px, ${top}px)`;
  },
};
