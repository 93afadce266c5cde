/**
 * What lies over and under the map's points: the playing song's mark, the names of groups, the tooltip
 * and the glow. All are overlays: the points are not drawn again for them.
 */
window.explorer = window.explorer || {};

explorer.overlays = {
  GLOW_RADIUS: 44,
  MAX_GLOWS: 3000,
  groups: [],
  hovered: null,

  /** Find the overlays' elements. Called once, when Dash has drawn the page. */
  mount() {
    for (const id of ["mark", "tooltip", "labels", "glow"]) this[id] = document.getElementById(id);
    explorer.map.frame.addEventListener("pointermove", (event) => this.placeTooltip(event.clientX, event.clientY));
  },

  /** Take in a new drawing. */
  measure(trace) {
    if (trace.x === this.measuredX && trace.marker.color === this.measuredColours) return;
    this.measuredX = trace.x;
    this.measuredColours = trace.marker.color;
    this.groups = this.measureGroups(trace);
    this.labels.replaceChildren(...this.groups.map((group) => group.element));
  },

  /** Put everything where the points are now. */
  refresh() {
    if (!explorer.map.plot?._fullLayout?.xaxis || !explorer.map.meta) return;
    this.placeMark();
    this.placeLabels();
    this.paintGlow();
  },

  placeMark() {
    const place = explorer.player.index === null ? null : explorer.map.placeOf(explorer.player.index);
    this.mark.hidden = !place;
    if (!place) return;
    const { x, y } = explorer.map.toPixels(...place);
    this.mark.style.transform = `translate(${x}px, ${y}px)`;
    this.mark.style.setProperty("--colour", explorer.map.colourOf(explorer.player.index));
    this.mark.dataset.index = explorer.player.index;
  },

  /** Find where each group is thickest: that is where its name goes. */
  measureGroups(trace) {
    if (explorer.map.meta.colouring === "artist" && explorer.map.meta.names.length > 12) return [];
    const members = explorer.map.meta.names.map(() => []);
    for (let i = 0; i < trace.x.length; i++) members[trace.marker.color[i]]?.push([trace.x[i], trace.y[i]]);
    const [left, right, bottom, top] = explorer.map.meta.bounds;
    const reach = Math.hypot(right - left, top - bottom) / 16;
    return members
      .map((places, group) => {
        const element = document.createElement("span");
        element.textContent = explorer.map.meta.names[group];
        element.style.color = explorer.map.meta.colours[group];
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
    const free = explorer.map.freeArea();
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

  overlaps(a, b) {
    return a.left < b.right + 6 && b.left < a.right + 6 && a.top < b.bottom + 2 && b.top < a.bottom + 2;
  },

  /** Shade the ground beneath the points in their colours. */
  paintGlow() {
    const { width, height } = explorer.map.frame.getBoundingClientRect();
    const density = Math.min(window.devicePixelRatio || 1, 2);
    if (this.glow.width !== Math.round(width * density) || this.glow.height !== Math.round(height * density)) {
      this.glow.width = Math.round(width * density);
      this.glow.height = Math.round(height * density);
    }
    const context = this.glow.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
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
    try {
      const song = await explorer.songs.get(index);
      [title, by] = [song.title, explorer.songs.byline(song)];
    } catch (error) {
      [title, by] = ["This song cannot be shown", error.message];
    }
    if (this.hovered !== index) return;
    const line = (className, text) => Object.assign(document.createElement("div"), { className, textContent: text });
    this.tooltip.replaceChildren(line("tooltip-title", title), line("tooltip-by", by));
    this.tooltip.style.setProperty("--colour", explorer.map.colourOf(index));
    this.tooltip.hidden = false;
    const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(index));
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
