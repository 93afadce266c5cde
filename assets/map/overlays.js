/**
 * What is drawn above and below the points: the marks of songs, the lines to neighbours, the rings of songs
 * whose files are missing, and the coloured glow below the points. When these change, the points are not
 * drawn again.
 */
window.explorer = window.explorer || {};

explorer.overlays = {
  GLOW_RADIUS_PX: 44,
  MAX_GLOWS: 3000,
  MAX_RINGS: 20_000,
  /** The songs whose files are missing. */
  missing: [],
  /** The song with the pulsing mark. */
  playing: null,
  /** The song whose neighbours are shown, and these neighbours. */
  selected: null,
  neighbours: [],
  /** An uploaded song that is shown on the map; null if there is none. */
  upload: null,
  /** The cached discs of the glow, by colour and opacity. */
  sprites: {},

  /** Find the overlays' elements. Called once, after Dash has drawn the page. */
  mount() {
    this.mark = document.getElementById("mark");
    this.glow = document.getElementById("glow");
    this.neighbourLines = document.getElementById("neighbour-lines");
    this.previewMark = document.getElementById("preview-mark");
    this.missingRings = document.getElementById("missing-rings");
    this.uploadMark = document.getElementById("upload-mark");
  },

  /**
   * The map was drawn again: if points or colours changed, find the missing songs and make the labels again.
   */
  update(points) {
    if (points.x === this.drawnX && points.marker.color === this.drawnColours) return;
    this.drawnX = points.x;
    this.drawnColours = points.marker.color;
    this.missing = explorer.map.missingSongs();
    explorer.labels.update();
  },

  /** Draw everything for the current viewport. */
  refresh() {
    if (!explorer.map.plot?._fullLayout?.xaxis || !explorer.map.meta) return;
    this.placeMarks();
    this.paintNeighbourLines();
    explorer.labels.place();
    this.paintGlow();
    this.paintRings();
    explorer.selection.paint();
  },

  /** Place the marks of the playing song, of the song whose preview plays, and of the uploaded song. */
  placeMarks() {
    this.placeMark(this.mark, this.playing);
    this.placeMark(this.previewMark, explorer.hover.index);
    const place = this.uploadPlace();
    this.uploadMark.hidden = !place;
    if (place) this.moveElement(this.uploadMark, place);
  },

  placeMark(element, index) {
    const place = explorer.map.placeOf(index);
    element.hidden = !place;
    if (!place) return;
    this.moveElement(element, place);
    element.style.setProperty("--colour", explorer.map.colourOf(index));
    element.dataset.index = index;
  },

  moveElement(element, [x, y]) {
    const pixel = explorer.map.toPixels(x, y);
    element.style.transform = `translate(${pixel.x}px, ${pixel.y}px)`;
  },

  /** @returns {number[]|null} The uploaded song's place in map units; null if there is no such song. */
  uploadPlace() {
    return this.upload?.places[explorer.map.projection] ?? null;
  },

  /**
   * Clear a canvas and set its size. On a screen of high resolution it has up to two pixels per CSS pixel.
   * @param {number} width In CSS pixels, like the height.
   * @returns {CanvasRenderingContext2D} Its coordinates are CSS pixels.
   */
  clearCanvas(canvas, width, height) {
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
    if (explorer.map.meta) this.placeMarks();
  },

  /**
   * Draw lines from a song to the songs that sound most like it, also to distant ones.
   * @param {number|null} index Null removes the lines.
   */
  async select(index) {
    this.selected = index;
    this.upload = null;
    this.neighbours = [];
    this.repaint();
    if (index === null) return;
    const neighbours = await explorer.api.neighbours(index).catch(() => []);
    if (this.selected !== index) return;
    this.neighbours = neighbours;
    this.repaint();
  },

  /** Show an uploaded song and its neighbours. @param {{places: object, neighbours: object[]}} song */
  selectUpload(song) {
    this.selected = null;
    this.upload = song;
    this.neighbours = song.neighbours;
    this.repaint();
  },

  /** Draw the marks and lines again. */
  repaint() {
    if (!explorer.map.meta || !explorer.map.points) return;
    this.placeMarks();
    this.paintNeighbourLines();
  },

  /** @returns {number[]|null} Where the lines start, in map units; null if no lines are drawn. */
  lineStart() {
    if (this.upload) return this.uploadPlace();
    // A hidden song has no point where lines could start. If it plays, it has a mark, and lines start there.
    const isInvisible = this.selected !== null && this.selected !== this.playing && explorer.map.isHidden(this.selected);
    return isInvisible ? null : explorer.map.placeOf(this.selected);
  },

  /** Draw a line from the selected song to each neighbour. The more similar the neighbour, the stronger the line. */
  paintNeighbourLines() {
    const { width, height } = explorer.map.frame.getBoundingClientRect();
    const context = this.clearCanvas(this.neighbourLines, width, height);
    const from = this.lineStart();
    this.neighbourLines.dataset.count = from ? this.neighbours.length : 0;
    if (!from) return;
    const start = explorer.map.toPixels(...from);
    // A group's colour is invisible on its own region.
    const isOnRegions = explorer.map.meta.projection === "original";
    this.neighbours.forEach(({ index }, rank) => {
      const place = explorer.map.placeOf(index);
      if (!place) return;
      const end = explorer.map.toPixels(...place);
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

  /**
   * Draw a soft coloured disc under each point that matches the filter. If there are more than MAX_GLOWS
   * points, only every n-th has one.
   */
  paintGlow() {
    const { map } = explorer;
    const { width, height } = map.frame.getBoundingClientRect();
    const context = this.clearCanvas(this.glow, width, height);
    // The original view's regions are coloured already.
    if (map.meta.projection === "original") return;
    const { x: xs, y: ys, marker } = map.points;
    const stride = Math.ceil(xs.length / this.MAX_GLOWS);
    const { colours, unlit, hidden } = map.meta;
    const sprites = colours.map((colour, number) => (number === unlit || number === hidden ? null : this.glowSprite(colour)));
    const zoom = map.fittingViewport().scale / map.viewport.scale;
    const frameFactor = Math.min(Math.min(width, height) / 700, 1);
    const radius = this.GLOW_RADIUS_PX * frameFactor * Math.min(Math.max(zoom, 0.8), 2.2);
    // Many overlapping discs would become a solid area: the more discs there are, the weaker each one is.
    context.globalAlpha = Math.min(Math.sqrt((200 * stride) / xs.length), 1);
    for (let i = 0; i < xs.length; i += stride) {
      if (!map.matchesFilter(i)) continue;
      const { x, y } = map.toPixels(xs[i], ys[i]);
      if (x < -radius || y < -radius || x > width + radius || y > height + radius) continue;
      context.drawImage(sprites[marker.color[i]], x - radius, y - radius, 2 * radius, 2 * radius);
    }
  },

  /** @returns {HTMLCanvasElement} A disc that fades out towards its edge. */
  glowSprite(colour) {
    const opacity = explorer.map.meta.theme === "dark" ? "1f" : "1a";
    const key = colour + opacity;
    if (!this.sprites[key]) {
      const size = 2 * this.GLOW_RADIUS_PX;
      const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
      const context = canvas.getContext("2d");
      const gradient = context.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
      gradient.addColorStop(0, colour + opacity);
      gradient.addColorStop(0.5, colour + "0b");
      gradient.addColorStop(1, colour + "00");
      context.fillStyle = gradient;
      context.fillRect(0, 0, size, size);
      this.sprites[key] = canvas;
    }
    return this.sprites[key];
  },

  /**
   * Turn the points of songs whose files are missing into rings. These points are also faded, but users could
   * overlook that.
   */
  paintRings() {
    const { map } = explorer;
    const { clientWidth: width, clientHeight: height } = map.frame;
    const context = this.clearCanvas(this.missingRings, width, height);
    const isOnRegions = map.meta.projection === "original";
    const background = getComputedStyle(map.frame).getPropertyValue("--ground");
    const radius = Math.max(map.points.marker.size * 0.27, 1);
    this.missingRings.dataset.count = this.missing.length;
    for (const index of this.missing.slice(0, this.MAX_RINGS)) {
      const { x, y } = map.toPixels(...map.placeOf(index));
      if (x < 0 || y < 0 || x > width || y > height) continue;
      context.fillStyle = isOnRegions ? map.colourOf(index) : background;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    }
  },
};
