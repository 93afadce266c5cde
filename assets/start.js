/** Brings the page to life: finds its parts when Dash has drawn them, listens to keys and theme. */
window.explorer = window.explorer || {};

Object.assign(explorer, {
  BUSY_RETRY_MS: 4000,

  /** @returns {"dark"|"light"} What the system prefers. */
  systemTheme() {
    return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  },

  /** Play a song and mark it on the map. @param {number} index */
  play(index) {
    explorer.player.play(index);
    explorer.overlays.select(index);
  },

  /** Fly to a song and play it. @param {number} index */
  visit(index) {
    explorer.map.flyTo(index);
    explorer.play(index);
  },

  /** Space plays and pauses, m mutes, / searches, Escape leaves the search. */
  handleKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    const typing = target.matches("input:not([type=range], [type=radio]), textarea, select, [contenteditable]");
    if (typing) {
      if (event.key === "Escape") target.blur();
      if (event.key === "Enter" && target.id === "search") explorer.chooseFirst(target, 10);
      return;
    }
    if (event.key === " " && !target.matches("button, a, summary")) explorer.player.toggle();
    else if (event.key.toLowerCase() === "m") explorer.player.toggleMute();
    else if (event.key === "/") document.getElementById("search")?.focus();
    else return;
    event.preventDefault();
  },

  /**
   * Enter takes the first suggestion where the arrow keys have chosen none. Suggestions come from the
   * server: those who type fast are ahead of them, so wait for some.
   */
  chooseFirst(field, patience) {
    if (document.querySelector("[role=option][data-combobox-selected]") || !field.value) return;
    const first = document.querySelector("[role=option]");
    if (first) first.click();
    else if (patience > 0) setTimeout(() => explorer.chooseFirst(field, patience - 1), 60);
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
    explorer.player.mount();
    explorer.map.mount();
    explorer.overlays.mount();
    explorer.followSystemTheme();
    document.addEventListener("keydown", explorer.handleKey);
    document.getElementById("legend")?.addEventListener("click", (event) => {
      const row = event.target.closest("[data-anthem]");
      if (row) explorer.visit(Number(row.dataset.anthem));
    });
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
