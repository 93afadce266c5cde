/** Songs that were indexed since the page was drawn: they are offered, and come without a reload. */
window.explorer = window.explorer || {};

explorer.updates = {
  EVERY_MS: 10_000,

  mount() {
    this.card = document.getElementById("updates");
    this.button = document.getElementById("updates-show");
    this.button.addEventListener("click", () => this.wait());
    setInterval(() => this.look(), this.EVERY_MS);
    document.addEventListener("visibilitychange", () => this.look());
    this.look();
  },

  /** Ask what the library has by now. Nobody looks at a hidden page: it asks when it is seen again. */
  async look() {
    if (document.hidden || this.isAsking || !this.card) return;
    this.isAsking = true;
    try {
      this.tell(await explorer.api.fetch("latest"));
    } catch {
      // The library is busy, or the server is gone: the next look may know more.
    } finally {
      this.isAsking = false;
    }
  },

  /** @param {{revision: number, songs: number, changes: string}} latest */
  tell({ revision, songs, changes }) {
    const notice = document.getElementById("notice");
    if (notice) {
      // There was no map: now there is another one.
      if (revision !== Number(notice.dataset.revision) && songs > 0) location.reload();
      return;
    }
    if (explorer.api.revision === null) return;
    // Files were missed or have come back: the same map is drawn again.
    if (revision === explorer.api.revision && changes !== explorer.map.meta.changes) {
      dash_clientside.set_props("changes", { data: changes });
    }
    const more = songs - explorer.map.points.x.length;
    const isOther = revision !== explorer.api.revision;
    const { phase } = document.getElementById("redraw").dataset;
    if (this.isWaiting && phase === "running") return;
    this.isWaiting = false;
    this.button.disabled = false;
    const problem = phase === "failed" && document.querySelector("#redraw-state .redraw-text")?.textContent;
    const { text, offer } = this.describe({ more, isOther, problem });
    this.button.textContent = offer;
    const label = document.getElementById("updates-text");
    if (label.textContent !== text) label.textContent = text;
    this.card.hidden = more <= 0 && !isOther;
  },

  /**
   * @param {number} more Songs that the page does not show yet.
   * @param {boolean} isOther Whether another map is there already.
   * @param {string} problem Why the map could not be drawn, or nothing.
   * @returns {{text: string, offer: string}} What is said, and what the button is called.
   */
  describe({ more, isOther, problem }) {
    const count = `${more.toLocaleString("en")} new song${more === 1 ? "" : "s"}`;
    const told = more <= 0 ? "The map has changed" : isOther ? `${count} on the map` : count;
    return { text: (!isOther && problem) || told, offer: isOther ? "Show" : "Add to the map" };
  },

  /** The server has been asked: until the map is drawn, that is said. */
  wait() {
    this.isWaiting = true;
    // A disabled button would not be clicked for Dash, which hears of it after this.
    setTimeout(() => {
      this.button.disabled = true;
      this.button.textContent = "Coming …";
    });
  },
};
