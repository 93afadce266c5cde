/** A song of one's own on the map: dropped or chosen, embedded by the server, placed among its neighbours. */
window.explorer = window.explorer || {};

explorer.upload = {
  MOST_BYTES: 50 * 1024 * 1024,
  POLL_MS: 400,
  guest: null,
  isWaiting: false,

  mount() {
    this.target = document.getElementById("drop");
    // Dash has no field for files without a widget around it.
    this.field = explorer.element("input", "", null, { type: "file", accept: "audio/*,.flac,.opus,.ape,.wv,.wma,.m4a,.aiff,.ogg", id: "visit-file", hidden: "" });
    this.target.after(this.field);
    document.getElementById("visit").addEventListener("click", () => this.field.click());
    this.field.addEventListener("change", () => {
      if (this.field.files[0]) this.place(this.field.files[0]);
      this.field.value = "";
    });
    this.letDrop();
  },

  letDrop() {
    const holdsFile = (event) => event.dataTransfer?.types?.includes("Files");
    let depth = 0;
    const show = (isOver) => (this.target.hidden = !isOver);
    window.addEventListener("dragenter", (event) => {
      if (!holdsFile(event)) return;
      depth += 1;
      show(true);
    });
    window.addEventListener("dragleave", (event) => {
      if (!holdsFile(event)) return;
      depth = Math.max(depth - 1, 0);
      if (!depth) show(false);
    });
    window.addEventListener("dragover", (event) => holdsFile(event) && event.preventDefault());
    window.addEventListener("drop", (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      depth = 0;
      show(false);
      const files = event.dataTransfer.files;
      if (files.length > 1) explorer.player.tell("One song at a time: the first one is placed.");
      if (files[0]) this.place(files[0], { keepMessage: files.length > 1 });
    });
  },

  /** Send a file, wait until it is embedded, and show where it belongs. @param {File} file */
  async place(file, { keepMessage = false } = {}) {
    if (document.getElementById("notice")) return;
    if (!keepMessage) explorer.player.tell("");
    const problem = this.problemOf(file);
    if (problem) return this.fail(problem);
    this.cancel();
    const mine = (this.current = Symbol(file.name));
    this.isWaiting = true;
    this.showWaiting(file.name, "Sending the file…");
    try {
      const { token } = await this.ask("uploads?name=" + encodeURIComponent(file.name), {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream" },
        body: file,
      });
      if (this.current !== mine) return this.forget(token);
      this.token = token;
      const guest = await this.follow(token, mine, file.name);
      if (guest) this.show(guest);
    } catch (error) {
      if (this.current === mine) this.fail(error.message);
    }
  },

  /** @param {{name: string, size: number}} file @returns {string} Why it is not sent; nothing where it is. */
  problemOf({ name, size }) {
    if (size > this.MOST_BYTES) return `${name} is too large: a song here may have 50 MB.`;
    return size ? "" : `${name} is empty.`;
  },

  async ask(address, options) {
    let response;
    try {
      response = await fetch(address, options);
    } catch {
      throw new Error("The server does not answer, or refused the file: is it still running?");
    }
    if (response.status === 413) throw new Error("The file is too large: a song here may have 50 MB.");
    if (!response.ok) throw new Error(await response.text());
    return response.status === 204 ? null : response.json();
  },

  async follow(token, mine, name) {
    while (this.current === mine) {
      const state = await this.ask(`uploads/${token}`);
      if (this.current !== mine) return null;
      if (state.phase === "failed") throw new Error(state.error);
      if (state.phase === "ready") return state;
      this.showWaiting(name, state.phase === "waiting" ? "Waiting for its turn…" : "Listening to it with the library's own model…");
      await new Promise((resolve) => setTimeout(resolve, this.POLL_MS));
    }
    return null;
  },

  showWaiting(name, text) {
    const { element, panel } = explorer;
    panel.index = null;
    panel.turnTo("song");
    panel.open();
    const cover = element("div", "cover cover-waiting");
    cover.append(element("span", "spinner"));
    const stop = element("button", "button quiet", "Cancel", { type: "button" });
    stop.addEventListener("click", () => this.cancel());
    const actions = element("div", "panel-actions");
    actions.append(stop);
    panel.body.replaceChildren(cover, element("h2", "panel-title", name), element("div", "panel-by", text, { role: "status" }), actions);
  },

  show(guest) {
    this.isWaiting = false;
    guest.neighbours = guest.neighbours.filter(({ index }) => !explorer.map.isHidden(index));
    this.guest = guest;
    explorer.walk.beginAtGuest(guest.neighbours);
    explorer.url.write({ push: true });
    explorer.overlays.selectGuest(guest);
    this.showPanel(guest);
    const { projection } = explorer.map.meta;
    const place = guest.places[projection === "original" ? "pca" : projection];
    if (place) explorer.map.flyToPlace(place);
    explorer.announce(`${guest.title} is on the map, beside ${guest.neighbours[0]?.title ?? "no other song"}.`);
    this.play();
  },

  showPanel(guest) {
    const { element, panel } = explorer;
    const cover = element("div", "cover cover-guest");
    cover.append(explorer.icon("upload"));
    const note = element("p", "panel-note", "It is on the map as a guest, not in the library.");
    const actions = element("div", "panel-actions");
    const play = element("button", "button", "Play", { type: "button" });
    const keep = element("button", "button quiet", "Add to the library", { type: "button" });
    play.addEventListener("click", () => this.play());
    keep.addEventListener("click", () => this.keep(keep, note));
    actions.append(play, keep);
    panel.body.replaceChildren(cover, ...panel.makeHead(guest), note, actions, ...panel.makeNeighbours(guest.neighbours));
  },

  play() {
    explorer.selection.stopPlaying();
    explorer.hover.stop();
    explorer.walk.at = 0;
    explorer.overlays.markPlaying(null);
    explorer.panel.markPlaying(null);
    explorer.player.playGuest(this.guest, `uploads/${this.guest.token}/audio`);
  },

  /** Add the guest to the library: its file goes into the music folder, and the map makes a place for it. */
  async keep(button, note) {
    button.disabled = true;
    note.textContent = "Adding it…";
    try {
      await this.ask(`uploads/${this.guest.token}/keep`, { method: "POST" });
      button.remove();
      note.textContent = "It is in the library now. The map makes a place for it…";
      dash_clientside.set_props("redraw-timer", { disabled: false });
    } catch (error) {
      button.disabled = false;
      note.textContent = error.message;
    }
  },

  fail(sentence) {
    this.isWaiting = false;
    this.current = null;
    explorer.player.tell(sentence);
    this.showBefore();
  },

  /** Nothing came of a file: the panel shows again what it did. */
  showBefore() {
    if (this.guest) this.showPanel(this.guest);
    else explorer.panel.show(explorer.walk.anchor);
  },

  /** Stop waiting. */
  cancel() {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    this.current = null;
    if (this.token) this.forget(this.token);
    this.token = null;
    this.showBefore();
  },

  forget(token) {
    fetch(`uploads/${token}`, { method: "DELETE" }).catch(() => {});
  },

  /** A song of the library was selected instead. */
  leave() {
    this.cancel();
    this.guest = null;
  },
};
