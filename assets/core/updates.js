/** Asks the server for new songs and shows them without a reload of the page. */
window.explorer = window.explorer || {};

explorer.updates = {
  POLL_MS: 10_000,

  mount() {
    this.card = document.getElementById("updates");
    this.button = document.getElementById("updates-show");
    this.button.addEventListener("click", () => this.startWaiting());
    setInterval(() => this.check(), this.POLL_MS);
    document.addEventListener("visibilitychange", () => this.check());
    this.check();
  },

  /** Ask the server for the newest state of the library. A hidden page does not ask; it asks when it becomes visible. */
  async check() {
    if (document.hidden || this.isChecking || !this.card) return;
    this.isChecking = true;
    try {
      this.show(await explorer.api.getJson("latest"));
    } catch {
      // The library is busy or the server does not answer. The next check tries again.
    } finally {
      this.isChecking = false;
    }
  },

  /**
   * Compare the newest state with what the page shows. If the server has a newer map or new songs, show a
   * card with a button.
   * @param {{revision: number, songs: number, changes: string}} latest The map's revision, the number of
   *   songs, and a text that changes when files go missing or come back.
   */
  show({ revision, songs, changes }) {
    const notice = document.getElementById("notice");
    if (notice) {
      // The page was drawn without a map. Reload it when there is one.
      if (revision !== Number(notice.dataset.revision) && songs > 0) location.reload();
      return;
    }
    if (explorer.api.revision === null) return;
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
    this.card.hidden = !isNewMap && (newCount <= 0 || explorer.upload.refusal !== "");
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
