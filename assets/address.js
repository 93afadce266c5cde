/** The page's address says what it shows: it survives reloading, going back, and being sent to somebody. */
window.explorer = window.explorer || {};

explorer.address = {
  WAIT_MS: 400,
  /** What the page shows, as `look` in clientside.js gathers it. */
  look: null,
  target: null,
  isRestored: false,

  mount() {
    window.addEventListener("popstate", () => this.restore());
  },

  /** Take in what the page shows. The first time it is what the address said. */
  setLook(look) {
    // What is known of songs names their clusters.
    if (this.look && this.look.clusters !== look.clusters) explorer.songs.kept.clear();
    this.look = look;
    this.write({ push: this.isWritten === true });
    this.isWritten = true;
  },

  /** @returns {URLSearchParams} What the page shows; what is usual is left out. */
  say() {
    const said = new URLSearchParams();
    const { look } = this;
    if (!look) return said;
    const usual = this.usual();
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
    const { view, touched, meta } = explorer.map;
    if (touched && view && meta) {
      said.set("x", view.x.toPrecision(5));
      said.set("y", view.y.toPrecision(5));
      said.set("zoom", (explorer.map.fittingView().scale / view.scale).toPrecision(4));
    }
    if (explorer.walk.anchorId !== null) said.set("song", explorer.walk.anchorId);
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

  /** Put what the address says into the controls. */
  restore() {
    const said = new URLSearchParams(location.search);
    const usual = this.usual();
    const numbers = (name, separator) => {
      const found = (said.get(name) || "").split(separator).map(Number);
      return said.has(name) && found.every(Number.isFinite) ? found : null;
    };
    const pair = (name) => (numbers(name, "-")?.length === 2 ? numbers(name, "-") : null);
    const projection = ["tsne", "umap", "pca", "original"].includes(said.get("view")) ? said.get("view") : usual.projection;
    const colouring = ["genre", "artist"].includes(said.get("colour")) ? said.get("colour") : "cluster";
    const clusters = Number(said.get("clusters")) > 0 ? Math.round(Number(said.get("clusters"))) : usual.clusters;
    const fade = said.get("fade") === "1";
    this.target = said.toString();
    // An address that cannot be met in full must not hold up those that follow.
    setTimeout(() => (this.target = null), 3000);
    const set = (id, value, name = "value") => dash_clientside.set_props(id, { [name]: value });
    const now = this.look || { ...usual, colouring: "cluster", fade: false };
    if (projection !== now.projection) set("projection", projection);
    if (colouring !== now.colouring) set("colouring", colouring);
    if (clusters !== now.clusters) set("clusters", clusters);
    if (fade !== now.fade) set("fade", fade, "checked");
    const filter = {
      genres: said.getAll("genre"),
      clusters: said.getAll("cluster"),
      artists: said.getAll("artist"),
      years: pair("years"),
      duration_s: pair("seconds"),
      hide: said.getAll("hide"),
    };
    const isPlain = !filter.years && !filter.duration_s && Object.values(filter).every((one) => !one?.length);
    if (this.look || !isPlain) explorer.filters.restore(filter);
    const groups = numbers("only", ".");
    if (groups || this.look?.filter.shown) {
      set("isolated", groups && { of: explorer.groupsOf({ projection, colouring, clusters }), groups }, "data");
    }
    const [x, y, zoom] = ["x", "y", "zoom"].map((name) => Number(said.get(name) ?? NaN));
    const view = [x, y, zoom].every(Number.isFinite) && zoom > 0 ? { x, y, zoom } : null;
    if (this.look?.projection === projection) explorer.map.showPart(view);
    else explorer.map.wanted = { projection, view };
    explorer.findSong(said.get("song"));
  },
};
