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

  /** @returns {ArrayLike<number>} The numbers of a column of a figure, which plotly.py writes as base64. */
  numbersOf(column) {
    if (!column.bdata) return column;
    const bytes = Uint8Array.from(atob(column.bdata), (letter) => letter.charCodeAt(0));
    return column.dtype === "f4" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
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

  /**
   * @param {object} state
   * @param {Viewport} state.viewport The viewport on the old map.
   * @param {number} state.zoomBy The scale that shows all songs of the new map, divided by that of the old one.
   * @param {number[]} state.before @param {number[]} state.after The old and the new place of a song.
   * @returns {Viewport} The viewport on the new map in which the song has the same pixel and the zoom is the same.
   */
  viewportFollowing({ viewport, zoomBy, before, after }) {
    if (before[0] === after[0] && before[1] === after[1]) return viewport;
    const follow = (centre, from, to) => to + (centre - from) * zoomBy;
    return { x: follow(viewport.x, before[0], after[0]), y: follow(viewport.y, before[1], after[1]), scale: viewport.scale * zoomBy };
  },

  /** @returns {number|null} The song that the viewport follows: the one that plays or is selected, else one in the middle. */
  songToFollow() {
    const { map, player, walk, pointer } = explorer;
    const free = map.freeArea();
    const isInView = (index) => {
      const place = map.placeOf(index);
      return place !== null && map.offsetInto(free, map.toPixels(...place)) === null;
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
    for (const row of document.querySelectorAll("#panel-song .song-row")) row.dataset.index = String(next(Number(row.dataset.index)) ?? "");
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
