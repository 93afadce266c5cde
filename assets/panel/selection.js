/** The selected songs: their rings on the map, and their list, which can be played and reordered. */
window.explorer = window.explorer || {};

/**
 * @typedef {{songs: number[], position: number|null}} SongList Indices of songs, and the position in the list
 *   of the song that plays.
 */

explorer.selection = {
  /** The largest number of rows in the list, and of rings on the map. */
  MAX_ROWS: 300,
  MAX_RINGS: 20_000,
  /** The selected songs' indices. */
  songs: [],
  /** The position in the list of the song that plays; null if the list does not play. */
  position: null,

  mount() {
    const byId = (id) => document.getElementById(id);
    this.canvas = byId("lasso-canvas");
    this.list = byId("choice-list");
    byId("choice-play").addEventListener("click", () => this.playFrom(0));
    byId("choice-clear").addEventListener("click", () => this.clear());
    // Titles are loaded only for rows in view.
    this.rowObserver = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.fillRow(target);
    });
    this.enableDragging();
    this.showList();
  },

  get isPlaying() {
    return this.position !== null;
  },

  /**
   * Select the songs inside a lasso or box.
   * @param {number[]} songs
   * @param {{adds: boolean}} options Whether songs that are already selected stay selected.
   */
  select(songs, { adds }) {
    const before = adds ? new Set(this.songs) : new Set();
    this.songs = [...before, ...songs.filter((index) => !before.has(index))];
    this.stopPlaying();
    this.onChange();
    if (this.songs.length) {
      explorer.panel.showTab("choice");
      explorer.panel.open();
    }
    const { length } = this.songs;
    explorer.announce(length === 1 ? "1 song selected" : `${length} songs selected`);
  },

  /** Draw a ring around each selected song, and the lasso or box that is being drawn. */
  paint() {
    if (!explorer.map.meta || !explorer.map.points) return;
    const { clientWidth: width, clientHeight: height } = explorer.map.frame;
    const context = explorer.overlays.clearCanvas(this.canvas, width, height);
    const style = getComputedStyle(explorer.map.frame);
    this.paintRings(context, style.getPropertyValue("--text"), width, height);
    this.canvas.dataset.count = this.songs.length;
    explorer.lasso.paint(context, style.getPropertyValue("--accent"));
  },

  paintRings(context, colour, width, height) {
    context.globalAlpha = 1;
    context.setLineDash([]);
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    const radius = Math.max(explorer.map.points.marker.size / 2 + 1.5, 3.5);
    context.beginPath();
    for (const index of this.songs.slice(0, this.MAX_RINGS)) {
      const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(index));
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.stroke();
  },

  has(index) {
    return this.songs.includes(index);
  },

  /** Add a song to the selection, or remove it. */
  toggle(index) {
    if (this.has(index)) this.remove(index);
    else {
      this.songs.push(index);
      this.onChange();
    }
  },

  remove(index) {
    Object.assign(this, this.filtered(this, (other) => other !== index));
    this.onChange();
  },

  clear() {
    this.songs = [];
    this.stopPlaying();
    this.onChange();
  },

  onChange() {
    this.paint();
    this.showList();
  },

  /** On a new map the songs have other indices: find the new indices of the selected songs by their ids. */
  async restoreAfterReordering() {
    const { songs } = this;
    if (!songs.length) return;
    const cached = songs.map((index) => explorer.api.songCache.get(index));
    this.clear();
    if (cached.some((song) => !song)) return explorer.player.showMessage("The library has changed. Select the songs again.");
    // Wait until `prepare` in map/view.js has set the new revision, which `indexOf` uses.
    await Promise.resolve();
    const ids = (await Promise.all(cached)).map((song) => song.id);
    const indices = await Promise.all(ids.map((id) => explorer.api.indexOf(id).catch(() => null)));
    this.songs = indices.filter((index) => index !== null);
    this.onChange();
  },

  /**
   * Play the song at a position in the list. If it cannot be played, play the next one that can.
   * @param {number} position
   * @param {object} options
   * @param {number} options.by 1 or -1: the direction in which songs are skipped.
   * @param {boolean} options.wraps Whether the first song follows the last one.
   * @param {number} options.attempts The largest number of songs to try: by default each song once.
   */
  async playFrom(position, { by = 1, wraps = true, attempts = this.songs.length } = {}) {
    const index = this.songs[position];
    this.position = position;
    const playing = explorer.playWithoutSelecting(index);
    explorer.overlays.select(index);
    explorer.map.panIntoView(index);
    if ((await playing) !== false || this.songs[this.position] !== index) return;
    const next = this.positionAfter(position, by, this.songs.length);
    if (attempts > 1 && (wraps || next === position + by)) this.playFrom(next, { by, wraps, attempts: attempts - 1 });
    else this.stopPlaying();
  },

  /** Remove the songs that the user has hidden from the map. */
  removeHidden() {
    const { length } = this.songs;
    const list = this.filtered(this, (index) => !explorer.map.isHidden(index));
    if (list.songs.length === length) return;
    Object.assign(this, list);
    this.onChange();
    explorer.announce(`${length - this.songs.length} hidden songs were removed from the selection`);
  },

  hasNext(wraps) {
    return wraps || this.position < this.songs.length - 1;
  },

  step(by, wraps = true) {
    if (this.songs.length) this.playFrom(this.positionAfter(this.position, by, this.songs.length), { by, wraps });
  },

  /** @returns {number} The next position in a list. After the last position comes the first. */
  positionAfter(position, by, length) {
    return (position + by + length) % length;
  },

  /** Stop playing the list. The song that plays continues. */
  stopPlaying() {
    this.position = null;
  },

  showList() {
    const { length } = this.songs;
    const byId = (id) => document.getElementById(id);
    byId("tab-choice-count").textContent = length ? length.toLocaleString("en") : "";
    byId("choice-empty").hidden = length > 0;
    byId("choice-tools").hidden = byId("choice-export").hidden = length === 0;
    explorer.playlistExport.clearMessage();
    const notListed = length - this.MAX_ROWS;
    byId("choice-more").textContent = notListed > 0 ? `… and ${notListed.toLocaleString("en")} more. They are also played and exported.` : "";
    this.rowObserver.disconnect();
    this.list.replaceChildren(...this.songs.slice(0, this.MAX_ROWS).map((index) => this.makeRow(index)));
    for (const row of this.list.children) this.rowObserver.observe(row);
    explorer.panel.markPlaying(explorer.player.index);
  },

  /** Make a song's row. `fillRow` adds its title and artist later. */
  makeRow(index) {
    const row = explorer.element("li", "song-row", null, { "data-index": index, draggable: "true" });
    const play = explorer.iconButton("play", "Play", "row-play");
    play.addEventListener("click", () => (explorer.player.index === index ? explorer.player.toggle() : this.playFrom(this.songs.indexOf(index))));
    const names = explorer.element("button", "row-names", null, { type: "button" });
    names.append(explorer.element("span", "row-title", "…"), explorer.element("span", "row-by", "…"));
    names.addEventListener("click", () => explorer.flyToAndPlay(index));
    const up = explorer.iconButton("up", "Move up", "row-tool");
    const down = explorer.iconButton("down", "Move down", "row-tool");
    const remove = explorer.iconButton("close", "Remove from the selection", "row-tool");
    up.addEventListener("click", () => this.move(index, -1, ".icon-up"));
    down.addEventListener("click", () => this.move(index, 1, ".icon-down"));
    remove.addEventListener("click", () => this.remove(index));
    row.append(play, names, up, down, remove);
    return row;
  },

  async fillRow(row) {
    this.rowObserver.unobserve(row);
    const song = await explorer.api.getSong(Number(row.dataset.index)).catch((error) => ({ title: error.message, artist: "" }));
    row.querySelector(".row-title").textContent = song.title;
    row.querySelector(".row-by").textContent = song.artist || "no artist";
    const [play, , up, down, remove] = row.children;
    explorer.player.setLabel(play, `Play ${song.title}`);
    explorer.player.setLabel(up, `Move ${song.title} up`);
    explorer.player.setLabel(down, `Move ${song.title} down`);
    explorer.player.setLabel(remove, `Remove ${song.title} from the selection`);
  },

  /** Move a song up or down in the list, and keep the focus on the button that was pressed. */
  move(index, by, button) {
    this.moveTo(index, this.songs.indexOf(index) + by);
    this.list.querySelector(`[data-index="${index}"] ${button}`)?.parentElement.focus();
    explorer.announce(`Position ${this.songs.indexOf(index) + 1} of ${this.songs.length}`);
  },

  moveTo(index, to) {
    const moved = this.moved(this, index, to);
    if (!moved) return;
    Object.assign(this, moved);
    this.onChange();
  },

  /**
   * @param {SongList} list
   * @returns {SongList|null} The list after a song was moved to the position `to`; null if it cannot be moved
   *   there.
   */
  moved({ songs, position }, index, to) {
    if (to < 0 || to >= songs.length || to === songs.indexOf(index)) return null;
    const others = songs.filter((other) => other !== index);
    const moved = [...others.slice(0, to), index, ...others.slice(to)];
    return { songs: moved, position: position === null ? null : moved.indexOf(songs[position]) };
  },

  /**
   * @param {SongList} list
   * @returns {SongList} The list of the songs for which `isKept` is true. Its position is null if the playing
   *   song was removed.
   */
  filtered({ songs, position }, isKept) {
    const kept = songs.filter(isKept);
    const index = position === null ? -1 : kept.indexOf(songs[position]);
    return { songs: kept, position: index === -1 ? null : index };
  },

  /** Let the user drag rows to other positions in the list. */
  enableDragging() {
    let dragged = null;
    const rowOf = (event) => event.target.closest?.(".song-row");
    this.list.addEventListener("dragstart", (event) => {
      dragged = Number(rowOf(event).dataset.index);
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", String(dragged));
    });
    this.list.addEventListener("dragover", (event) => {
      const row = rowOf(event);
      if (dragged === null || !row) return;
      event.preventDefault();
      for (const other of this.list.children) other.classList.toggle("drop-here", other === row);
    });
    this.list.addEventListener("drop", (event) => {
      event.preventDefault();
      const row = rowOf(event);
      if (dragged !== null && row) this.moveTo(dragged, this.songs.indexOf(Number(row.dataset.index)));
    });
    this.list.addEventListener("dragend", () => {
      dragged = null;
      for (const row of this.list.children) row.classList.remove("drop-here");
    });
  },
};
