/**
 * What lies over and under the map's points: the playing song's mark, the threads to its neighbours, the
 * names of groups, the tooltip and the glow. All are overlays: the points are not drawn again for them.
 */
window.explorer = window.explorer || {};

explorer.overlays = {
  GLOW_RADIUS: 44,
  MAX_GLOWS: 3000,
  CLOSE: 1.8,
  SAME_NAME_APART: 260,
  groups: [],
  hovered: null,
  selected: null,
  neighbours: [],

  /** Find the overlays' elements. Called once, when Dash has drawn the page. */
  mount() {
    for (const id of ["mark", "tooltip", "labels", "glow", "threads"]) this[id] = document.getElementById(id);
    explorer.map.frame.addEventListener("pointermove", (event) => this.placeTooltip(event.clientX, event.clientY));
  },

  /** Take in a new drawing. */
  measure(trace) {
    if (trace.x === this.measuredX && trace.marker.color === this.measuredColours) return;
    this.measuredX = trace.x;
    this.measuredColours = trace.marker.color;
    this.groups = this.makeNames();
    this.labels.replaceChildren(...this.groups.map((group) => group.element));
  },

  /** Put everything where the points are now. */
  refresh() {
    if (!explorer.map.plot?._fullLayout?.xaxis || !explorer.map.meta) return;
    this.placeMark();
    this.paintThreads();
    this.placeLabels();
    this.paintGlow();
  },

  placeMark() {
    const place = this.selected === null ? null : explorer.map.placeOf(this.selected);
    this.mark.hidden = !place;
    if (!place) return;
    const { x, y } = explorer.map.toPixels(...place);
    this.mark.style.transform = `translate(${x}px, ${y}px)`;
    this.mark.style.setProperty("--colour", explorer.map.colourOf(this.selected));
    this.mark.dataset.index = this.selected;
  },

  /** @returns {object[]} The groups' names as elements, with the places where each group is thickest. */
  makeNames() {
    return explorer.map.meta.names.map(({ name, colour, rank, x, top, bottom }) => {
      const element = document.createElement("span");
      element.textContent = name;
      element.style.color = `color-mix(in oklab, ${colour} 62%, var(--text))`;
      return { element, name, rank, x, top, bottom };
    });
  },

  /**
   * Place the largest groups' names first, each where it covers the fewest points; one that would
   * cover another name waits for a closer look. So do the names of groups in their lesser places.
   */
  placeLabels() {
    const free = explorer.map.freeArea();
    const points = this.sampledPixels();
    const taken = [];
    const isClose = explorer.map.fittingView().scale / explorer.map.view.scale > this.CLOSE;
    for (const group of this.groups) {
      const { element, name, rank } = group;
      group.width ||= element.offsetWidth;
      group.height ||= element.offsetHeight;
      const [box] = this.labelBoxes(group)
        .filter((box) => rank === 0 || isClose)
        .filter((box) => this.inside(box, free) && !taken.some((other) => this.overlaps(box, other)))
        .filter((box) => !taken.some((other) => other.name === name && this.isNear(box, other)))
        .map((box) => ({ ...box, covered: points.filter((point) => this.holds(box, point)).length }))
        .sort((a, b) => a.covered - b.covered);
      element.classList.toggle("shown", Boolean(box));
      if (box) {
        taken.push({ ...box, name });
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
      const middle = explorer.map.toPixels(x, at);
      const edge = middle.y + shift - height / 2;
      return { left: middle.x - width / 2, right: middle.x + width / 2, top: edge, bottom: edge + height };
    });
  },

  /** @returns {{x, y}[]} Where the points are, in pixels; of many, an even sample. */
  sampledPixels() {
    const trace = explorer.map.plot._fullData[0];
    const stride = Math.ceil(trace.x.length / this.MAX_GLOWS);
    const places = [];
    for (let i = 0; i < trace.x.length; i += stride) places.push(explorer.map.toPixels(trace.x[i], trace.y[i]));
    return places;
  },

  holds(box, point) {
    return point.x > box.left - 4 && point.x < box.right + 4 && point.y > box.top - 3 && point.y < box.bottom + 3;
  },

  inside(box, area) {
    return box.left >= area.left - 16 && box.right <= area.right + 16 && box.top >= area.top - 16 && box.bottom <= area.bottom + 8;
  },

  isNear(a, b) {
    return Math.hypot(a.left - b.left, a.top - b.top) < this.SAME_NAME_APART;
  },

  overlaps(a, b) {
    return a.left < b.right + 6 && b.left < a.right + 6 && a.top < b.bottom + 2 && b.top < a.bottom + 2;
  },

  /** @returns {CanvasRenderingContext2D} Of a canvas as large as the map, with nothing on it. */
  emptyCanvas(canvas, width, height) {
    const density = Math.min(window.devicePixelRatio || 1, 2);
    if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
    }
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  },

  /**
   * Mark a song and draw threads to those that truly sound most like it, wherever the map has put them.
   * @param {number|null} index
   */
  async select(index) {
    this.selected = index;
    this.neighbours = [];
    this.placeMark();
    this.paintThreads();
    if (index === null) return;
    const neighbours = await explorer.songs.neighbours(index).catch(() => []);
    if (this.selected !== index) return;
    this.neighbours = neighbours;
    this.paintThreads();
  },

  paintThreads() {
    const { width, height } = explorer.map.frame.getBoundingClientRect();
    const context = this.emptyCanvas(this.threads, width, height);
    const from = this.selected === null ? null : explorer.map.placeOf(this.selected);
    this.threads.dataset.count = from ? this.neighbours.length : 0;
    if (!from) return;
    const start = explorer.map.toPixels(...from);
    this.neighbours.forEach(({ index }, rank) => {
      const place = explorer.map.placeOf(index);
      if (!place) return;
      const end = explorer.map.toPixels(...place);
      context.strokeStyle = context.fillStyle = explorer.map.colourOf(index);
      context.globalAlpha = 0.95 - 0.05 * rank;
      context.lineWidth = 1.6;
      context.beginPath();
      context.moveTo(start.x, start.y);
      context.lineTo(end.x, end.y);
      context.stroke();
      context.beginPath();
      context.arc(end.x, end.y, 5.5, 0, 2 * Math.PI);
      context.fill();
    });
  },

  /** Shade the ground beneath the points in their colours. */
  paintGlow() {
    const { width, height } = explorer.map.frame.getBoundingClientRect();
    const context = this.emptyCanvas(this.glow, width, height);
    const trace = explorer.map.plot._fullData[0];
    const stride = Math.ceil(trace.x.length / this.MAX_GLOWS);
    const sprites = explorer.map.meta.colours.map((colour) => this.glowSprite(colour));
    const zoom = explorer.map.fittingView().scale / explorer.map.view.scale;
    const room = Math.min(Math.min(width, height) / 700, 1);
    const radius = this.GLOW_RADIUS * room * Math.min(Math.max(zoom, 0.8), 2.2);
    // Many glows add up to white: the more there are, the fainter each.
    context.globalAlpha = Math.min(Math.sqrt((200 * stride) / trace.x.length), 1);
    for (let i = 0; i < trace.x.length; i += stride) {
      const { x, y } = explorer.map.toPixels(trace.x[i], trace.y[i]);
      if (x < -radius || y < -radius || x > width + radius || y > height + radius) continue;
      context.drawImage(sprites[trace.marker.color[i]], x - radius, y - radius, 2 * radius, 2 * radius);
    }
  },

  glowSprite(colour) {
    this.sprites ||= {};
    const strength = explorer.map.meta.theme === "dark" ? "1f" : "1a";
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
    explorer.map.frame.classList.toggle("over-point", index !== null);
    if (index === null) {
      this.tooltip.hidden = true;
      return;
    }
    let title, by;
    let trust = "";
    try {
      const song = await explorer.songs.get(index);
      [title, by] = [song.title, explorer.songs.byline(song)];
      trust = this.describeTrust(song);
    } catch (error) {
      [title, by] = ["This song cannot be shown", error.message];
    }
    if (this.hovered !== index) return;
    const line = (className, text) => Object.assign(document.createElement("div"), { className, textContent: text });
    this.tooltip.replaceChildren(line("tooltip-title", title), line("tooltip-by", by), line("tooltip-trust", trust));
    this.tooltip.style.setProperty("--colour", explorer.map.colourOf(index));
    this.tooltip.hidden = false;
    const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(index));
    this.placeTooltip(x, y);
  },

  /** @returns {string} How far the place of a song can be believed. */
  describeTrust(song) {
    const near = song.near[explorer.map.meta.projection];
    return near === undefined ? "" : `${near} of the ${song.neighbours} that sound most like it are near`;
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
