/** Writes the state of the page to its address, and restores it after a reload, on going back, or from a shared link. */
window.explorer = window.explorer || {};

explorer.url = {
  /** The map's position is written to the address this long after the map's last movement. */
  WRITE_DELAY_MS: 400,
  /**
   * While an address is being restored, no new address is written. This ends when the page shows all of the
   * restored state, or after this time.
   */
  RESTORE_TIMEOUT_MS: 3000,
  /**
   * What the page shows: projection, colouring, filter and so on, as `gatherView` in core/dash.js collects
   * it.
   */
  view: null,
  /** The values that the server has put into the controls. The address leaves them out. */
  defaults: null,
  /** The query that is being restored; null if none is. */
  pendingQuery: null,
  isRestored: false,
  hasWritten: false,

  mount() {
    window.addEventListener("popstate", () => this.restore());
  },

  /** Store what the page shows, and write the address. The first call adds no step to the history. */
  setView(view) {
    // Cached songs contain the names of their clusters.
    if (this.view && this.view.clusters !== view.clusters) explorer.api.songCache.clear();
    this.view = view;
    this.write({ push: this.hasWritten });
    this.hasWritten = true;
  },

  /** @returns {URLSearchParams} The query for what the page shows now. */
  currentQuery() {
    if (!this.view) return new URLSearchParams();
    const { viewport, isUserPositioned, meta } = explorer.map;
    const hasPosition = isUserPositioned && viewport && meta;
    const zoom = () => explorer.map.fittingViewport().scale / viewport.scale;
    const position = hasPosition ? { x: viewport.x, y: viewport.y, zoom: zoom() } : null;
    return this.encode({ view: this.view, defaults: this.defaults, position, song: explorer.walk.anchorId });
  },

  /**
   * Write the state of the page as a query. Default values are left out.
   * @param {object} state
   * @param {object} state.view What the page shows.
   * @param {{projection: string, clusters: number}} state.defaults
   * @param {{x: number, y: number, zoom: number}|null} state.position The part of the map that is shown; null for all of it.
   * @param {string|null} state.song The selected song's id.
   * @returns {URLSearchParams}
   */
  encode({ view, defaults, position, song }) {
    const query = new URLSearchParams();
    if (view.projection !== defaults.projection) query.set("view", view.projection);
    if (view.colouring !== "cluster") query.set("colour", view.colouring);
    if (view.clusters && view.clusters !== defaults.clusters) query.set("clusters", view.clusters);
    if (view.fade) query.set("fade", "1");
    const { filter } = view;
    for (const kind of ["genres", "clusters", "artists"]) {
      for (const name of filter[kind] || []) query.append(kind.slice(0, -1), name);
    }
    if (filter.years) query.set("years", filter.years.join("-"));
    if (filter.duration_s) query.set("seconds", filter.duration_s.join("-"));
    for (const kind of filter.hide || []) query.append("hide", kind);
    if (filter.shown) query.set("only", filter.shown.join("."));
    if (position) {
      query.set("x", position.x.toPrecision(5));
      query.set("y", position.y.toPrecision(5));
      query.set("zoom", position.zoom.toPrecision(4));
    }
    if (song !== null) query.set("song", song);
    return query;
  },

  /** Write the address. @param {{push: boolean}} options Whether this adds a step to the browser's history. */
  write({ push }) {
    clearTimeout(this.timer);
    const text = this.currentQuery().toString();
    if (this.pendingQuery !== null) {
      if (this.withoutPositionAndSong(text) === this.withoutPositionAndSong(this.pendingQuery)) this.pendingQuery = null;
      return;
    }
    const url = location.pathname + (text ? "?" + text : "");
    if (url === location.pathname + location.search) return;
    if (push) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
  },

  /** @param {string} text A query. @returns {string} The query without the map's position and the song. */
  withoutPositionAndSong(text) {
    const query = new URLSearchParams(text);
    for (const name of ["x", "y", "zoom", "song"]) query.delete(name);
    return query.toString();
  },

  /** Write the address after the map has stopped moving. */
  writeLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write({ push: false }), this.WRITE_DELAY_MS);
  },

  /** Restore the address on the first call; later calls do nothing. */
  restoreOnce() {
    if (this.isRestored) return;
    this.isRestored = true;
    this.defaults = explorer.readDefaults();
    this.restore();
  },

  /**
   * Read a query that `encode` wrote. An invalid value counts as absent.
   * @param {URLSearchParams} query
   * @param {{projection: string, clusters: number}} defaults
   * @returns {object} projection, colouring, clusters, fade, filter, groups (only these are shown; null shows
   *   all), position and song.
   */
  decode(query, defaults) {
    const numbers = (name, separator) => {
      const values = (query.get(name) || "").split(separator).map(Number);
      return query.has(name) && values.every(Number.isFinite) ? values : null;
    };
    const pair = (name) => (numbers(name, "-")?.length === 2 ? numbers(name, "-") : null);
    const projection = ["tsne", "umap", "pca", "original"].includes(query.get("view")) ? query.get("view") : defaults.projection;
    const colouring = ["genre", "artist"].includes(query.get("colour")) ? query.get("colour") : "cluster";
    const clusters = Number(query.get("clusters")) > 0 ? Math.round(Number(query.get("clusters"))) : defaults.clusters;
    const filter = {
      genres: query.getAll("genre"),
      clusters: query.getAll("cluster"),
      artists: query.getAll("artist"),
      years: pair("years"),
      duration_s: pair("seconds"),
      hide: query.getAll("hide"),
    };
    const [x, y, zoom] = ["x", "y", "zoom"].map((name) => Number(query.get(name) ?? NaN));
    const position = [x, y, zoom].every(Number.isFinite) && zoom > 0 ? { x, y, zoom } : null;
    const fade = query.get("fade") === "1";
    return { projection, colouring, clusters, fade, filter, groups: numbers("only", "."), position, song: query.get("song") };
  },

  /** Set the controls, the map and the song to the state in the address. */
  restore() {
    const query = new URLSearchParams(location.search);
    const { projection, colouring, clusters, fade, filter, groups, position, song } = this.decode(query, this.defaults);
    this.pendingQuery = query.toString();
    // The page cannot show every address, for example if a song was deleted. Then stop waiting.
    setTimeout(() => (this.pendingQuery = null), this.RESTORE_TIMEOUT_MS);
    const set = (id, value, name = "value") => dash_clientside.set_props(id, { [name]: value });
    const shown = this.view || { ...this.defaults, colouring: "cluster", fade: false };
    if (projection !== shown.projection) set("projection", projection);
    if (colouring !== shown.colouring) set("colouring", colouring);
    if (clusters !== shown.clusters) set("clusters", clusters);
    if (fade !== shown.fade) set("fade", fade, "checked");
    const isUnfiltered = !filter.years && !filter.duration_s && Object.values(filter).every((names) => !names?.length);
    if (this.view || !isUnfiltered) explorer.filters.restore(filter);
    if (groups || this.view?.filter.shown) {
      set("isolated", groups && { of: explorer.groupingKey({ projection, colouring, clusters }), groups }, "data");
    }
    if (this.view?.projection === projection) explorer.map.showPosition(position);
    else explorer.map.requested = { projection, position };
    explorer.openSong(song);
  },
};
