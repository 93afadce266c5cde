/** Points glide from one projection to the next, so that eyes can follow where songs go. */
window.explorer = window.explorer || {};

explorer.morph = {
  MS: 600,
  MOST_POINTS: 20_000,

  mount() {
    this.canvas = document.getElementById("morph");
  },

  /** @returns {Float32Array|null} Where the points are now, x and y by turns, in pixels; null for too many. */
  remember() {
    const trace = explorer.map.points;
    if (!trace || trace.x.length > this.MOST_POINTS || explorer.prefersStillness()) return null;
    return this.pixels(trace);
  },

  pixels(trace) {
    const { left, top, across, down } = explorer.map.frameOnMap();
    const found = new Float32Array(2 * trace.x.length);
    for (let i = 0; i < trace.x.length; i++) {
      found[2 * i] = (trace.x[i] - left) / across;
      found[2 * i + 1] = (top - trace.y[i]) / down;
    }
    return found;
  },

  /** Cover the points: what is seen is this file's, until the new drawing is there and they have arrived. */
  begin(before) {
    this.before = before;
    explorer.map.frame.classList.add("morphing");
  },

  /** The new drawing is there, unseen: glide to it. */
  run() {
    const { before } = this;
    if (!before) return;
    this.before = null;
    const trace = explorer.map.points;
    if (before.length !== 2 * trace.x.length) return this.end();
    const after = this.pixels(trace);
    const { meta } = explorer.map;
    const styles = meta.projection === "original" ? meta.colours.map((colour, number) => (number === meta.hidden ? colour : "#000")) : meta.colours;
    const radius = trace.marker.size / 2;
    const sprites = styles.map((colour) => this.sprite(colour, radius));
    const began = performance.now();
    this.canvas.hidden = false;
    this.frames = 0;
    const step = (now) => {
      const share = Math.min(Math.max((now - began) / this.MS, 0), 1);
      this.paint(before, after, explorer.ease(share), trace.marker.color, sprites);
      this.share = share;
      this.frames += 1;
      if (share < 1) this.flight = requestAnimationFrame(step);
      else this.end();
    };
    cancelAnimationFrame(this.flight);
    step(began);
  },

  paint(before, after, share, colours, sprites) {
    const { clientWidth: width, clientHeight: height } = explorer.map.frame;
    const context = explorer.overlays.emptyCanvas(this.canvas, width, height);
    context.globalAlpha = before.length < 10_000 ? 0.92 : 0.75;
    for (let i = 0; i < before.length; i += 2) {
      const x = this.between(before, after, i, share);
      const y = this.between(before, after, i + 1, share);
      const sprite = sprites[colours[i / 2]];
      context.drawImage(sprite.canvas, x - sprite.half, y - sprite.half, 2 * sprite.half, 2 * sprite.half);
    }
  },

  /** @returns {number} One coordinate, on its way. */
  between(before, after, i, share) {
    return before[i] + (after[i] - before[i]) * share;
  },

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
