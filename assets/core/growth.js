/**
 * Shows new maps by themselves while a first look fills the library. Songs glide to their new places, and what the
 * user does goes on: the song that plays, the selection, the panel, the zoom.
 */
window.explorer = window.explorer || {};

explorer.growth = {
  /** The shortest time between two maps that are shown by themselves: a millisecond for each song, within these limits. */
  MIN_INTERVAL_MS: 2000,
  MAX_INTERVAL_MS: 60_000,
  /** If no song moves by more than this, the new map needs no animation. */
  STILL_PX: 1.5,
  shownAt: -Infinity,

  /**
   * Decide whether a new map is shown.
   * @param {object} state
   * @param {boolean} state.isPressed Whether the user drags the map or draws a lasso.
   * @param {boolean} state.usesGroups Whether only some clusters are shown: a new map has other clusters.
   * @param {number} state.elapsedMs The time since the last new map was shown.
   * @param {number} state.songCount How many songs the page shows.
   * @returns {"show"|"wait"|"ask"} "ask": the page offers the map, as after the first look.
   */
  decide({ isPressed, usesGroups, elapsedMs, songCount }) {
    if (usesGroups) return "ask";
    const interval = Math.min(Math.max(songCount, this.MIN_INTERVAL_MS), this.MAX_INTERVAL_MS);
    return isPressed || elapsedMs < interval ? "wait" : "show";
  },

  /**
   * The server has a new map, made during a first look: show it, now or at a later check.
   * @param {{revision: number, clusters: number}} latest
   * @returns {boolean} False if the user must be asked.
   */
  offer({ revision, clusters }) {
    const { filter } = explorer.url.view;
    const decision = this.decide({
      isPressed: explorer.pointer.drag !== null || explorer.pointer.touches.size > 0 || explorer.map.frame.classList.contains("morphing"),
      usesGroups: Boolean(filter.shown) || (filter.clusters ?? []).length > 0,
      elapsedMs: performance.now() - this.shownAt,
      songCount: explorer.map.points.x.length,
    });
    if (decision === "show") {
      this.shownAt = performance.now();
      this.followClusters(clusters);
      dash_clientside.set_props("revision", { data: revision });
    }
    return decision !== "ask";
  },

  /** Unless the user has chosen another number of clusters, show as many as the new map has. */
  followClusters(clusters) {
    const { url } = explorer;
    if (!clusters || clusters === url.defaults.clusters) return;
    if (url.view.clusters === url.defaults.clusters) dash_clientside.set_props("clusters", { value: clusters });
    dash_clientside.set_props("clusters", { max: Math.max(clusters, 50) });
    url.defaults.clusters = clusters;
    document.getElementById("controls").dataset.clusters = String(clusters);
  },

  /**
   * Ask the server for the new indices of the songs of an earlier map.
   * @param {number} from @param {number} to The revisions of the two maps.
   * @returns {Promise<{from: number, to: number, indices: Int32Array}|null>} Null if the server does not know them.
   */
  async fetchMoved(from, to) {
    try {
      const response = await fetch(`songs/${to}/since/${from}`);
      return response.ok ? { from, to, indices: new Int32Array(await response.arrayBuffer()) } : null;
    } catch {
      return null;
    }
  },

  /**
   * Prepare the figure of a new map. While the user draws a lasso or a box, it waits: the songs would move under it.
   * @param {object} figure
   * @param {number} from @param {number} to The revisions of the two maps.
   * @returns {Promise<object>} The figure, for Plotly.
   */
  async prepareNewMap(figure, from, to) {
    const moved = await this.fetchMoved(from, to);
    while (explorer.lasso.shape) await new Promise((resolve) => setTimeout(resolve, 100));
    return explorer.map.prepare(figure, moved);
  },

  /** @returns {{x: ArrayLike<number>, y: ArrayLike<number>}} The places of the songs in a figure, in map units. */
  pointsOf(figure) {
    const { x, y } = figure.data[0];
    return { x: this.numbersOf(x), y: this.numbersOf(y) };
  },

  /** @returns {ArrayLike<number>} The numbers of a column of a figure, which plotly.py writes as base64. */
  numbersOf(column) {
    if (!column.bdata) return column;
    const bytes = Uint8Array.from(atob(column.bdata), (letter) => letter.charCodeAt(0));
    return column.dtype === "f4" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
  },

  /**
   * A new map follows: remember where a song is now.
   * @param {{x: ArrayLike<number>, y: ArrayLike<number>}} points Those of the new map.
   * @param {Int32Array} moved The new index of each song; -1 if it has none.
   * @returns {function(): Viewport|null} Called when `meta` is the new map's: the viewport in which the song has the
   *   same pixel. Null if no song can be followed.
   */
  startFollowing(points, moved) {
    const { map } = explorer;
    const song = this.songToFollow();
    const index = this.next(moved, song);
    if (index === null) return null;
    const [before, after] = [map.placeOf(song), [points.x[index], points.y[index]]];
    const [current, scaleBefore] = [map.viewport, map.fittingViewport().scale];
    return () => explorer.viewport.following({ viewport: current, zoomBy: map.fittingViewport().scale / scaleBefore, before, after });
  },

  /**
   * @param {Int32Array|null} pending The new indices on a map that is not drawn yet; null if there is no such map.
   * @param {Int32Array} moved The indices on a map after that one.
   * @returns {Int32Array} The indices on the last map, for the songs of the map that is drawn.
   */
  composed(pending, moved) {
    return pending ? pending.map((index) => this.next(moved, index) ?? -1) : moved;
  },

  /**
   * Begin the animation to a new map, if any song moves visibly.
   * @param {Float32Array} before The old pixels, as x0, y0, x1, y1 and so on.
   * @param {{x: ArrayLike<number>, y: ArrayLike<number>}} points Those of the new map.
   * @param {Int32Array} moved The new index of each song; -1 if it has none.
   * @param {number[][]} ranges Those of the new axes.
   */
  beginGlide(before, points, moved, [[left, right], [bottom, top]]) {
    const { width, height } = explorer.map.frame.getBoundingClientRect();
    const frame = { left, top, unitsPerPixelX: (right - left) / width, unitsPerPixelY: (top - bottom) / height };
    if (!this.isVisible(before, explorer.morph.pixelsIn(points, frame), moved)) return;
    explorer.morph.begin(this.reordered(before, moved, points.x.length));
  },

  /**
   * @returns {boolean} Whether a song moves visibly, or none can be compared.
   * @param {Float32Array} before The old pixels, as x0, y0, x1, y1 and so on.
   * @param {Float32Array} after The new pixels.
   * @param {Int32Array} moved The new index of each song; -1 if it has none.
   */
  isVisible(before, after, moved) {
    for (let i = 0; i < moved.length; i++) {
      const j = moved[i];
      if (j < 0) continue;
      if (Math.hypot(after[2 * j] - before[2 * i], after[2 * j + 1] - before[2 * i + 1]) > this.STILL_PX) return true;
    }
    return false;
  },

  /**
   * @param {Float32Array} before The songs' old pixels, by their old indices.
   * @param {Int32Array} moved
   * @param {number} count How many songs the new map has.
   * @returns {Float32Array} The old pixels by the new indices; NaN for new songs.
   */
  reordered(before, moved, count) {
    const pixels = new Float32Array(2 * count).fill(NaN);
    moved.forEach((index, old) => {
      if (index >= 0) pixels.set(before.subarray(2 * old, 2 * old + 2), 2 * index);
    });
    return pixels;
  },

  /** @returns {number|null} The song that the viewport follows: the one that plays or is selected, else one in the middle. */
  songToFollow() {
    const { map, viewport, player, walk, pointer } = explorer;
    const free = map.freeArea();
    const isInView = (index) => {
      const place = map.placeOf(index);
      return place !== null && viewport.offsetInto(free, map.toPixels(...place)) === null;
    };
    const chosen = [player.index, walk.anchor].find((index) => index !== null && isInView(index));
    return chosen ?? pointer.around((free.left + free.right) / 2, (free.top + free.bottom) / 2, 1)[0] ?? null;
  },

  /**
   * The songs have other indices now: update every index that the page keeps.
   * @param {Int32Array} moved The new index of each song; -1 if it is not on the map any more.
   */
  renumber(moved) {
    const { player, overlays, walk, panel, selection, hover, tooltip } = explorer;
    const next = (index) => this.next(moved, index);
    for (const name of ["index", "requested", "loadedIndex"]) player[name] = next(player[name]);
    hover.renumber(next);
    tooltip.hovered = next(tooltip.hovered);
    overlays.playing = next(overlays.playing);
    overlays.selected = next(overlays.selected);
    overlays.neighbours = this.renumbered(overlays.neighbours, next);
    walk.anchor = next(walk.anchor);
    walk.list = walk.list.map(next);
    panel.index = next(panel.index);
    if (selection.songs.length) {
      const songs = selection.songs.map(next);
      const playing = selection.position === null ? null : songs[selection.position];
      selection.songs = songs.filter((index) => index !== null);
      selection.position = playing === null ? null : selection.songs.indexOf(playing);
      selection.showList();
    }
    for (const row of document.querySelectorAll("#panel-song .song-row")) {
      const index = next(Number(row.dataset.index));
      if (index === null) row.remove();
      else row.dataset.index = String(index);
    }
  },

  /** @returns {number|null} A song's new index. */
  next(moved, index) {
    return index === null || index === undefined || !(moved[index] >= 0) ? null : moved[index];
  },

  /** @returns {object[]} Songs with their new indices; those that are not on the map any more are left out. */
  renumbered(songs, next) {
    return songs.map((song) => ({ ...song, index: next(song.index) })).filter(({ index }) => index !== null);
  },

  /** After the new map was drawn: load what may have changed about the selected song, and find a song that was not on the map. */
  async refresh() {
    const { walk, overlays, panel, player, api } = explorer;
    if (player.index === null && player.id !== null) player.findIndex();
    const { anchor } = walk;
    if (anchor === null) return;
    const [song, neighbours] = await Promise.all([api.getSong(anchor).catch(() => null), api.neighbours(anchor).catch(() => null)]);
    if (walk.anchor !== anchor || !song || !neighbours) return;
    const current = walk.list[walk.position] ?? anchor;
    walk.anchorId = song.id;
    walk.list = [anchor, ...neighbours.map(({ index }) => index)];
    walk.position = Math.max(walk.list.indexOf(current), 0);
    if (overlays.selected === anchor) {
      overlays.neighbours = neighbours;
      overlays.repaint();
    }
    if (panel.index === anchor) panel.fill(anchor);
  },
};
