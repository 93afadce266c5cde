/** The playing song as a picture: its waveform to seek in, and on demand its spectrogram. */
window.explorer = window.explorer || {};

explorer.waveform = {
  BAR_PX: 3,
  GAP_PX: 1.5,
  /** From silence to the loudest, as [share, red, green, blue]. */
  HEAT: [
    [0, 10, 12, 20],
    [0.3, 38, 44, 102],
    [0.55, 140, 50, 122],
    [0.78, 236, 120, 80],
    [1, 255, 244, 200],
  ],
  peaks: null,
  id: null,
  isSpectrogramOpen: false,

  mount() {
    this.canvas = document.getElementById("waveform");
    this.card = document.getElementById("spectrogram");
    this.picture = document.getElementById("spectrogram-canvas");
    this.head = document.getElementById("spectrogram-head");
    this.note = document.getElementById("spectrogram-note");
    this.button = document.getElementById("spectrum");
    this.button.addEventListener("click", () => this.toggleSpectrogram());
    document.getElementById("spectrogram-close").addEventListener("click", () => this.toggleSpectrogram());
    this.picture.addEventListener("click", (event) => explorer.player.seekTo(event.offsetX / this.picture.clientWidth));
    new ResizeObserver(() => this.paint()).observe(this.canvas);
    new MutationObserver(() => this.paint()).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
    explorer.player.audio.addEventListener("playing", () => this.follow());
  },

  /** @param {string|null} id Of a song in the library. */
  async show(id) {
    if (id === this.id) return;
    this.id = id;
    this.peaks = null;
    this.paint();
    if (this.isSpectrogramOpen) this.loadSpectrogram();
    if (id === null) return;
    try {
      const response = await fetch("waveform/" + encodeURIComponent(id));
      if (!response.ok || this.id !== id) return;
      const { peaks } = await response.json();
      if (this.id !== id) return;
      this.peaks = peaks;
      this.paint();
    } catch {
      // A bar without a picture still seeks.
    }
  },

  /** @returns {number} How far the song has come, from 0 to 1. */
  get share() {
    const { currentTime, duration } = explorer.player.audio;
    return duration > 0 ? Math.min(currentTime / duration, 1) : 0;
  },

  /** Move with the song for as long as it plays. */
  follow() {
    cancelAnimationFrame(this.frame);
    this.refresh();
    if (!explorer.player.audio.paused) this.frame = requestAnimationFrame(() => this.follow());
  },

  /** Show how far the song has come; nothing is painted where not a pixel would differ. */
  refresh() {
    if (!this.canvas) return;
    const played = Math.round(this.share * this.canvas.clientWidth * 2);
    if (played !== this.played) this.paint();
    if (this.isSpectrogramOpen) this.head.style.left = `${100 * this.share}%`;
  },

  paint() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.played = Math.round(this.share * width * 2);
    document.getElementById("seek").classList.toggle("has-peaks", Boolean(this.peaks));
    if (!width || !height) return;
    const context = explorer.overlays.emptyCanvas(this.canvas, width, height);
    if (!this.peaks) return;
    const style = getComputedStyle(this.canvas);
    const step = this.BAR_PX + this.GAP_PX;
    const bars = this.bars(this.peaks, Math.max(1, Math.floor(width / step)));
    bars.forEach((peak, bar) => {
      const tall = Math.max(2, (peak / 255) * height);
      context.fillStyle = style.getPropertyValue((bar + 0.5) / bars.length <= this.share ? "--accent" : "--wave");
      context.beginPath();
      context.roundRect(bar * step, (height - tall) / 2, this.BAR_PX, tall, this.BAR_PX / 2);
      context.fill();
    });
  },

  /** @returns {number[]} The highest peak of each of some equal parts of a song. */
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
    explorer.player.relabel(this.button, this.isSpectrogramOpen ? "Hide the spectrogram (s)" : "Show the spectrogram (s)");
    if (this.isSpectrogramOpen) this.loadSpectrogram();
    explorer.map.makeRoom();
  },

  async loadSpectrogram() {
    const { id } = this;
    this.picture.width = 0;
    this.card.dataset.shown = "";
    document.getElementById("spectrogram-scale").replaceChildren();
    if (id === null) {
      this.note.textContent = "Play a song of the library that has its file to see its spectrogram.";
      return;
    }
    this.note.textContent = "Listening to the whole song…";
    try {
      const response = await fetch("spectrogram/" + encodeURIComponent(id));
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

  paintSpectrogram(levels, rows, columns) {
    Object.assign(this.picture, { width: columns, height: rows });
    const context = this.picture.getContext("2d");
    const image = context.createImageData(columns, rows);
    const heat = Array.from({ length: 256 }, (_, level) => this.heat(level / 255));
    for (let i = 0; i < levels.length; i++) image.data.set(heat[levels[i]], 4 * i);
    context.putImageData(image, 0, 0);
  },

  heat(share) {
    const above = Math.max(1, this.HEAT.findIndex(([stop]) => stop >= share));
    const [[low, ...from], [high, ...to]] = [this.HEAT[above - 1], this.HEAT[above]];
    const part = (share - low) / (high - low);
    return [...from.map((value, i) => Math.round(value + (to[i] - value) * part)), 255];
  },

  /**
   * Name some frequencies beside the picture.
   * @param {Object<string, number>} ticks How high each is in the picture, from 0 to 1.
   */
  showTicks(ticks) {
    document.getElementById("spectrogram-scale").replaceChildren(
      ...Object.entries(ticks).map(([hz, share]) => {
        const mark = explorer.element("span", "", hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`);
        mark.style.bottom = `${100 * share}%`;
        return mark;
      }),
    );
  },
};
