/** The keyboard shortcuts. The keyboard can do everything that the mouse can do. */
window.explorer = window.explorer || {};

explorer.keys = {
  /** After Enter, the first search suggestion is looked for again up to this many times, at this interval. */
  SUGGESTION_ATTEMPTS: 10,
  SUGGESTION_RETRY_MS: 60,

  mount() {
    this.dialog = document.getElementById("keys");
    document.getElementById("help-open").addEventListener("click", () => this.dialog.showModal());
    document.getElementById("keys-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    document.addEventListener("keydown", (event) => this.handle(event));
  },

  handle(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("notice")) return;
    const { target } = event;
    if (target.matches("input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable]")) {
      return this.handleWhileTyping(event);
    }
    if (this.dialog.open) return;
    if (event.key === "Escape") return this.escape();
    const isArrow = event.key in explorer.walk.DIRECTIONS;
    // Sliders, radio buttons, tabs and lists use the arrow keys themselves.
    if (isArrow && (target.matches("input, [role=tab], [role=slider]") || target.closest(".song-list"))) return;
    if (event.key === " " && target.matches("button, a, summary, input")) return;
    const action = isArrow ? () => explorer.walk.goTowards(event.key) : this.actionOf(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  },

  handleWhileTyping(event) {
    if (event.key === "Escape") {
      event.target.blur();
      if (explorer.filters.isOpen) explorer.filters.toggle(false);
    }
    if (event.key === "Enter" && event.target.id === "search") this.pickFirstSuggestion(event.target, this.SUGGESTION_ATTEMPTS);
  },

  /** @returns {function|undefined} The action of a key. Capital and small letters do the same. */
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
    l: () => explorer.lasso.toggleTool("lasso"),
    b: () => explorer.lasso.toggleTool("box"),
    "+": () => explorer.map.zoomBy(1 / 1.6),
    "=": () => explorer.map.zoomBy(1 / 1.6),
    "-": () => explorer.map.zoomBy(1.6),
    0: () => explorer.map.showAll(),
    "/": () => document.getElementById("search").focus(),
    "?": () => explorer.keys.dialog.showModal(),
  },

  /**
   * Close what is open. If nothing is open, clear the selection. If nothing is selected, deselect the song.
   */
  escape() {
    const { filters, lasso, selection, waveform, upload, walk, panel } = explorer;
    if (upload.isWaiting) upload.cancel();
    else if (filters.isOpen) filters.toggle(false);
    else if (lasso.tool) lasso.toggleTool(null);
    else if (waveform.isSpectrogramOpen) waveform.toggleSpectrogram();
    else if (explorer.url.view?.filter.shown) filters.isolate(null);
    else if (selection.songs.length) selection.clear();
    else if (walk.anchor !== null || upload.song) {
      explorer.select(null);
      panel.close();
    }
  },

  /**
   * Click the first search suggestion, unless the user has highlighted one with the arrow keys. Suggestions
   * come from the server and may arrive after Enter is pressed: then try again.
   * @param {HTMLInputElement} field The search field.
   * @param {number} attempts How many more times to try.
   */
  pickFirstSuggestion(field, attempts) {
    if (document.querySelector("[role=option][data-combobox-selected]") || !field.value) return;
    const first = document.querySelector("[role=option]");
    if (first) first.click();
    else if (attempts > 0) setTimeout(() => this.pickFirstSuggestion(field, attempts - 1), this.SUGGESTION_RETRY_MS);
  },
};
