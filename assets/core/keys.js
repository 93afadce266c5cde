/** What the keys do. Everything that the mouse does on this page, they do too. */
window.explorer = window.explorer || {};

explorer.keys = {
  mount() {
    this.list = document.getElementById("keys");
    document.getElementById("help-open").addEventListener("click", () => this.list.showModal());
    document.getElementById("keys-close").addEventListener("click", () => this.list.close());
    this.list.addEventListener("click", (event) => event.target === this.list && this.list.close());
    document.addEventListener("keydown", (event) => this.handle(event));
  },

  handle(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("notice")) return;
    const { target } = event;
    if (target.matches("input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable]")) {
      return this.handleWhileTyping(event);
    }
    if (this.list.open) return;
    if (event.key === "Escape") return this.escape();
    const isArrow = event.key in explorer.walk.DIRECTIONS;
    // Sliders, choices and lists have arrows of their own.
    if (isArrow && (target.matches("input, [role=tab], [role=slider]") || target.closest(".song-list"))) return;
    if (event.key === " " && target.matches("button, a, summary, input")) return;
    const action = isArrow ? () => explorer.walk.towards(event.key) : this.actionOf(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  },

  handleWhileTyping(event) {
    if (event.key === "Escape") {
      event.target.blur();
      if (explorer.filters.isOpen) explorer.filters.toggle(false);
    }
    if (event.key === "Enter" && event.target.id === "search") this.chooseFirst(event.target, 10);
  },

  /** @returns {function|undefined} What a key does; capitals do the same as small letters. */
  actionOf(key) {
    return this.ACTIONS[key.length === 1 ? key.toLowerCase() : key];
  },

  ACTIONS: {
    " ": () => explorer.player.toggle(),
    m: () => explorer.player.toggleMute(),
    n: () => explorer.player.next(),
    p: () => explorer.player.previous(),
    h: () => explorer.hover.toggle(),
    r: () => explorer.player.changeRepeat(),
    s: () => explorer.waveform.toggleSpectrogram(),
    f: () => document.getElementById("filter-toggle").click(),
    l: () => explorer.selection.toggleTool("lasso"),
    b: () => explorer.selection.toggleTool("box"),
    "+": () => explorer.map.zoomBy(1 / 1.6),
    "=": () => explorer.map.zoomBy(1 / 1.6),
    "-": () => explorer.map.zoomBy(1.6),
    0: () => explorer.map.showAll(),
    "/": () => document.getElementById("search").focus(),
    "?": () => explorer.keys.list.showModal(),
  },

  /** Close what is open; with nothing open, let go of what is chosen, and then of the song. */
  escape() {
    const { filters, selection, waveform, upload, walk, panel } = explorer;
    if (upload.isWaiting) upload.cancel();
    else if (filters.isOpen) filters.toggle(false);
    else if (selection.tool) selection.toggleTool(null);
    else if (waveform.isSpectrogramOpen) waveform.toggleSpectrogram();
    else if (explorer.url.look?.filter.shown) filters.isolate(null);
    else if (selection.songs.length) selection.clear();
    else if (walk.anchor !== null || upload.guest) {
      explorer.select(null);
      panel.shut();
    }
  },

  /**
   * Enter takes the first suggestion where the arrow keys have chosen none. Suggestions come from the
   * server: those who type fast are ahead of them, so wait for some.
   */
  chooseFirst(field, patience) {
    if (document.querySelector("[role=option][data-combobox-selected]") || !field.value) return;
    const first = document.querySelector("[role=option]");
    if (first) first.click();
    else if (patience > 0) setTimeout(() => this.chooseFirst(field, patience - 1), 60);
  },
};
