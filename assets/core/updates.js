/** Asks the server for new songs and shows them without a reload of the page. */
window.explorer = window.explorer || {};

explorer.updates = {
  POLL_MS: 10_000,
  /** While a map fills or the first one is made. */
  FAST_POLL_MS: 2000,
  /** The server counts the open pages; each load of the page has a name. */
  pageName: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`,
  isCounted: false,

  mount() {
    this.card = document.getElementById("updates");
    this.button = document.getElementById("updates-show");
    this.button.addEventListener("click", () => this.startWaiting());
    document.addEventListener("visibilitychange", () => this.check());
    // A page that the browser keeps for "back" is closed meanwhile.
    window.addEventListener("pagehide", () => this.isCounted && navigator.sendBeacon(`closed/${this.pageName}`));
    window.addEventListener("pageshow", (event) => event.persisted && this.check());
    this.check();
  },

  /** Ask the server for the newest state of the library. A hidden page does not ask; it asks when it becomes visible. */
  async check() {
    if (document.hidden || this.isChecking || !this.card) return;
    this.isChecking = true;
    clearTimeout(this.timer);
    // If the library is busy or the server does not answer, the next check tries again.
    const latest = await explorer.api.getJson(`latest?page=${this.pageName}`).catch(() => null);
    this.isChecking = false;
    const pause = latest ? this.pauseAfter(latest, document.getElementById("notice")?.dataset.kind) : this.POLL_MS;
    this.timer = setTimeout(() => this.check(), pause);
    if (!latest) return;
    this.isCounted = latest.counts_pages;
    explorer.progress.show(latest);
    this.show(latest);
  },

  /**
   * @param {{index: IndexRun|null}} latest
   * @param {string} [noticeKind] The kind of the notice in place of the map, if there is one.
   * @returns {number} When to ask again, in milliseconds.
   */
  pauseAfter({ index }, noticeKind) {
    const isFilling = noticeKind === "listening" || (index && index.stage !== "full");
    return isFilling ? this.FAST_POLL_MS : this.POLL_MS;
  },

  /**
   * @param {object} notice What the page shows in place of the map: its kind, and the revision of the library then.
   * @param {object} latest
   * @returns {boolean} Whether the page would show something else now.
   */
  isNoticeOutdated({ kind, revision }, { revision: newest, songs, index, problem }) {
    if (newest !== revision && songs > 0) return true;
    if (kind === "listening") return !index;
    return kind === "empty" && Boolean(index || problem);
  },

  /**
   * Compare the newest state with what the page shows. If the server has a newer map or new songs, show a
   * card with a button.
   * @param {{revision: number, songs: number, changes: string, first_look: boolean}} latest The map's revision,
   *   the number of songs, a text that changes when files go missing or come back, and whether the map is from a
   *   first look.
   */
  show(latest) {
    const { revision, songs, changes } = latest;
    const notice = document.getElementById("notice");
    if (notice) {
      // The page was drawn without a map. Reload it when there is one.
      if (this.isNoticeOutdated({ kind: notice.dataset.kind, revision: Number(notice.dataset.revision) }, latest)) location.reload();
      return;
    }
    if (explorer.api.revision === null) return;
    const wasFirstLook = explorer.map.meta.first_look;
    if (revision !== explorer.api.revision && (wasFirstLook || latest.first_look) && explorer.growth.offer(latest)) {
      this.card.hidden = true;
      return;
    }
    // Files went missing or came back: draw the same map again.
    if (revision === explorer.api.revision && changes !== explorer.map.meta.changes) {
      dash_clientside.set_props("changes", { data: changes });
    }
    const newCount = songs - explorer.map.points.x.length;
    const isNewMap = revision !== explorer.api.revision;
    const { phase } = document.getElementById("redraw").dataset;
    if (this.isWaiting && phase === "running") return;
    this.isWaiting = false;
    this.button.disabled = false;
    const problem = phase === "failed" && document.querySelector("#redraw-state .redraw-text")?.textContent;
    const { text, buttonLabel } = this.describe({ newCount, isNewMap, problem });
    this.button.textContent = buttonLabel;
    const label = document.getElementById("updates-text");
    if (label.textContent !== text) label.textContent = text;
    // Without permission to change the library, the page can show a new map, but not make one.
    const isFilling = latest.first_look && latest.index !== null;
    this.card.hidden = !isNewMap && (newCount <= 0 || isFilling || explorer.upload.refusal !== "");
  },

  /**
   * @param {object} update
   * @param {number} update.newCount How many songs the page does not show yet.
   * @param {boolean} update.isNewMap Whether the server already has a newer map.
   * @param {string} update.problem Why the map could not be drawn; empty if it could.
   * @returns {{text: string, buttonLabel: string}}
   */
  describe({ newCount, isNewMap, problem }) {
    const count = `${newCount.toLocaleString("en")} new song${newCount === 1 ? "" : "s"}`;
    const summary = newCount <= 0 ? "The map has changed" : isNewMap ? `${count} on the map` : count;
    return { text: (!isNewMap && problem) || summary, buttonLabel: isNewMap ? "Show" : "Add to the map" };
  },

  /** The user has clicked the button: disable it until the new map is drawn. */
  startWaiting() {
    this.isWaiting = true;
    // Dash handles the click after this function, and it ignores clicks on a disabled button.
    setTimeout(() => {
      this.button.disabled = true;
      this.button.textContent = "Adding …";
    });
  },
};
