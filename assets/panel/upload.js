/**
 * Places a file from the user's computer on the map: the server computes its embedding and finds its
 * neighbours.
 */
window.explorer = window.explorer || {};

explorer.upload = {
  MAX_BYTES: 50 * 1024 * 1024,
  POLL_MS: 400,
  /** The uploaded song that is shown on the map; null if there is none. */
  song: null,
  /** Whether a file is being sent or analysed. */
  isWaiting: false,
  /** Identifies the newest upload; answers to older ones are ignored. */
  currentUpload: null,
  /** The server's name for the upload that is being analysed; null while the file is still being sent. */
  token: null,
  /** The server's name for the song that was shown last, until another one is shown. */
  shownToken: null,
  /** Why the server takes no songs; empty if it does. */
  refusal: "",

  mount() {
    this.target = document.getElementById("drop");
    // Dash has a file field only inside its own upload component, so the page makes its own.
    this.field = explorer.element("input", "", null, { type: "file", accept: "audio/*,.flac,.opus,.ape,.wv,.wma,.m4a,.aiff,.ogg", id: "upload-file", hidden: "" });
    this.target.after(this.field);
    const button = document.getElementById("upload-button");
    this.refusal = button.dataset.refusal || "";
    button.addEventListener("click", () => this.field.click());
    this.field.addEventListener("change", () => {
      if (this.field.files[0]) this.placeFile(this.field.files[0]);
      this.field.value = "";
    });
    this.enableDrop();
  },

  /** Accept files that are dropped anywhere on the page. */
  enableDrop() {
    const hasFile = (event) => event.dataTransfer?.types?.includes("Files");
    // When the pointer moves to a child element, it enters the child before it leaves the parent: count the
    // elements that it has entered and not left.
    let depth = 0;
    const show = (isOver) => (this.target.hidden = !isOver || this.refusal !== "");
    window.addEventListener("dragenter", (event) => {
      if (!hasFile(event)) return;
      depth += 1;
      show(true);
    });
    window.addEventListener("dragleave", (event) => {
      if (!hasFile(event)) return;
      depth = Math.max(depth - 1, 0);
      if (!depth) show(false);
    });
    window.addEventListener("dragover", (event) => hasFile(event) && event.preventDefault());
    window.addEventListener("drop", (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      depth = 0;
      show(false);
      const { files } = event.dataTransfer;
      if (files.length > 1) explorer.player.showMessage("Only one song can be placed at a time. The first one is used.");
      if (files[0]) this.placeFile(files[0], { keepsMessage: files.length > 1 });
    });
  },

  /** Send a file to the server, wait for its embedding, and show the song on the map. @param {File} file */
  async placeFile(file, { keepsMessage = false } = {}) {
    if (document.getElementById("notice")) return;
    if (!keepsMessage) explorer.player.showMessage("");
    const problem = this.refusal || this.problemOf(file);
    if (problem) return this.fail(problem);
    this.cancel();
    const upload = (this.currentUpload = Symbol(file.name));
    this.isWaiting = true;
    this.token = null;
    this.showWaiting(file.name, "Sending the file…");
    try {
      const { token } = await this.request("uploads?name=" + encodeURIComponent(file.name), {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream" },
        body: file,
      });
      if (this.currentUpload !== upload) return this.deleteUpload(token);
      this.token = token;
      const song = await this.waitUntilReady(token, upload, file.name);
      if (song) this.show(song);
    } catch (error) {
      if (this.currentUpload === upload) this.fail(error.message);
    }
  },

  /** @param {{name: string, size: number}} file @returns {string} Why the file is not sent; empty if it is. */
  problemOf({ name, size }) {
    if (size > this.MAX_BYTES) return `${name} is too large. A file may have up to 50 MB.`;
    return size ? "" : `${name} is empty.`;
  },

  /** @returns {Promise<object|null>} The server's JSON answer. Rejects with a message for the user. */
  async request(address, options) {
    let response;
    try {
      response = await fetch(address, options);
    } catch {
      throw new Error("The server does not answer, or it refused the file. Is the server still running?");
    }
    if (response.status === 413) throw new Error("The file is too large. A file may have up to 50 MB.");
    if (!response.ok) throw new Error(await response.text());
    return response.status === 204 ? null : response.json();
  },

  /**
   * Poll the server until the song is ready.
   * @returns {Promise<object|null>} The song; null if it was cancelled.
   */
  async waitUntilReady(token, upload, name) {
    while (this.currentUpload === upload) {
      const state = await this.request(`uploads/${token}`);
      if (this.currentUpload !== upload) return null;
      if (state.phase === "failed") throw new Error(state.error);
      if (state.phase === "ready") return state;
      this.showWaiting(name, this.describeState(state));
      await new Promise((resolve) => setTimeout(resolve, this.POLL_MS));
    }
    return null;
  },

  /** @param {{phase: string, ahead: number}} state @returns {string} */
  describeState({ phase, ahead }) {
    if (phase !== "waiting") return "Analysing the song…";
    return ahead ? `Waiting for ${ahead === 1 ? "another upload" : `${ahead} other uploads`}…` : "Waiting…";
  },

  showWaiting(name, text) {
    const { element, panel } = explorer;
    panel.index = null;
    panel.showTab("song");
    panel.open();
    const cover = element("div", "cover cover-waiting");
    cover.append(element("span", "spinner"));
    const cancel = element("button", "button quiet", "Cancel", { type: "button" });
    cancel.addEventListener("click", () => this.cancel());
    const actions = element("div", "panel-actions");
    actions.append(cancel);
    panel.body.replaceChildren(cover, element("h2", "panel-title", name), element("div", "panel-by", text, { role: "status" }), actions);
  },

  /** Show the uploaded song on the map and in the panel, and play it. */
  show(song) {
    this.isWaiting = false;
    // The server holds only some songs: nobody needs the one before any more.
    if (this.shownToken) this.deleteUpload(this.shownToken);
    this.shownToken = song.token;
    song.neighbours = song.neighbours.filter(({ index }) => !explorer.map.isHidden(index));
    this.song = song;
    explorer.walk.beginAtUpload(song.neighbours);
    explorer.url.write({ push: true });
    explorer.overlays.selectUpload(song);
    this.showPanel(song);
    const place = explorer.overlays.uploadPlace();
    if (place) explorer.map.flyToPlace(place);
    const nearest = song.neighbours[0];
    explorer.announce(`${song.title} was placed on the map${nearest ? ` next to ${nearest.title}` : ""}.`);
    this.play();
  },

  showPanel(song) {
    const { element, panel } = explorer;
    const cover = element("div", "cover");
    cover.append(explorer.icon("upload"));
    const note = element("p", "panel-note", "This song is shown on the map. It is not in the library.");
    const actions = element("div", "panel-actions");
    const play = element("button", "button", "Play", { type: "button" });
    const add = element("button", "button quiet", "Add to the library", { type: "button" });
    play.addEventListener("click", () => this.play());
    add.addEventListener("click", () => this.addToLibrary(add, note));
    actions.append(play, add);
    panel.body.replaceChildren(cover, ...panel.makeHeading(song), note, actions, ...panel.makeNeighbours(song.neighbours));
  },

  play() {
    explorer.selection.stopPlaying();
    explorer.hover.stop();
    explorer.walk.position = 0;
    explorer.overlays.markPlaying(null);
    explorer.panel.markPlaying(null);
    explorer.player.playUpload(this.song, `uploads/${this.song.token}/audio`);
  },

  /** Add the uploaded song to the library: the server copies the file into the music folder and updates the map. */
  async addToLibrary(button, note) {
    button.disabled = true;
    note.textContent = "Adding the song…";
    try {
      await this.request(`uploads/${this.song.token}/keep`, { method: "POST" });
      button.remove();
      note.textContent = "The song is in the library now. The map is being updated…";
      dash_clientside.set_props("redraw-timer", { disabled: false });
    } catch (error) {
      button.disabled = false;
      note.textContent = error.message;
    }
  },

  fail(sentence) {
    this.isWaiting = false;
    this.currentUpload = null;
    explorer.player.showMessage(sentence);
    this.restorePanel();
  },

  /** An upload failed or was cancelled: show in the panel what it showed before. */
  restorePanel() {
    if (this.song) this.showPanel(this.song);
    else explorer.panel.show(explorer.walk.anchor);
  },

  cancel() {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    this.currentUpload = null;
    if (this.token) this.deleteUpload(this.token);
    this.token = null;
    this.restorePanel();
  },

  deleteUpload(token) {
    fetch(`uploads/${token}`, { method: "DELETE" }).catch(() => {});
  },

  /** Remove the uploaded song from the map, because another song was selected. */
  clear() {
    this.cancel();
    this.song = null;
  },
};
