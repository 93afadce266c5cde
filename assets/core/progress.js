/** Shows how far the index run is: in a quiet card beside the map, or in place of the map while there is none. */
window.explorer = window.explorer || {};

/**
 * @typedef {object} IndexRun What the server tells about an index run.
 * @property {"starting"|"scan"|"first look"|"full"|"map"} stage
 * @property {number} done @property {number} total Songs of the stage.
 * @property {number|null} seconds_left
 */

explorer.progress = {
  /** Why the index run has failed, as the card says. */
  problem: "",
  /** The stage and the quarter of it that screen readers have said. */
  milestone: "",

  mount() {
    const byId = (id) => document.getElementById(id);
    this.parts = Object.fromEntries(["progress", "progress-text", "progress-note", "progress-bar"].map((id) => [id, byId(id)]));
    this.exact = byId("exact");
    byId("exact-keep").addEventListener("click", () => {
      localStorage.setItem("kept-layouts", JSON.stringify(explorer.map.meta.coarse_layouts));
      this.exact.hidden = true;
    });
    // The button stays visible until the new map is drawn.
    const redraw = byId("redraw");
    new MutationObserver(() => this.showRedraw(redraw.dataset.phase)).observe(redraw, { attributeFilter: ["data-phase"] });
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
    if (latest.problem !== this.problem) progress.querySelector("details").open = latest.problem !== "";
    this.problem = latest.problem;
    this.setText(text, description.text);
    this.setText(note, description.note);
    this.fill(bar, description.share);
    this.announce(description);
  },

  /**
   * Offer to draw the map again while its places are those of the first look, unless the user has chosen to keep
   * them or may not change the library.
   */
  offerRedraw() {
    const { coarse_layouts: layouts, projection } = explorer.map.meta;
    const isCoarse = (projection === "original" ? "pca" : projection) in layouts;
    const isKept = localStorage.getItem("kept-layouts") === JSON.stringify(layouts);
    this.exact.hidden = !isCoarse || isKept || explorer.upload.refusal !== "";
  },

  /** @param {string} phase Of the process that draws the map again. */
  showRedraw(phase) {
    const button = document.getElementById("exact-redraw");
    button.disabled = phase === "running";
    button.textContent = phase === "running" ? "Redrawing …" : "Redraw";
  },

  /**
   * Screen readers say how far the run is when a stage begins and at each quarter of it.
   * @param {{text: string, share: number|null}} description
   */
  announce({ text, share }) {
    const milestone = `${text.split(":")[0]} ${Math.floor(4 * (share ?? 0))}`;
    if (milestone === this.milestone) return;
    this.milestone = milestone;
    explorer.announce(text);
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
      return { text: `First look: ${this.numbers(index)}`, note, share: this.shareOf(index) };
    }
    if (index?.stage === "full" && isFirstLook) {
      const left = this.timeLeft(index);
      const until = left ? `${left} until it is exact` : "It becomes exact when all songs have been heard in full";
      return { text: `Heard in full: ${this.numbers(index)}`, note: `${rough} ${until}.`, share: this.shareOf(index) };
    }
    if (index?.stage === "full") return { text: `Adding songs: ${this.numbers(index)}`, note: this.timeLeft(index), share: this.shareOf(index) };
    if (isFirstLook && !index) return { text: "A rough map", note: `${rough} Open the folder again to make it exact.`, share: null };
    return null;
  },

  /** @param {IndexRun} index @returns {{text: string, share: number|null}} What the page says while there is no map. */
  describeWithoutMap(index) {
    const texts = { starting: "Starting …", scan: "Looking for songs in your folder …", map: "Drawing the map …" };
    if (texts[index.stage]) return { text: texts[index.stage], share: null };
    const left = this.timeLeft(index);
    const songs = `${this.numbers(index)} song${index.total === 1 ? "" : "s"}`;
    const text = index.stage === "first look" ? `First look: ${songs}` : `${songs} heard in full`;
    return { text: text + (left && ` · ${left.toLowerCase()}`), share: this.shareOf(index) };
  },

  /** @param {IndexRun} index @returns {string} As "12 of 1,000". */
  numbers({ done, total }) {
    return `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
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
