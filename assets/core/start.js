/** Brings the page to life: finds its parts when Dash has drawn them, and holds what all of them use. */
window.explorer = window.explorer || {};

Object.assign(explorer, {
  BUSY_RETRY_MS: 4000,
  wantedSong: null,

  /** @returns {"dark"|"light"} What the system prefers. */
  systemTheme() {
    return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  },

  prefersStillness() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  },

  /** @param {number} share Of a movement's time. @returns {number} Of its way: slow, fast, slow. */
  ease(share) {
    return share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2;
  },

  /** @returns {HTMLElement} With a text, never HTML: titles are data. */
  element(tag, className = "", text = null, attributes = {}) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== null) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  },

  /** @returns {HTMLElement} A drawn icon. */
  icon(name) {
    return this.element("span", `icon icon-${name}`, null, { "aria-hidden": "true" });
  },

  /** @returns {HTMLButtonElement} That says what it does. */
  iconButton(name, label, className = "") {
    const button = this.element("button", `icon-button ${className}`.trim(), null, { type: "button", title: label, "aria-label": label });
    button.append(this.icon(name));
    return button;
  },

  /** Tell screen readers. */
  announce(text) {
    document.getElementById("announcer").textContent = text;
  },

  /** @returns {string} Which groups the numbers of groups stand for. */
  groupsOf({ projection, colouring, clusters }) {
    if (projection === "original") return `original ${clusters}`;
    return colouring === "cluster" ? `cluster ${clusters}` : colouring;
  },

  /** @returns {{projection: string, clusters: number}} What the server has put into the controls. */
  readControls() {
    const { projection, clusters } = document.getElementById("controls").dataset;
    return { projection, clusters: Number(clusters) };
  },

  /** Play a song, mark it on the map, and show what sounds like it. @param {number} index */
  play(index) {
    const { at } = explorer.selection;
    explorer.selection.stopPlaying();
    // The list goes on where the song cannot be played.
    explorer.playOnly(index).then((isPlayed) => isPlayed === false && (explorer.selection.at ??= at));
    // The sound goes first.
    requestAnimationFrame(() => explorer.player.asked === index && explorer.select(index));
  },

  /**
   * Play a song; what the panel shows stays.
   * @param {number} index
   * @returns {Promise<boolean|null>} False where nothing is left of it to be played: then what played goes on.
   */
  playOnly(index) {
    explorer.hover.stop();
    const playing = explorer.player.play(index);
    explorer.overlays.markPlaying(index);
    explorer.panel.markPlaying(index);
    return playing;
  },

  /** Files have come or gone, or other songs are hidden: what is said of the selected one is said anew. */
  standAnew() {
    explorer.selection.leaveHidden();
    const { anchor } = explorer.walk;
    if (anchor === null) return;
    explorer.walk.begin(anchor);
    explorer.overlays.select(anchor);
    explorer.panel.fill(anchor);
  },

  /** Show a song and what sounds like it, without a sound. @param {number|null} index */
  select(index) {
    explorer.upload.leave();
    explorer.walk.begin(index);
    explorer.overlays.select(index);
    explorer.panel.show(index);
  },

  /** Fly to a song and play it. @param {number} index */
  visit(index) {
    explorer.map.flyTo(index);
    explorer.play(index);
  },

  /** An address names a song: show it; only a gesture may begin a sound. @param {string|null} id */
  async findSong(id) {
    if (id === explorer.walk.anchorId) return;
    if (explorer.api.revision === null) {
      this.wantedSong = id;
      return;
    }
    if (id === null) return this.select(null);
    const index = await explorer.api.numberOf(id).catch(() => null);
    if (index === null) return explorer.player.tell("The song of this address is not on the map.");
    if (!explorer.player.audio.paused) return explorer.play(index);
    explorer.select(index);
    explorer.player.load(index);
    explorer.overlays.markPlaying(index);
  },

  /** The map is there: now the song of the address can be found. */
  findWantedSong() {
    const id = this.wantedSong;
    this.wantedSong = null;
    if (id) this.findSong(id);
  },

  /** Follow the system's theme until the user has chosen one. */
  followSystemTheme() {
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
      if (localStorage.getItem("chosen-theme")) return;
      const theme = explorer.systemTheme();
      dash_clientside.set_props("theme", { data: theme });
      dash_clientside.set_props("provider", { forceColorScheme: theme });
    });
  },

  mount() {
    for (const part of ["player", "map", "overlays", "morph", "pointer", "hover", "waveform", "panel", "selection", "filters", "upload", "keys", "url", "updates"]) {
      explorer[part].mount();
    }
    explorer.followSystemTheme();
    document.getElementById("reload")?.addEventListener("click", () => location.reload());
    const notice = document.getElementById("notice");
    if (notice?.dataset.kind === "busy") setTimeout(() => location.reload(), explorer.BUSY_RETRY_MS);
  },
});

new MutationObserver((_changes, observer) => {
  if (document.getElementById("player") && document.getElementById("map-frame")) {
    observer.disconnect();
    explorer.mount();
  }
}).observe(document.documentElement, { childList: true, subtree: true });
