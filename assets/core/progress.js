/** Shows how far the index run is: in a quiet card beside the map, or in place of the map while there is none. */
window.explorer = window.explorer || {};

/**
 * @typedef {object} IndexRun What the server tells about an index run.
 * @property {"starting"|"scan"|"first look"|"full"|"map"} stage
 * @property {number} done @property {number} total Songs of the stage.
 * @property {number|null} seconds_left
 */

explorer.progress = {
  mount() {
    const byId = (id) => document.getElementById(id);
    this.parts = Object.fromEntries(["progress", "progress-text", "progress-note", "progress-bar"].map((id) => [id, byId(id)]));
    this.exact = byId("exact");
    byId("exact-redraw")?.addEventListener("click", () => {
      this.exact.hidden = true;
      byId("redraw").open = true;
      byId("redraw-start").click();
    });
    byId("exact-keep")?.addEventListener("click", () => (this.exact.hidden = true));
  },

  /** @param {{index: IndexRun|null, problem: string, first_look: boolean}} latest */
  show(latest) {
    const notice = document.getElementById("notice-progress");
    if (notice && latest.index) {
      const { text, share } = this.describeWithoutMap(latest.index);
      this.setText(notice, text);
      this.fill(document.getElementById("notice-bar"), share);
    }
    const { progress, "progress-text": text, "progress-note": note, "progress-bar": bar } = this.parts;
    const description = document.getElementById("notice") ? null : this.describe(latest);
    progress.hidden = description === null;
    if (!description) return;
    this.setText(text, description.text);
    this.setText(note, description.note);
    this.fill(bar, description.share);
  },

  /** The full vectors have replaced those of the first look: offer to draw the map again, if the user may. */
  offerRedraw() {
    if (this.exact && explorer.upload.refusal === "") this.exact.hidden = false;
  },

  setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  },

  /** @param {number|null} share From 0 to 1; null hides the bar. */
  fill(bar, share) {
    bar.hidden = share === null;
    const percent = Math.round(100 * (share ?? 0));
    bar.setAttribute("aria-valuenow", String(percent));
    bar.firstElementChild.style.width = `${percent}%`;
  },

  /**
   * @returns {{text: string, note: string, share: number|null}|null} What the card says; null if there is nothing to say.
   */
  describe({ index, problem, first_look: isFirstLook }) {
    if (problem) return { text: "New songs are not added now", note: problem, share: null };
    const rough = "The map is from a first look: a few seconds of each song.";
    if (index?.stage === "first look") {
      const note = "The map is rough and grows while you listen. It becomes exact when all songs have been heard in full.";
      return { text: `First look: ${this.count(index)}`, note, share: this.shareOf(index) };
    }
    if (index?.stage === "full" && isFirstLook) {
      const left = this.timeLeft(index);
      const until = left ? `${left} until it is exact` : "It becomes exact when all songs have been heard in full";
      return { text: `Heard in full: ${this.count(index)}`, note: `${rough} ${until}.`, share: this.shareOf(index) };
    }
    if (index?.stage === "full") return { text: `Adding songs: ${index.done.toLocaleString("en")} of ${index.total.toLocaleString("en")}`, note: this.timeLeft(index), share: this.shareOf(index) };
    if (isFirstLook && !index) return { text: "A rough map", note: `${rough} Open the folder again to make it exact.`, share: null };
    return null;
  },

  /** @param {IndexRun} index @returns {{text: string, share: number|null}} What the page says while there is no map. */
  describeWithoutMap(index) {
    const texts = { starting: "Starting …", scan: "Looking for songs in your folder …", map: "Drawing the map …" };
    if (texts[index.stage]) return { text: texts[index.stage], share: null };
    const left = this.timeLeft(index);
    return { text: `${this.count(index)} heard${left && " · " + left.toLowerCase()}`, share: this.shareOf(index) };
  },

  /** @param {IndexRun} index @returns {string} As "12 of 1,000 songs". */
  count({ done, total }) {
    return `${done.toLocaleString("en")} of ${total.toLocaleString("en")} song${total === 1 ? "" : "s"}`;
  },

  /** @param {IndexRun} index @returns {number|null} */
  shareOf({ done, total }) {
    return total ? Math.min(done / total, 1) : null;
  },

  /** @param {IndexRun} index @returns {string} As "About 3 h left"; empty if unknown. */
  timeLeft({ seconds_left: seconds }) {
    if (seconds === null || seconds === undefined) return "";
    const [unit, length] = seconds < 90 ? ["s", 1] : seconds < 5400 ? ["min", 60] : seconds < 259_200 ? ["h", 3600] : ["days", 86_400];
    const count = unit === "s" ? Math.max(10, 10 * Math.round(seconds / 10)) : Math.round(seconds / length);
    return `About ${count} ${unit} left`;
  },
};
