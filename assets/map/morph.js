/** When the projection or the map changes, moves the points in an animation from their old to their new pixels. */
window.explorer = window.explorer || {};

explorer.morph = {
  DURATION_MS: 600,
  /** With more points than this, the new projection is shown at once. */
  MAX_POINTS: 20_000,

  mount() {
    this.canvas = document.getElementById("morph");
  },

  /**
   * @returns {Float32Array|null} The points' pixels now, as x0, y0, x1, y1 and so on. Null if there is no
   *   animation: there are too many points, or the user's system asks for less motion.
   */
  capturePixels() {
    const { points } = explorer.map;
    if (!points || points.x.length > this.MAX_POINTS || explorer.prefersReducedMotion()) return null;
    return this.pixels(points);
  },

  pixels(points) {
    return this.pixelsIn(points, explorer.map.frameOnMap());
  },

  /** @returns {Float32Array} The points' pixels in a frame, which is given as `frameOnMap` returns it. */
  pixelsIn({ x, y }, { left, top, unitsPerPixelX, unitsPerPixelY }) {
    const pixels = new Float32Array(2 * x.length);
    for (let i = 0; i < x.length; i++) {
      pixels[2 * i] = (x[i] - left) / unitsPerPixelX;
      pixels[2 * i + 1] = (top - y[i]) / unitsPerPixelY;
    }
    return pixels;
  },

  /**
   * Hide Plotly's points until the animation has ended.
   * @param {Float32Array} before The old pixels, from `capturePixels`; NaN for points that appear.
   */
  begin(before) {
    this.before = before;
    explorer.map.frame.classList.add("morphing");
  },

  /** Plotly has drawn the new points, which are still hidden: start the animation to their pixels. */
  run() {
    const { before } = this;
    if (!before) return;
    this.before = null;
    const { points, meta } = explorer.map;
    if (before.length !== 2 * points.x.length) return this.end();
    const after = this.pixels(points);
    // In the original view the regions are coloured and the points are black.
    const colours = meta.projection === "original" ? meta.colours.map((colour, number) => (number === meta.hidden ? colour : "#000")) : meta.colours;
    const radius = points.marker.size / 2;
    const sprites = colours.map((colour) => this.sprite(colour, radius));
    const began = performance.now();
    this.canvas.hidden = false;
    const step = (now) => {
      const progress = Math.min(Math.max((now - began) / this.DURATION_MS, 0), 1);
      this.paint(before, after, explorer.ease(progress), points.marker.color, sprites);
      if (progress < 1) this.animation = requestAnimationFrame(step);
      else this.end();
    };
    cancelAnimationFrame(this.animation);
    step(began);
  },

  paint(before, after, progress, colours, sprites) {
    const { clientWidth: width, clientHeight: height } = explorer.map.frame;
    const context = explorer.overlays.clearCanvas(this.canvas, width, height);
    context.globalAlpha = before.length < 10_000 ? 0.92 : 0.75;
    const { globalAlpha } = context;
    for (let i = 0; i < before.length; i += 2) {
      const isNew = Number.isNaN(before[i]);
      const x = isNew ? after[i] : this.interpolate(before, after, i, progress);
      const y = isNew ? after[i + 1] : this.interpolate(before, after, i + 1, progress);
      const sprite = sprites[colours[i / 2]];
      context.globalAlpha = isNew ? globalAlpha * progress : globalAlpha;
      context.drawImage(sprite.canvas, x - sprite.half, y - sprite.half, 2 * sprite.half, 2 * sprite.half);
    }
  },

  /** @returns {number} Coordinate `i`, interpolated linearly. */
  interpolate(before, after, i, progress) {
    return before[i] + (after[i] - before[i]) * progress;
  },

  /**
   * @returns {{canvas: HTMLCanvasElement, half: number}} A disc, drawn at twice the size at which it is
   *   shown; and half the width at which it is shown.
   */
  sprite(colour, radius) {
    const half = Math.ceil(radius) + 1;
    const canvas = Object.assign(document.createElement("canvas"), { width: 4 * half, height: 4 * half });
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.beginPath();
    context.arc(2 * half, 2 * half, 2 * radius, 0, 2 * Math.PI);
    context.fill();
    return { canvas, half };
  },

  end() {
    this.canvas.hidden = true;
    explorer.map.frame.classList.remove("morphing");
    explorer.overlays.refresh();
  },
};
