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
  MOST_HOLES: 20_000,
  groups: [],
  /** The songs whose files are missing. */
  gone: [],
  hovered: null,
  /** The song whose mark pulses, and the one that threads lead from. */
  playing: null,
  selected: null,
  neighbours: [],
  /** A song that is not in the library: where its neighbours put it. */
  guest: null,

  /** Find the overlays' elements. Called once, when Dash has drawn the page. */
  mount() {
    for (const id of ["mark", "tooltip", "labels", "glow", "threads", "sounding", "holes"]) this[id] = document.getElementById(id);
    this.guestMark = document.getElementById("guest");
  },

  /** Take in a new drawing. */
  measure(trace) {
    if (trace.x === this.measuredX && trace.marker.color === this.measuredColours) return;
    this.measuredX = trace.x;
    this.measuredColours = trace.marker.color;
    this.gone = explorer.map.goneSongs();
    this.groups = this.makeNames();
    this.labels.classList.toggle("on-regions", explorer.map.meta.projection === "original");
    this.labels.replaceChildren(...this.groups.map((group) => group.element));
  },

  /** Put everything where the points are now. */
  refresh() {
    if (!explorer.map.plot?._fullLayout?.xaxis || !explorer.map.meta) return;
    this.placeMark();
    this.paintThreads();
    this.placeLabels();
    this.paintGlow();
    this.paintHoles();
    explorer.selection.paint();
  },

  placeMark() {
    this.placeAt(this.mark, this.playing);
    this.placeAt(this.sounding, explorer.hover.index);
    const place = this.guest?.places[explorer.map.meta.projection === "original" ? "pca" : explorer.map.meta.projection];
    this.guestMark.hidden = !place;
    if (place) this.putAt(this.guestMark, place);
  },

  placeAt(element, index) {
    const place = explorer.map.placeOf(index);
    element.hidden = !place;
    if (!place) return;
    this.putAt(element, place);
    element.style.setProperty("--colour", explorer.map.colourOf(index));
    element.dataset.index = index;
  },

  putAt(element, [x, y]) {
    const at = explorer.map.toPixels(x, y);
    element.style.transform = `translate(${at.x}px, ${at.y}px)`;
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
    const isClose = explorer.map.fittingView().scale / explorer.map.view.scale > this.CLOSE;
    if (explorer.map.frame.classList.contains("morphing")) return;
    for (const group of this.groups) {
      group.width ||= group.element.offsetWidth;
      group.height ||= group.element.offsetHeight;
      group.boxes = this.labelBoxes(group);
    }
    this.arrange(this.groups, { free, points, isClose }).forEach((box, i) => {
      const { element } = this.groups[i];
      element.classList.toggle("shown", Boolean(box));
      if (box) element.style.transform = `translate(${box.left}px, ${box.top}px)`;
    });
  },

  /**
   * @param {{name: string, rank: number, boxes: object[]}[]} groups With the places where each name may stand.
   * @returns {(object|undefined)[]} The place of each name; none where it does not fit.
   */
  arrange(groups, { free, points, isClose }) {
    const taken = [];
    return groups.map(({ name, rank, boxes }) => {
      const [box] = boxes
        .filter((box) => rank === 0 || isClose)
        .filter((box) => this.inside(box, free) && !taken.some((other) => this.overlaps(box, other)))
        .filter((box) => !taken.some((other) => other.name === name && this.isNear(box, other)))
        .map((box) => ({ ...box, covered: points.filter((point) => this.holds(box, point)).length }))
        .sort((a, b) => a.covered - b.covered);
      if (box) taken.push({ ...box, name });
      return box;
    });
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
    for (let i = 0; i < trace.x.length; i += stride) {
      if (!explorer.map.isHidden(i)) places.push(explorer.map.toPixels(trace.x[i], trace.y[i]));
    }
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

  /** Mark the song that plays. @param {number|null} index */
  markPlaying(index) {
    this.playing = index;
    if (explorer.map.meta) this.placeMark();
  },

  /**
   * Draw threads from a song to those that truly sound most like it, wherever the map has put them.
   * @param {number|null} index
   */
  async select(index) {
    this.selected = index;
    this.guest = null;
    this.neighbours = [];
    this.repaint();
    if (index === null) return;
    const neighbours = await explorer.api.neighbours(index).catch(() => []);
    if (this.selected !== index) return;
    this.neighbours = neighbours;
    this.repaint();
  },

  /** Show a song that is not in the library. @param {{places: object, neighbours: object[]}} guest */
  selectGuest(guest) {
    this.selected = null;
    this.guest = guest;
    this.neighbours = guest.neighbours;
    this.repaint();
  },

  repaint() {
    if (!explorer.map.meta || !explorer.map.points) return;
    this.placeMark();
    this.paintThreads();
  },

  /** @returns {number[]|null} Where the threads begin. */
  threadStart() {
    // Threads from where nothing is to be seen would puzzle.
    const isNowhere = this.selected !== null && this.selected !== this.playing && explorer.map.isHidden(this.selected);
    if (!this.guest) return isNowhere ? null : explorer.map.placeOf(this.selected);
    const { projection } = explorer.map.meta;
    return this.guest.places[projection === "original" ? "pca" : projection] ?? null;
  },

  paintThreads() {
    const { width, height } = explorer.map.frame.getBoundingClientRect();
    const context = this.emptyCanvas(this.threads, width, height);
    const from = this.threadStart();
    this.threads.dataset.count = from ? this.neighbours.length : 0;
    if (!from) return;
    const start = explorer.map.toPixels(...from);
    this.neighbours.forEach(({ index }, rank) => {
      const place = explorer.map.placeOf(index);
      if (!place) return;
      const end = explorer.map.toPixels(...place);
      // A region's own colour would not be seen on it.
      const isOnRegions = explorer.map.meta.projection === "original";
      context.strokeStyle = context.fillStyle = isOnRegions ? "#14161c" : explorer.map.colourOf(index);
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
    // Regions are shaded already; and what is filtered out does not shine.
    if (explorer.map.meta.projection === "original") return;
    const { colours, unlit, hidden } = explorer.map.meta;
    const sprites = colours.map((colour, number) => (number === unlit || number === hidden ? null : this.glowSprite(colour)));
    const zoom = explorer.map.fittingView().scale / explorer.map.view.scale;
    const room = Math.min(Math.min(width, height) / 700, 1);
    const radius = this.GLOW_RADIUS * room * Math.min(Math.max(zoom, 0.8), 2.2);
    // Many glows add up to white: the more there are, the fainter each.
    context.globalAlpha = Math.min(Math.sqrt((200 * stride) / trace.x.length), 1);
    for (let i = 0; i < trace.x.length; i += stride) {
      const { x, y } = explorer.map.toPixels(trace.x[i], trace.y[i]);
      if (!explorer.map.isLit(i)) continue;
      if (x < -radius || y < -radius || x > width + radius || y > height + radius) continue;
      context.drawImage(sprites[trace.marker.color[i]], x - radius, y - radius, 2 * radius, 2 * radius);
    }
  },

  /** Songs whose files are missing are rings: fading alone would not tell them. */
  paintHoles() {
    const { map } = explorer;
    const { clientWidth: width, clientHeight: height } = map.frame;
    const context = this.emptyCanvas(this.holes, width, height);
    const isOnRegions = map.meta.projection === "original";
    const ground = getComputedStyle(map.frame).getPropertyValue("--ground");
    const radius = Math.max(map.points.marker.size * 0.27, 1);
    this.holes.dataset.count = this.gone.length;
    for (const index of this.gone.slice(0, this.MOST_HOLES)) {
      const { x, y } = map.toPixels(...map.placeOf(index));
      if (x < 0 || y < 0 || x > width || y > height) continue;
      context.fillStyle = isOnRegions ? map.colourOf(index) : ground;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
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
    let [trust, missing] = ["", ""];
    try {
      const song = await explorer.api.get(index);
      [title, by] = [song.title, explorer.api.byline(song)];
      trust = [explorer.api.sameSound(song), this.describeTrust(song)].filter(Boolean).join(" · ");
      if (song.gone_since) missing = `File missing since ${explorer.api.goneSince(song)}`;
    } catch (error) {
      [title, by] = ["This song cannot be shown", error.message];
    }
    if (this.hovered !== index) return;
    const line = (className, text) => explorer.element("div", className, text);
    this.tooltip.replaceChildren(
      line("tooltip-title", title),
      line("tooltip-by", by),
      line("tooltip-missing", missing),
      line("tooltip-trust", trust),
    );
    this.tooltip.style.setProperty("--colour", explorer.map.colourOf(index));
    this.tooltip.hidden = false;
    const { x, y } = explorer.pointer.at ?? explorer.map.toPixels(...explorer.map.placeOf(index));
    this.placeTooltip(x, y);
  },

  /** @returns {string} How far the place of a song can be believed. */
  describeTrust(song) {
    const { projection } = explorer.map.meta;
    const near = song.near[projection === "original" ? "pca" : projection];
    return near === undefined ? "" : `${near} of the ${song.neighbours} that sound most like it are near`;
  },

  /** Beside the pointer, and inside the window. */
  placeTooltip(x, y) {
    if (this.tooltip.hidden) return;
    const { offsetWidth, offsetHeight } = this.tooltip;
    const { top: highest, right, bottom } = explorer.map.freeArea();
    const end = Math.max(right, x) + explorer.map.GAP - 4;
    const left = x + 16 + offsetWidth > end ? x - 16 - offsetWidth : x + 16;
    const top = Math.min(Math.max(y - offsetHeight - 12, highest - 16), bottom + 12 - offsetHeight);
    this.tooltip.style.transform = `translate(${Math.max(left, 8)}px, ${top}px)`;
  },
};
