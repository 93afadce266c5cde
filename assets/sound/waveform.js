/** The playing song's waveform in the seek bar, and its spectrogram in a separate card. */
window.explorer = window.explorer || {};

explorer.waveform = {
  BAR_PX: 3,
  GAP_PX: 1.5,
  /** The spectrogram's colours from silence to the loudest sound, as [level, red, green, blue]. */
  COLOUR_STOPS: [
    [0, 10, 12, 20],
    [0.3, 38, 44, 102],
    [0.55, 140, 50, 122],
    [0.78, 236, 120, 80],
    [1, 255, 244, 200],
  ],
  /** The peaks of the song's waveform, from 0 to 255; null until they are loaded. */
  peaks: null,
  id: null,
  /** Cancels the requests for the song that was shown before: the server drops what nobody waits for. */
  requests: new AbortController(),
  isSpectrogramOpen: false,

  mount() {
    const byId = (id) => document.getElementById(id);
    this.canvas = byId("waveform");
    this.card = byId("spectrogram");
    this.picture = byId("spectrogram-canvas");
    this.playhead = byId("spectrogram-head");
    this.scale = byId("spectrogram-scale");
    this.note = byId("spectrogram-note");
    this.button = byId("spectrum");
    this.button.addEventListener("click", () => this.toggleSpectrogram());
    byId("spectrogram-close").addEventListener("click", () => this.toggleSpectrogram());
    this.picture.addEventListener("click", (event) => explorer.player.seekTo(event.offsetX / this.picture.clientWidth));
    new ResizeObserver(() => this.paint()).observe(this.canvas);
    new MutationObserver(() => this.paint()).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
    explorer.player.audio.addEventListener("playing", () => this.animate());
  },

  /** Show a song's waveform and, if it is open, its spectrogram. @param {string|null} id Null shows neither. */
  async show(id) {
    if (id === this.id) return;
    this.id = id;
    this.requests.abort();
    this.requests = new AbortController();
    this.peaks = null;
    this.paint();
    if (this.isSpectrogramOpen) this.loadSpectrogram();
    if (id === null) return;
    try {
      const response = await this.fetch("waveform/", id);
      if (!response.ok || this.id !== id) return;
      const { peaks } = await response.json();
      if (this.id !== id) return;
      this.peaks = peaks;
      this.paint();
    } catch {
      // The seek bar also works without a waveform.
    }
  },

  fetch(route, id) {
    return explorer.api.fetchPatiently(route + encodeURIComponent(id), { signal: this.requests.signal });
  },

  /** @returns {number} The fraction of the song that has played, from 0 to 1. */
  get progress() {
    const { currentTime, duration } = explorer.player.audio;
    return duration > 0 ? Math.min(currentTime / duration, 1) : 0;
  },

  /** While the song plays, refresh in every animation frame. */
  animate() {
    cancelAnimationFrame(this.animation);
    this.refresh();
    if (!explorer.player.audio.paused) this.animation = requestAnimationFrame(() => this.animate());
  },

  /**
   * Show how much of the song has played. The waveform is painted again only when the end of the played part
   * has moved by half a pixel.
   */
  refresh() {
    if (!this.canvas) return;
    if (this.playedHalfPixels() !== this.paintedHalfPixels) this.paint();
    if (this.isSpectrogramOpen) this.playhead.style.left = `${100 * this.progress}%`;
  },

  playedHalfPixels() {
    return Math.round(this.progress * this.canvas.clientWidth * 2);
  },

  paint() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.paintedHalfPixels = this.playedHalfPixels();
    document.getElementById("seek").classList.toggle("has-peaks", Boolean(this.peaks));
    if (!width || !height) return;
    const context = explorer.overlays.clearCanvas(this.canvas, width, height);
    if (!this.peaks) return;
    const style = getComputedStyle(this.canvas);
    const step = this.BAR_PX + this.GAP_PX;
    const bars = this.bars(this.peaks, Math.max(1, Math.floor(width / step)));
    bars.forEach((peak, bar) => {
      const barHeight = Math.max(2, (peak / 255) * height);
      context.fillStyle = style.getPropertyValue((bar + 0.5) / bars.length <= this.progress ? "--accent" : "--wave");
      context.beginPath();
      context.roundRect(bar * step, (height - barHeight) / 2, this.BAR_PX, barHeight, this.BAR_PX / 2);
      context.fill();
    });
  },

  /** @returns {number[]} The highest peak in each of `count` equal parts of a song. */
  bars(peaks, count) {
    return Array.from({ length: count }, (_, bar) => {
      const from = Math.floor((bar * peaks.length) / count);
      const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / count));
      return Math.max(...peaks.slice(from, to));
    });
  },

  toggleSpectrogram() {
    this.isSpectrogramOpen = !this.isSpectrogramOpen;
    this.card.hidden = !this.isSpectrogramOpen;
    document.querySelector(".page").classList.toggle("spectrogram-open", this.isSpectrogramOpen);
    this.button.setAttribute("aria-pressed", String(this.isSpectrogramOpen));
    explorer.player.setLabel(this.button, this.isSpectrogramOpen ? "Hide the spectrogram (s)" : "Show the spectrogram (s)");
    if (this.isSpectrogramOpen) this.loadSpectrogram();
    explorer.map.adjustToCards();
  },

  /**
   * Load and paint the song's spectrogram. The server sends each level as one byte, and the size and ticks in
   * headers.
   */
  async loadSpectrogram() {
    const { id } = this;
    this.picture.width = 0;
    this.card.dataset.shown = "";
    this.scale.replaceChildren();
    if (id === null) {
      this.note.textContent = "Play a song from the library to see its spectrogram. This needs the song's file.";
      return;
    }
    this.note.textContent = "Computing the spectrogram…";
    try {
      const response = await this.fetch("spectrogram/", id);
      if (this.id !== id) return;
      if (!response.ok) throw new Error(await response.text());
      const [rows, columns] = ["X-Rows", "X-Columns"].map((name) => Number(response.headers.get(name)));
      this.paintSpectrogram(new Uint8Array(await response.arrayBuffer()), rows, columns);
      this.showTicks(JSON.parse(response.headers.get("X-Ticks") ?? "{}"));
      this.note.textContent = "";
      this.card.dataset.shown = id;
      this.refresh();
    } catch (error) {
      if (this.id === id) this.note.textContent = error.message;
    }
  },

  /** @param {Uint8Array} levels Row by row, the highest frequency first. */
  paintSpectrogram(levels, rows, columns) {
    Object.assign(this.picture, { width: columns, height: rows });
    const context = this.picture.getContext("2d");
    const image = context.createImageData(columns, rows);
    const colours = Array.from({ length: 256 }, (_, level) => this.colourAt(level / 255));
    for (let i = 0; i < levels.length; i++) image.data.set(colours[levels[i]], 4 * i);
    context.putImageData(image, 0, 0);
  },

  /** @param {number} level From 0 to 1. @returns {number[]} Red, green, blue and opacity, from 0 to 255. */
  colourAt(level) {
    const above = Math.max(1, this.COLOUR_STOPS.findIndex(([stop]) => stop >= level));
    const [[low, ...from], [high, ...to]] = [this.COLOUR_STOPS[above - 1], this.COLOUR_STOPS[above]];
    const fraction = (level - low) / (high - low);
    return [...from.map((value, i) => Math.round(value + (to[i] - value) * fraction)), 255];
  },

  /**
   * Write some frequencies on the spectrogram's axis.
   * @param {Object<string, number>} ticks The height of each frequency (in Hz) as a fraction of the picture's
   *   height, from 0 to 1.
   */
  showTicks(ticks) {
    this.scale.replaceChildren(
      ...Object.entries(ticks).map(([hz, fraction]) => {
        const label = explorer.element("span", "", hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`);
        label.style.bottom = `${100 * fraction}%`;
        return label;
      }),
    );
  },
};
