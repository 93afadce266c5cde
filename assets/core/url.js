/** The page's address says what it shows: it survives reloading, going back, and being sent to somebody. */
window.explorer = window.explorer || {};

explorer.url = {
  WAIT_MS: 400,
  /** What the page shows, as `look` in clientside.js gathers it. */
  look: null,
  target: null,
  isRestored: false,

  mount() {
    window.addEventListener("popstate", () => this.restore());
  },

  /** Take in what the page shows. The first time it is what the address said. */
  setView(look) {
    // What is known of songs names their clusters.
    if (this.look && this.look.clusters !== look.clusters) explorer.api.kept.clear();
    this.look = look;
    this.write({ push: this.isWritten === true });
    this.isWritten = true;
  },

  /** @returns {URLSearchParams} What the page shows now. */
  say() {
    if (!this.look) return new URLSearchParams();
    const { view, touched, meta } = explorer.map;
    const isPart = touched && view && meta;
    const part = isPart ? { x: view.x, y: view.y, zoom: explorer.map.fittingView().scale / view.scale } : null;
    return this.encode({ look: this.look, usual: this.usual(), part, song: explorer.walk.anchorId });
  },

  /**
   * Write a state of the page as a query. A value that equals the usual one is left out.
   * @param {{look: object, usual: object, part: {x: number, y: number, zoom: number}|null, song: string|null}} state
   * @returns {URLSearchParams}
   */
  encode({ look, usual, part, song }) {
    const said = new URLSearchParams();
    if (look.projection !== usual.projection) said.set("view", look.projection);
    if (look.colouring !== "cluster") said.set("colour", look.colouring);
    if (look.clusters && look.clusters !== usual.clusters) said.set("clusters", look.clusters);
    if (look.fade) said.set("fade", "1");
    const { filter } = look;
    for (const kind of ["genres", "clusters", "artists"]) {
      for (const name of filter[kind] || []) said.append(kind.slice(0, -1), name);
    }
    if (filter.years) said.set("years", filter.years.join("-"));
    if (filter.duration_s) said.set("seconds", filter.duration_s.join("-"));
    for (const kind of filter.hide || []) said.append("hide", kind);
    if (filter.shown) said.set("only", filter.shown.join("."));
    if (part) {
      said.set("x", part.x.toPrecision(5));
      said.set("y", part.y.toPrecision(5));
      said.set("zoom", part.zoom.toPrecision(4));
    }
    if (song !== null) said.set("song", song);
    return said;
  },

  /** @returns {object} What the server has put into the controls. */
  usual() {
    this.usually ||= { projection: explorer.initial.projection, clusters: explorer.initial.clusters };
    return this.usually;
  },

  /** Bring the address up to date. @param {{push: boolean}} options Whether one can go back from it. */
  write({ push }) {
    clearTimeout(this.timer);
    const text = this.say().toString();
    if (this.target !== null) {
      if (this.withoutView(text) === this.withoutView(this.target)) this.target = null;
      return;
    }
    const url = location.pathname + (text ? "?" + text : "");
    if (url === location.pathname + location.search) return;
    if (push) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
  },

  withoutView(text) {
    const said = new URLSearchParams(text);
    for (const name of ["x", "y", "zoom", "song"]) said.delete(name);
    return said.toString();
  },

  /** The part of the map that is shown has changed: once it rests, so does the address. */
  writeSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write({ push: false }), this.WAIT_MS);
  },

  restoreOnce() {
    if (this.isRestored) return;
    this.isRestored = true;
    explorer.initial = explorer.readControls();
    this.restore();
  },

  /**
   * Read a query that `encode` wrote. A value that makes no sense counts as absent.
   * @param {URLSearchParams} said
   * @param {{projection: string, clusters: number}} usual
   */
  decode(said, usual) {
    const numbers = (name, separator) => {
      const found = (said.get(name) || "").split(separator).map(Number);
      return said.has(name) && found.every(Number.isFinite) ? found : null;
    };
    const pair = (name) => (numbers(name, "-")?.length === 2 ? numbers(name, "-") : null);
    const projection = ["tsne", "umap", "pca", "original"].includes(said.get("view")) ? said.get("view") : usual.projection;
    const colouring = ["genre", "artist"].includes(said.get("colour")) ? said.get("colour") : "cluster";
    const clusters = Number(said.get("clusters")) > 0 ? Math.round(Number(said.get("clusters"))) : usual.clusters;
    const filter = {
      genres: said.getAll("genre"),
      clusters: said.getAll("cluster"),
      artists: said.getAll("artist"),
      years: pair("years"),
      duration_s: pair("seconds"),
      hide: said.getAll("hide"),
    };
    const [x, y, zoom] = ["x", "y", "zoom"].map((name) => Number(said.get(name) ?? NaN));
    const part = [x, y, zoom].every(Number.isFinite) && zoom > 0 ? { x, y, zoom } : null;
    const fade = said.get("fade") === "1";
    return { projection, colouring, clusters, fade, filter, groups: numbers("only", "."), part, song: said.get("song") };
  },

  /** Put what the address says into the controls. */
  restore() {
    const said = new URLSearchParams(location.search);
    const usual = this.usual();
    const { projection, colouring, clusters, fade, filter, groups, part, song } = this.decode(said, usual);
    this.target = said.toString();
    // An address that cannot be met in full must not hold up those that follow.
    setTimeout(() => (this.target = null), 3000);
    const set = (id, value, name = "value") => dash_clientside.set_props(id, { [name]: value });
    const now = this.look || { ...usual, colouring: "cluster", fade: false };
    if (projection !== now.projection) set("projection", projection);
    if (colouring !== now.colouring) set("colouring", colouring);
    if (clusters !== now.clusters) set("clusters", clusters);
    if (fade !== now.fade) set("fade", fade, "checked");
    const isPlain = !filter.years && !filter.duration_s && Object.values(filter).every((one) => !one?.length);
    if (this.look || !isPlain) explorer.filters.restore(filter);
    if (groups || this.look?.filter.shown) {
      set("isolated", groups && { of: explorer.groupsOf({ projection, colouring, clusters }), groups }, "data");
    }
    if (this.look?.projection === projection) explorer.map.showPart(part);
    else explorer.map.wanted = { projection, view: part };
    explorer.findSong(song);
  },
};
