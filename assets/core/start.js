/**
 * Starts the page: mounts its parts when Dash has drawn their elements. Also contains functions that several
 * parts use.
 */
window.explorer = window.explorer || {};

Object.assign(explorer, {
  BUSY_RETRY_MS: 4000,
  /** The parts that have a `mount` function, in the order in which they are mounted. */
  PARTS: [
    "player",
    "mediaSession",
    "map",
    "overlays",
    "labels",
    "tooltip",
    "morph",
    "pointer",
    "lasso",
    "hover",
    "waveform",
    "upload",
    "panel",
    "playlistExport",
    "selection",
    "filters",
    "keys",
    "url",
    "progress",
    "updates",
  ],
  /** The id of the song in the address while the map is not loaded yet; null otherwise. */
  requestedSongId: null,

  /** @returns {"dark"|"light"} The theme of the user's system. */
  systemTheme() {
    return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  },

  /** @returns {boolean} Whether the user's system asks for less motion. */
  prefersReducedMotion() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  },

  /**
   * Cubic ease-in and ease-out: slow at both ends, fast in the middle.
   * @param {number} progress The elapsed fraction of the animation's duration, from 0 to 1.
   * @returns {number} The finished fraction of the movement, from 0 to 1.
   */
  ease(progress) {
    return progress < 0.5 ? 4 * progress ** 3 : 1 - (2 - 2 * progress) ** 3 / 2;
  },

  /**
   * Create an element. Its content is always text, never HTML, because titles may contain anything.
   * @returns {HTMLElement}
   */
  element(tag, className = "", text = null, attributes = {}) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== null) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  },

  /** @returns {HTMLElement} An icon, which screen readers skip. */
  icon(name) {
    return this.element("span", `icon icon-${name}`, null, { "aria-hidden": "true" });
  },

  /** @returns {HTMLButtonElement} A button with an icon, and with a label as tooltip and for screen readers. */
  iconButton(name, label, className = "") {
    const button = this.element("button", `icon-button ${className}`.trim(), null, { type: "button", title: label, "aria-label": label });
    button.append(this.icon(name));
    return button;
  },

  /** Make screen readers say a text. @param {string} text */
  announce(text) {
    document.getElementById("announcer").textContent = text;
  },

  /**
   * @returns {string} A key for how a view groups the songs. A group's number means the same group in two
   *   views only if the keys of both views are equal.
   */
  groupingKey({ projection, colouring, clusters }) {
    if (projection === "original") return `original ${clusters}`;
    return colouring === "cluster" ? `cluster ${clusters}` : colouring;
  },

  /**
   * @returns {{projection: string, clusters: number}} The default values, which the server has written into
   *   data attributes.
   */
  readDefaults() {
    const { projection, clusters } = document.getElementById("controls").dataset;
    return { projection, clusters: Number(clusters) };
  },

  /** Play a song and select it. @param {number} index */
  play(index) {
    const { position } = explorer.selection;
    explorer.selection.stopPlaying();
    // If the song cannot be played, the list of selected songs continues at its old position.
    explorer.playWithoutSelecting(index).then((isPlayed) => isPlayed === false && (explorer.selection.position ??= position));
    // Start the sound before the page is redrawn.
    requestAnimationFrame(() => explorer.player.requested === index && explorer.select(index));
  },

  /**
   * Play a song and mark it on the map. The selected song and its panel do not change.
   * @param {number} index
   * @returns {Promise<boolean|null>} False if the song cannot be played because its file is missing and no
   *   preview or copy of it exists. Then the song that played before continues.
   */
  playWithoutSelecting(index) {
    explorer.hover.stop();
    const playing = explorer.player.play(index);
    explorer.overlays.markPlaying(index);
    explorer.panel.markPlaying(index);
    return playing;
  },

  /** Load the selected song's details and neighbours again, after files changed or the user hid songs. */
  refreshSelected() {
    explorer.selection.removeHidden();
    const { anchor } = explorer.walk;
    if (anchor === null) return;
    explorer.walk.begin(anchor);
    explorer.overlays.select(anchor);
    explorer.panel.fill(anchor);
  },

  /** Select a song: show it and its neighbours, but do not play it. @param {number|null} index Null selects nothing. */
  select(index) {
    explorer.upload.clear();
    explorer.walk.begin(index);
    explorer.overlays.select(index);
    explorer.panel.show(index);
  },

  /** Move the map to a song and play it. @param {number} index */
  flyToAndPlay(index) {
    explorer.map.flyTo(index);
    explorer.play(index);
  },

  /** Play a song of the library, which need not be on the map yet. @param {string} id */
  async findAndPlay(id) {
    try {
      const index = await explorer.api.indexOf(id);
      if (index !== null) this.flyToAndPlay(index);
      else await explorer.player.playUnmapped(await explorer.api.getJson(`unmapped/${encodeURIComponent(id)}`));
    } catch (error) {
      explorer.player.showMessage(error.message);
    }
  },

  /**
   * Show the song whose id is in the address. It plays only if another song already plays: a browser allows
   * sound only after a click or a key press.
   * @param {string|null} id
   */
  async openSong(id) {
    if (id === explorer.walk.anchorId) return;
    if (explorer.api.revision === null) {
      this.requestedSongId = id;
      return;
    }
    if (id === null) return this.select(null);
    const index = await explorer.api.indexOf(id).catch(() => null);
    if (index === null) return explorer.player.showMessage("The song in this address is not on the map.");
    if (!explorer.player.audio.paused) return explorer.play(index);
    explorer.select(index);
    explorer.player.load(index);
    explorer.overlays.markPlaying(index);
  },

  /** The map is loaded: open the song whose id is in the address. */
  openRequestedSong() {
    const id = this.requestedSongId;
    this.requestedSongId = null;
    if (id) this.openSong(id);
  },

  /** Follow the system's theme until the user chooses one. */
  followSystemTheme() {
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
      if (localStorage.getItem("chosen-theme")) return;
      const theme = explorer.systemTheme();
      dash_clientside.set_props("theme", { data: theme });
      dash_clientside.set_props("provider", { forceColorScheme: theme });
    });
  },

  mount() {
    for (const part of explorer.PARTS) explorer[part].mount();
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
