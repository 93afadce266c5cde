/** The panel: the song that was selected, and those that sound most like it. Titles are text, never HTML. */
window.explorer = window.explorer || {};

explorer.panel = {
  index: null,

  mount() {
    const byId = (id) => document.getElementById(id);
    this.page = document.querySelector(".page");
    this.card = byId("panel");
    this.body = byId("panel-song");
    byId("panel-close").addEventListener("click", () => this.shut({ forGood: true }));
    byId("panel-open").addEventListener("click", () => this.open());
    this.card.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab) this.turnTo(tab.dataset.tab);
    });
    this.card.addEventListener("keydown", (event) => {
      if (event.target.matches("[role=tab]") && /^Arrow(Left|Right)$/.test(event.key)) {
        this.turnTo(this.card.dataset.tab === "song" ? "choice" : "song");
        byId(`tab-${this.card.dataset.tab}`).focus();
      }
    });
    this.letSwipeAway();
    this.showEmpty();
    this.turnTo("song");
    if (innerWidth > 1100 && localStorage.getItem("panel") !== "closed") this.page.classList.add("panel-open");
  },

  /** A phone's sheet goes when it is pulled down by its head. */
  letSwipeAway() {
    const head = this.card.querySelector(".panel-head");
    let from = null;
    head.addEventListener("pointerdown", (event) => (from = event.clientY));
    window.addEventListener("pointerup", (event) => {
      if (from !== null && event.clientY - from > 48 && innerWidth <= explorer.map.NARROW) this.shut();
      from = null;
    });
  },

  get isOpen() {
    return this.page.classList.contains("panel-open");
  },

  open() {
    localStorage.removeItem("panel");
    if (this.isOpen) return;
    this.page.classList.add("panel-open");
    explorer.map.makeRoom();
  },

  /** Close the panel; where there is room for it, only if that is what the user wants. */
  shut({ forGood = false } = {}) {
    if (!this.isOpen || (!forGood && innerWidth > 1100)) return;
    if (forGood) localStorage.setItem("panel", "closed");
    this.page.classList.remove("panel-open");
    explorer.map.makeRoom();
  },

  /** @param {"song"|"choice"} name */
  turnTo(name) {
    this.card.dataset.tab = name;
    for (const tab of this.card.querySelectorAll("[role=tab]")) {
      const isIt = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(isIt));
      tab.tabIndex = isIt ? 0 : -1;
      document.getElementById(`panel-${tab.dataset.tab}`).hidden = !isIt;
    }
  },

  showEmpty() {
    const { element } = explorer;
    const tip = (key, text) => {
      const line = element("li");
      line.append(element("kbd", "", key), element("span", "", text));
      return line;
    };
    const tips = element("ul", "tips");
    tips.append(
      tip("click", "hear a song, and see what sounds like it"),
      tip("h", "hover to hear: sweep over the map like a radio's dial"),
      tip("← →", "walk from song to song"),
      tip("drop", "a file of yours on the map, to see where it belongs"),
      tip("?", "all keys"),
    );
    const cover = element("div", "cover cover-empty");
    cover.append(explorer.icon("headphones"));
    this.body.replaceChildren(cover, element("h2", "panel-title", "Nothing is selected"), tips);
  },

  /** Show a song and its neighbours. @param {number|null} index */
  async show(index) {
    this.index = index;
    if (index === null) return this.showEmpty();
    this.turnTo("song");
    if (localStorage.getItem("panel") !== "closed" || innerWidth <= 1100) this.open();
    if (await this.fill(index)) this.body.scrollTop = 0;
  },

  /** Write what is known of a song; whether the panel is open stays. @returns {Promise<boolean>} Whether it still is about this song. */
  async fill(index) {
    const [song, neighbours] = await Promise.all([
      explorer.api.get(index).catch((error) => ({ failed: error.message })),
      explorer.api.neighbours(index).catch((error) => ({ failed: error.message })),
    ]);
    if (this.index !== index) return false;
    if (song.failed) {
      this.body.replaceChildren(explorer.element("p", "panel-note", song.failed));
      return true;
    }
    const parts = [this.makeCover(song, index), ...this.makeHead(song), ...this.makeAbsence(song), this.makeChips(song, index)];
    this.body.replaceChildren(...parts, this.makeActions(index), ...this.makeTwins(song), ...this.makeNeighbours(neighbours));
    this.markPlaying(explorer.player.index);
    return true;
  },

  /** That a song's file is missing, and what is left to hear of it. */
  makeAbsence(song) {
    if (!song.gone_since) return [];
    const { element } = explorer;
    const left = { preview: "Its preview was kept and can be heard.", copy: "A copy of it was kept and can be heard." };
    const note = element("p", "panel-missing");
    note.append(
      element("strong", "", `File missing since ${explorer.api.goneSince(song)}`),
      element("span", "", left[song.fallback] ?? "There is nothing left to play."),
    );
    return [note];
  },

  /** The other songs with the very same sound, with their files: each a button to go there. */
  makeTwins(song) {
    if (!song.same_sound_count) return [];
    const { element } = explorer;
    const head = element("h3", "panel-list-head");
    head.append(element("span", "", "Same sound"), element("small", "", `${song.same_sound_count.toLocaleString("en")} other song${song.same_sound_count === 1 ? "" : "s"}`));
    const list = element("ol", "song-list twins");
    list.append(...song.same_sound.map((one) => this.makeTwin(one)));
    const more = song.same_sound_count - song.same_sound.length;
    return more ? [head, list, element("p", "panel-note", `… and ${more.toLocaleString("en")} more.`)] : [head, list];
  },

  makeTwin({ index, title, path, gone }) {
    const { element } = explorer;
    const row = element("li", "song-row", null, { "data-index": index });
    const names = element("button", "row-names", null, { type: "button", title: `Go to ${path}` });
    names.append(element("span", "row-title", title), element("span", "row-by", gone ? `File missing · ${path}` : path));
    names.addEventListener("click", () => explorer.visit(index));
    row.append(names);
    return row;
  },

  /** The file's picture, where it has one; else the colour of its group. */
  makeCover(song, index) {
    const cover = explorer.element("div", "cover");
    cover.style.setProperty("--colour", explorer.map.points ? explorer.map.colourOf(index) : "var(--accent)");
    cover.append(explorer.icon("note"));
    if (!song.gone_since) this.fetchCover(song.id, cover);
    return cover;
  },

  async fetchCover(id, cover) {
    try {
      const response = await fetch("cover/" + encodeURIComponent(id));
      if (response.status !== 200) return;
      const picture = explorer.element("img", "", null, { alt: "" });
      const address = URL.createObjectURL(await response.blob());
      picture.addEventListener("load", () => {
        URL.revokeObjectURL(address);
        cover.replaceChildren(picture);
      });
      picture.addEventListener("error", () => URL.revokeObjectURL(address));
      picture.src = address;
    } catch {
      // The colour stays.
    }
  },

  makeHead(song) {
    const { element } = explorer;
    const album = [song.album, song.year].filter(Boolean).join(" · ");
    const lines = [element("h2", "panel-title", song.title), element("div", "panel-by", song.artist || "no artist")];
    if (album) lines.push(element("div", "panel-album", album));
    return lines;
  },

  /** What the song is; each chip that stands for a group filters by it. */
  makeChips(song, index) {
    const { element, filters } = explorer;
    const chips = element("div", "chips");
    const chip = (text, title, action) => {
      const made = element(action ? "button" : "span", "chip", text, action ? { type: "button", title } : {});
      if (action) made.addEventListener("click", action);
      chips.append(made);
      return made;
    };
    if (song.cluster) {
      const made = chip(song.cluster, "Show only this cluster", () => dash_clientside.set_props("filter-clusters", { value: [song.cluster] }));
      const { meta } = explorer.map;
      if (meta?.colouring === "cluster" && meta.projection !== "original" && !explorer.map.isHidden(index)) {
        made.prepend(element("span", "dot"));
        made.firstElementChild.style.background = explorer.map.colourOf(index);
      }
    }
    for (const genre of song.genres) chip(genre, "Show only this genre", () => filters.add("genre", genre));
    if (song.duration_s) chip(explorer.player.format(song.duration_s));
    return chips;
  },

  makeActions(index) {
    const actions = explorer.element("div", "panel-actions");
    const add = explorer.element("button", "button quiet", null, { type: "button" });
    const name = () => (add.textContent = explorer.selection.has(index) ? "Remove from selection" : "Add to selection");
    add.addEventListener("click", () => {
      explorer.selection.toggle(index);
      name();
    });
    name();
    const find = explorer.element("button", "button quiet", "Show on the map", { type: "button" });
    find.addEventListener("click", () => explorer.map.flyTo(index));
    actions.append(add, find);
    if (explorer.map.points && explorer.map.isHidden(index)) return this.makeWayBack();
    return actions;
  },

  /** A song that is not on the map can neither be chosen nor shown there. */
  makeWayBack() {
    const actions = explorer.element("div", "panel-actions");
    const show = explorer.element("button", "button quiet", "Show hidden songs", { type: "button" });
    show.addEventListener("click", () => explorer.filters.showHidden());
    actions.append(explorer.element("span", "panel-note", "This song is hidden on the map."), show);
    return actions;
  },

  makeNeighbours(neighbours) {
    const { element } = explorer;
    const head = element("h3", "panel-list-head");
    head.append(element("span", "", "Sounds like"), element("small", "", "n / p to walk"));
    if (neighbours.failed) return [head, element("p", "panel-note", neighbours.failed)];
    if (!neighbours.length) return [head, element("p", "panel-note", "It is the only song here.")];
    const list = element("ol", "song-list");
    list.append(...neighbours.map((one) => this.makeNeighbour(one)));
    return [head, list];
  },

  /** A neighbour: its button plays it here, its name goes to it. */
  makeNeighbour({ index, similarity, title, artist, gone, same_sound: isSame }) {
    const { element } = explorer;
    const row = element("li", "song-row", null, { "data-index": index });
    const play = explorer.iconButton("play", `Play ${title}`, "row-play");
    play.addEventListener("click", () => (this.isPlaying(index) ? explorer.player.toggle() : explorer.walk.goTo(index)));
    const by = [isSame && "Same sound", gone && "File missing", artist || "no artist"].filter(Boolean).join(" · ");
    const names = element("button", "row-names", null, { type: "button", title: `Go to ${title}` });
    names.append(element("span", "row-title", title), element("span", "row-by", by));
    names.addEventListener("click", () => explorer.play(index));
    const bar = element("span", "row-bar", null, { "aria-hidden": "true" });
    bar.append(element("span"));
    bar.firstElementChild.style.width = `${Math.round(100 * Math.max(similarity, 0))}%`;
    const value = element("span", "row-value", similarity.toFixed(2).replace(/^(-?)0\./, "$1."), {
      title: "Similarity: the cosine of the two songs' vectors, from which the library's mean is subtracted",
    });
    row.append(play, names, bar, value);
    return row;
  },

  isPlaying(index) {
    return explorer.player.index === index;
  },

  /** Light up the row of the song that plays. */
  markPlaying(index) {
    for (const row of this.card.querySelectorAll(".song-row")) {
      row.classList.toggle("playing", index !== null && Number(row.dataset.index) === index);
    }
    this.showState();
  },

  /** Rows' buttons say whether they would play or pause. */
  showState() {
    const { state } = explorer.player.bar.dataset;
    const isSounding = state === "playing" || state === "loading";
    for (const row of this.card?.querySelectorAll(".song-row") ?? []) {
      const pauses = isSounding && row.classList.contains("playing");
      const icon = row.querySelector(".row-play .icon");
      if (icon) icon.className = `icon icon-${pauses ? "pause" : "play"}`;
    }
  },
};
