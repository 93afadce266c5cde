/** Choosing songs with a lasso or a box: a list that can be played, reordered and exported. */
window.explorer = window.explorer || {};

explorer.selection = {
  MOST_ROWS: 300,
  MOST_RINGS: 20_000,
  FORMS: { m3u8: "M3U8 playlist", xspf: "XSPF playlist", csv: "CSV table" },
  PATHS: { relative: "relative paths", absolute: "absolute paths" },
  tool: null,
  songs: [],
  /** The place in the list of the song that plays, while the list does. */
  at: null,
  rope: null,

  mount() {
    const byId = (id) => document.getElementById(id);
    this.canvas = byId("rope");
    this.list = byId("choice-list");
    for (const tool of ["lasso", "box"]) {
      byId(`tool-${tool}`).addEventListener("click", () => this.toggleTool(tool));
      byId(`choice-${tool}`).addEventListener("click", () => this.toggleTool(tool));
    }
    byId("choice-play").addEventListener("click", () => this.playFrom(0));
    byId("choice-clear").addEventListener("click", () => this.clear());
    byId("export-line").append(
      this.makeChooser("export-form", "Format", this.FORMS),
      this.makeChooser("export-paths", "Paths", this.PATHS),
    );
    byId("export-start").addEventListener("click", () => this.export());
    this.watcher = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.fill(target);
    });
    this.letDrag();
    this.showList();
  },

  makeChooser(id, label, options) {
    const chooser = explorer.element("select", "chooser", null, { id, "aria-label": label });
    chooser.append(...Object.entries(options).map(([value, text]) => explorer.element("option", "", text, { value })));
    return chooser;
  },

  get isPlaying() {
    return this.at !== null;
  },

  /** @param {"lasso"|"box"|null} tool The one that is on already goes off. */
  toggleTool(tool) {
    this.tool = this.tool === tool ? null : tool;
    for (const name of ["lasso", "box"]) {
      document.getElementById(`tool-${name}`).setAttribute("aria-pressed", String(this.tool === name));
    }
    explorer.map.frame.classList.toggle("choosing", this.tool !== null);
    if (this.tool) explorer.announce(`Draw a ${this.tool} around songs; Shift adds to the selection; Escape ends it.`);
  },

  /** @returns {object|null} What a press on the map begins: Shift chooses without a tool, too. */
  shapeFor(event) {
    if (!this.tool && !event.shiftKey) return null;
    return { kind: this.tool ?? "lasso", adds: event.shiftKey && this.tool !== null };
  },

  begin(rope, x, y) {
    this.rope = { ...rope, points: [[x, y]] };
  },

  extend(x, y) {
    const { rope } = this;
    if (!rope) return;
    if (rope.kind === "box") rope.points.length = 1;
    rope.points.push([x, y]);
    this.paint();
  },

  drop() {
    this.rope = null;
    this.paint();
  },

  /** The rope is closed: choose what lies in it. Songs that are filtered out are not meant. */
  end(adds) {
    const { rope } = this;
    this.rope = null;
    const corners = this.cornersOf(rope).map(([x, y]) => explorer.map.toPlace(x, y));
    const inside = this.inside(corners, explorer.map.points, (index) => explorer.map.isLit(index));
    const known = adds ? new Set(this.songs) : new Set();
    this.songs = adds ? [...this.songs, ...inside.filter((index) => !known.has(index))] : inside;
    this.stopPlaying();
    if (this.tool) this.toggleTool(null);
    this.changed();
    if (this.songs.length) {
      explorer.panel.turnTo("choice");
      explorer.panel.open();
    }
    const { length } = this.songs;
    explorer.announce(length === 1 ? "1 song is chosen" : `${length} songs are chosen`);
  },

  /** @returns {number[][]} Of the shape, in pixels. */
  cornersOf({ kind, points }) {
    if (kind !== "box") return points;
    const [[left, top], [right, bottom]] = [points[0], points.at(-1)];
    return [[left, top], [right, top], [right, bottom], [left, bottom]];
  },

  /**
   * @param {{x: number, y: number}[]} corners Of a polygon of the map.
   * @param {{x: ArrayLike<number>, y: ArrayLike<number>}} points Of all songs.
   * @param {function(number): boolean} isLit Whether a song can be chosen.
   * @returns {number[]} The lit songs in the polygon, from left to right.
   */
  inside(corners, { x, y }, isLit) {
    const edges = corners.map((corner, i) => [corner, corners[(i + 1) % corners.length]]);
    const [left, right] = [Math.min(...corners.map((c) => c.x)), Math.max(...corners.map((c) => c.x))];
    const found = [];
    for (let i = 0; i < x.length; i++) {
      if (x[i] < left || x[i] > right || !isLit(i)) continue;
      let isInside = false;
      for (const [a, b] of edges) {
        if (a.y > y[i] !== b.y > y[i] && x[i] < ((b.x - a.x) * (y[i] - a.y)) / (b.y - a.y) + a.x) isInside = !isInside;
      }
      if (isInside) found.push(i);
    }
    return found.sort((a, b) => x[a] - x[b]);
  },

  /** Draw the rope, and a ring around each song that is chosen. */
  paint() {
    if (!explorer.map.meta || !explorer.map.points) return;
    const { clientWidth: width, clientHeight: height } = explorer.map.frame;
    const context = explorer.overlays.emptyCanvas(this.canvas, width, height);
    const style = getComputedStyle(explorer.map.frame);
    context.globalAlpha = 1;
    context.setLineDash([]);
    context.strokeStyle = style.getPropertyValue("--text");
    context.lineWidth = 1.5;
    const radius = Math.max(explorer.map.points.marker.size / 2 + 1.5, 3.5);
    context.beginPath();
    for (const index of this.songs.slice(0, this.MOST_RINGS)) {
      const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(index));
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.stroke();
    this.canvas.dataset.count = this.songs.length;
    if (!this.rope) return;
    context.strokeStyle = style.getPropertyValue("--accent");
    context.fillStyle = style.getPropertyValue("--accent");
    context.beginPath();
    for (const [x, y] of this.cornersOf(this.rope)) context.lineTo(x, y);
    context.closePath();
    context.setLineDash([5, 4]);
    context.stroke();
    context.globalAlpha = 0.12;
    context.fill();
  },

  has(index) {
    return this.songs.includes(index);
  },

  /** Add a song to the selection, or take it out. */
  toggle(index) {
    if (this.has(index)) this.remove(index);
    else {
      this.songs.push(index);
      this.changed();
    }
  },

  remove(index) {
    Object.assign(this, this.only(this, (other) => other !== index));
    this.changed();
  },

  clear() {
    this.songs = [];
    this.stopPlaying();
    this.changed();
  },

  changed() {
    this.paint();
    this.showList();
  },

  /** Songs were added or removed, and have other numbers now: what is known of the chosen ones finds them again. */
  async findAgain() {
    const { songs } = this;
    if (!songs.length) return;
    const known = songs.map((index) => explorer.api.kept.get(index));
    this.clear();
    if (known.some((song) => !song)) return explorer.player.tell("The library has changed: choose the songs again.");
    // Once the page has taken in the new map.
    await Promise.resolve();
    const ids = (await Promise.all(known)).map((song) => song.id);
    const found = await Promise.all(ids.map((id) => explorer.api.numberOf(id).catch(() => null)));
    this.songs = found.filter((index) => index !== null);
    this.changed();
  },

  /** Play a song of the list; where nothing is left of it, the next one that can be played. */
  async playFrom(at, { by = 1, wraps = true, left = this.songs.length } = {}) {
    const index = this.songs[at];
    this.at = at;
    const playing = explorer.playOnly(index);
    explorer.overlays.select(index);
    explorer.map.reveal(index);
    if ((await playing) !== false || this.songs[this.at] !== index) return;
    const next = this.placeAfter(at, by, this.songs.length);
    if (left > 1 && (wraps || next === at + by)) this.playFrom(next, { by, wraps, left: left - 1 });
    else this.stopPlaying();
  },

  /** Songs that are hidden now are not chosen any more. */
  leaveHidden() {
    const { length } = this.songs;
    const left = this.only(this, (index) => !explorer.map.isHidden(index));
    if (left.songs.length === length) return;
    Object.assign(this, left);
    this.changed();
    explorer.announce(`${length - this.songs.length} hidden songs left the selection`);
  },

  hasNext(wraps) {
    return wraps || this.at < this.songs.length - 1;
  },

  step(by, wraps = true) {
    if (this.songs.length) this.playFrom(this.placeAfter(this.at, by, this.songs.length), { by, wraps });
  },

  /** @returns {number} The next place of a list; after the last one comes the first. */
  placeAfter(at, by, length) {
    return (at + by + length) % length;
  },

  stopPlaying() {
    this.at = null;
  },

  showList() {
    const { length } = this.songs;
    const byId = (id) => document.getElementById(id);
    byId("tab-choice-count").textContent = length ? length.toLocaleString("en") : "";
    byId("choice-empty").hidden = length > 0;
    byId("choice-tools").hidden = byId("choice-export").hidden = length === 0;
    byId("export-state").textContent = "";
    byId("choice-more").textContent =
      length > this.MOST_ROWS ? `… and ${(length - this.MOST_ROWS).toLocaleString("en")} more, which are played and exported, too.` : "";
    this.watcher.disconnect();
    this.list.replaceChildren(...this.songs.slice(0, this.MOST_ROWS).map((index) => this.makeRow(index)));
    for (const row of this.list.children) this.watcher.observe(row);
    explorer.panel.markPlaying(explorer.player.index);
  },

  makeRow(index) {
    const row = explorer.element("li", "song-row", null, { "data-index": index, draggable: "true" });
    const play = explorer.iconButton("play", "Play", "row-play");
    play.addEventListener("click", () => (explorer.player.index === index ? explorer.player.toggle() : this.playFrom(this.songs.indexOf(index))));
    const names = explorer.element("button", "row-names", null, { type: "button" });
    names.append(explorer.element("span", "row-title", "…"), explorer.element("span", "row-by", "…"));
    names.addEventListener("click", () => explorer.visit(index));
    const up = explorer.iconButton("up", "Move up", "row-tool");
    const down = explorer.iconButton("down", "Move down", "row-tool");
    const away = explorer.iconButton("close", "Remove from the selection", "row-tool");
    up.addEventListener("click", () => this.move(index, -1, ".icon-up"));
    down.addEventListener("click", () => this.move(index, 1, ".icon-down"));
    away.addEventListener("click", () => this.remove(index));
    row.append(play, names, up, down, away);
    return row;
  },

  /** A row came into sight: now its title is needed. */
  async fill(row) {
    this.watcher.unobserve(row);
    const song = await explorer.api.get(Number(row.dataset.index)).catch((error) => ({ title: error.message, artist: "" }));
    row.querySelector(".row-title").textContent = song.title;
    row.querySelector(".row-by").textContent = song.artist || "no artist";
    const [play, , up, down, away] = row.children;
    explorer.player.relabel(play, `Play ${song.title}`);
    explorer.player.relabel(up, `Move ${song.title} up`);
    explorer.player.relabel(down, `Move ${song.title} down`);
    explorer.player.relabel(away, `Remove ${song.title} from the selection`);
  },

  /** Move a song one place, and keep the focus on the button that did it. */
  move(index, by, button) {
    const from = this.songs.indexOf(index);
    this.moveTo(index, from + by);
    this.list.querySelector(`[data-index="${index}"] ${button}`)?.parentElement.focus();
    explorer.announce(`Place ${this.songs.indexOf(index) + 1} of ${this.songs.length}`);
  },

  moveTo(index, to) {
    const moved = this.moved(this, index, to);
    if (!moved) return;
    Object.assign(this, moved);
    this.changed();
  },

  /**
   * @param {{songs: number[], at: number|null}} list The songs, and the place of the one that plays.
   * @returns {{songs: number[], at: number|null}|null} The list after a song moved; null where it cannot move there.
   */
  moved({ songs, at }, index, to) {
    const from = songs.indexOf(index);
    if (to < 0 || to >= songs.length || to === from) return null;
    const sounding = at === null ? null : songs[at];
    const others = songs.filter((other) => other !== index);
    const moved = [...others.slice(0, to), index, ...others.slice(to)];
    return { songs: moved, at: at === null ? null : moved.indexOf(sounding) };
  },

  /** @returns {{songs: number[], at: number|null}} The list without some songs; nothing plays if the playing one went. */
  only({ songs, at }, isLeft) {
    const left = songs.filter(isLeft);
    const place = at === null ? -1 : left.indexOf(songs[at]);
    return { songs: left, at: place === -1 ? null : place };
  },

  /** Rows can be dragged to another place. */
  letDrag() {
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

  /** Ask the server for a playlist or a table of the selection, and save it. */
  async export() {
    const state = document.getElementById("export-state");
    const value = (id) => document.getElementById(id).value;
    state.textContent = "Writing…";
    try {
      const response = await fetch("export", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ revision: explorer.api.revision, songs: this.songs, form: value("export-form"), paths: value("export-paths") }),
      });
      if (!response.ok) throw new Error(await response.text());
      const leftOut = Number(response.headers.get("X-Left-Out") || 0);
      const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") || "")?.[1] ?? "selection";
      const link = explorer.element("a", "", null, { download: name, href: URL.createObjectURL(await response.blob()) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      const hint = value("export-paths") === "relative" ? " Its paths are relative to the music folder: keep it there." : "";
      state.textContent = `${name} is saved.${hint}${leftOut ? ` ${leftOut} songs without a file are left out.` : ""}`;
    } catch (error) {
      state.textContent = error.message;
    }
  },
};
