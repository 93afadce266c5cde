/** The panel on the right: the selected song's details and its neighbours. Titles are shown as text, never as HTML. */
window.explorer = window.explorer || {};

explorer.panel = {
  /**
   * In a wider window the panel is beside the map. In a narrower one it covers the map, and is open only for
   * a song.
   */
  WIDE_PX: 1100,
  /** On a phone, the panel closes when it is pulled down by more than this. */
  SWIPE_PX: 48,
  /** The song that the panel shows; null if it shows none, or an uploaded song. */
  index: null,

  mount() {
    const byId = (id) => document.getElementById(id);
    this.page = document.querySelector(".page");
    this.card = byId("panel");
    this.body = byId("panel-song");
    byId("panel-close").addEventListener("click", () => this.close({ byUser: true }));
    byId("panel-open").addEventListener("click", () => this.open());
    this.card.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab) this.showTab(tab.dataset.tab);
    });
    this.card.addEventListener("keydown", (event) => {
      if (event.target.matches("[role=tab]") && /^Arrow(Left|Right)$/.test(event.key)) {
        this.showTab(this.card.dataset.tab === "song" ? "choice" : "song");
        byId(`tab-${this.card.dataset.tab}`).focus();
      }
    });
    this.enableSwipe();
    this.showEmpty();
    this.showTab("song");
    if (this.isWide && !this.isClosedByUser) this.page.classList.add("panel-open");
  },

  /** On a phone, close the panel when the user pulls its head down. */
  enableSwipe() {
    const head = this.card.querySelector(".panel-head");
    let startY = null;
    head.addEventListener("pointerdown", (event) => (startY = event.clientY));
    window.addEventListener("pointerup", (event) => {
      if (startY !== null && event.clientY - startY > this.SWIPE_PX && innerWidth <= explorer.map.NARROW_PX) this.close();
      startY = null;
    });
  },

  get isOpen() {
    return this.page.classList.contains("panel-open");
  },

  get isWide() {
    return innerWidth > this.WIDE_PX;
  },

  get isClosedByUser() {
    return localStorage.getItem("panel") === "closed";
  },

  open() {
    localStorage.removeItem("panel");
    if (this.isOpen) return;
    this.page.classList.add("panel-open");
    explorer.map.adjustToCards();
  },

  /**
   * Close the panel.
   * @param {{byUser: boolean}} options Whether the user closed it: then it stays closed, also on later
   *   visits. Otherwise the panel of a wide window is not closed.
   */
  close({ byUser = false } = {}) {
    if (!this.isOpen || (!byUser && this.isWide)) return;
    if (byUser) localStorage.setItem("panel", "closed");
    this.page.classList.remove("panel-open");
    explorer.map.adjustToCards();
  },

  /** @param {"song"|"choice"} name */
  showTab(name) {
    this.card.dataset.tab = name;
    for (const tab of this.card.querySelectorAll("[role=tab]")) {
      const isShown = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      document.getElementById(`panel-${tab.dataset.tab}`).hidden = !isShown;
    }
  },

  /** No song is selected: show tips instead. */
  showEmpty() {
    const { element } = explorer;
    const tip = (key, text) => {
      const line = element("li");
      line.append(element("kbd", "", key), element("span", "", text));
      return line;
    };
    const tips = element("ul", "tips");
    tips.append(
      tip("click", "play a song and see which songs sound like it"),
      tip("h", "hover to hear: play previews as you move over the map"),
      tip("← →", "go from song to song"),
      ...(explorer.upload.refusal ? [] : [tip("drop", "an audio file on the map to see which songs it sounds like")]),
      tip("?", "see the list of keys"),
    );
    const cover = element("div", "cover cover-empty");
    this.coverOf = null;
    cover.append(explorer.icon("headphones"));
    this.body.replaceChildren(cover, element("h2", "panel-title", "Nothing is selected"), tips);
  },

  /** Show a song and its neighbours. @param {number|null} index Null shows that nothing is selected. */
  async show(index) {
    this.index = index;
    if (index === null) return this.showEmpty();
    this.showTab("song");
    if (!this.isClosedByUser || !this.isWide) this.open();
    if (await this.fill(index)) this.body.scrollTop = 0;
  },

  /**
   * Load a song's details and neighbours into the panel, which may be closed.
   * @returns {Promise<boolean>} False if the panel shows another song when the details arrive.
   */
  async fill(index) {
    const [song, neighbours] = await Promise.all([
      explorer.api.getSong(index).catch((error) => ({ failed: error.message })),
      explorer.api.neighbours(index).catch((error) => ({ failed: error.message })),
    ]);
    if (this.index !== index) return false;
    if (song.failed) {
      this.body.replaceChildren(explorer.element("p", "panel-note", song.failed));
      return true;
    }
    // The cover of the same song stays: a new one would be empty for a moment.
    const cover = this.coverOf === song.id ? this.body.querySelector(".cover") : null;
    this.coverOf = song.id;
    cover?.style.setProperty("--colour", explorer.map.colourOf(index));
    const focused = [...this.body.querySelectorAll("button")].indexOf(document.activeElement);
    this.body.replaceChildren(
      cover ?? this.makeCover(song, index),
      ...this.makeHeading(song),
      ...this.makeMissingNote(song),
      this.makeChips(song, index),
      this.makeActions(index),
      ...(song.note ? [explorer.element("p", "panel-note", song.note)] : []),
      ...this.makeOtherFiles("same-sound", "Same sound", song.same_sound_count, song.same_sound),
      ...this.makeOtherFiles("same-recording", "The same recording", song.same_recording_count, song.same_recording),
      ...this.makeNeighbours(neighbours),
    );
    this.markPlaying(explorer.player.index);
    // On a new map of the same song, the keyboard stays where it was.
    if (cover && focused >= 0) this.body.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
    return true;
  },

  /** @returns {HTMLElement[]} A note that the song's file is missing and what can be played instead; none if the file exists. */
  makeMissingNote(song) {
    if (!song.gone_since) return [];
    const { element } = explorer;
    const fallbacks = { preview: "You can still play its preview.", copy: "You can still play a copy of it." };
    const note = element("p", "panel-missing");
    note.append(
      element("strong", "", `File missing since ${explorer.api.missingSince(song)}`),
      element("span", "", fallbacks[song.fallback] ?? "It cannot be played."),
    );
    return [note];
  },

  /**
   * @param {string} kind The class of the list.
   * @param {string} title The title of the list.
   * @param {number} count How many songs there are.
   * @param {object[]} songs The first of them.
   * @returns {HTMLElement[]} A list of the other songs with exactly the same sound, or of the other encodings of the
   *   recording; nothing if there are none.
   */
  makeOtherFiles(kind, title, count, songs) {
    if (!count) return [];
    const { element } = explorer;
    const head = element("h3", "panel-list-head");
    head.append(element("span", "", title), element("small", "", `${count.toLocaleString("en")} other song${count === 1 ? "" : "s"}`));
    const list = element("ol", `song-list ${kind}`);
    list.append(...songs.map((other) => this.makeFileRow(other)));
    const notListed = count - songs.length;
    return notListed ? [head, list, element("p", "panel-note", `… and ${notListed.toLocaleString("en")} more.`)] : [head, list];
  },

  /** @returns {number} The index of a row's song: a new map changes it while the row is shown. */
  indexOf(row) {
    return Number(row.dataset.index);
  },

  /**
   * Make the row of a song with the same sound or recording. A click on its title, format or path moves the map
   * to the song and plays it.
   */
  makeFileRow({ index, title, path, format, gone }) {
    const { element } = explorer;
    const row = element("li", "song-row", null, { "data-index": index });
    const names = element("button", "row-names", null, { type: "button", title: `Go to ${path}` });
    names.append(element("span", "row-title", title), element("span", "row-by", [gone && "File missing", format, path].filter(Boolean).join(" · ")));
    names.addEventListener("click", () => explorer.flyToAndPlay(this.indexOf(row)));
    row.append(names);
    return row;
  },

  /**
   * @returns {HTMLElement} The cover from the song's file. It has the colour of the song's group until the
   *   cover is loaded, or if the file has no cover.
   */
  makeCover(song, index) {
    const cover = explorer.element("div", "cover");
    cover.style.setProperty("--colour", explorer.map.points ? explorer.map.colourOf(index) : "var(--accent)");
    cover.append(explorer.icon("note"));
    if (!song.gone_since) this.fetchCover(song.id, cover);
    return cover;
  },

  async fetchCover(id, cover) {
    try {
      const response = await explorer.api.fetchPatiently("cover/" + encodeURIComponent(id));
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
      // The group's colour stays.
    }
  },

  /** @returns {HTMLElement[]} Title, artist and, if known, album and year. */
  makeHeading(song) {
    const { element } = explorer;
    const album = [song.album, song.year].filter(Boolean).join(" · ");
    const lines = [element("h2", "panel-title", song.title), element("div", "panel-by", song.artist || "no artist")];
    if (album) lines.push(element("div", "panel-album", album));
    return lines;
  },

  /** @returns {HTMLElement} Chips for cluster, genres and duration. A click on a cluster or genre filters by it. */
  makeChips(song, index) {
    const { element, filters } = explorer;
    const chips = element("div", "chips");
    const addChip = (text, title, action) => {
      const chip = element(action ? "button" : "span", "chip", text, action ? { type: "button", title } : {});
      if (action) chip.addEventListener("click", action);
      chips.append(chip);
      return chip;
    };
    if (song.cluster) {
      const chip = addChip(song.cluster, "Show only this cluster", () => dash_clientside.set_props("filter-clusters", { value: [song.cluster] }));
      const { meta } = explorer.map;
      if (meta?.colouring === "cluster" && meta.projection !== "original" && !explorer.map.isHidden(index)) {
        chip.prepend(element("span", "dot"));
        chip.firstElementChild.style.background = explorer.map.colourOf(index);
      }
    }
    for (const genre of song.genres) addChip(genre, "Show only this genre", () => filters.add("genre", genre));
    if (song.duration_s) addChip(explorer.player.formatTime(song.duration_s));
    return chips;
  },

  /** @returns {HTMLElement} Buttons that add the song to the selection, or remove it, and that show it on the map. */
  makeActions(index) {
    if (explorer.map.points && explorer.map.isHidden(index)) return this.makeHiddenNote();
    const actions = explorer.element("div", "panel-actions");
    const add = explorer.element("button", "button quiet", null, { type: "button" });
    const setLabel = () => (add.textContent = explorer.selection.has(this.index) ? "Remove from selection" : "Add to selection");
    add.addEventListener("click", () => {
      explorer.selection.toggle(this.index);
      setLabel();
    });
    setLabel();
    const find = explorer.element("button", "button quiet", "Show on the map", { type: "button" });
    find.addEventListener("click", () => explorer.map.flyTo(this.index));
    actions.append(add, find);
    return actions;
  },

  /** @returns {HTMLElement} A note that the song is hidden, with a button that shows the hidden songs. */
  makeHiddenNote() {
    const actions = explorer.element("div", "panel-actions");
    const show = explorer.element("button", "button quiet", "Show hidden songs", { type: "button" });
    show.addEventListener("click", () => explorer.filters.showHidden());
    actions.append(explorer.element("span", "panel-note", "This song is hidden on the map."), show);
    return actions;
  },

  /**
   * @param {object[]|{failed: string}} neighbours The neighbours, or the reason why they could not be loaded.
   * @returns {HTMLElement[]}
   */
  makeNeighbours(neighbours) {
    const { element } = explorer;
    const head = element("h3", "panel-list-head");
    head.append(element("span", "", "Similar songs"), element("small", "", "n next · p previous"));
    if (neighbours.failed) return [head, element("p", "panel-note", neighbours.failed)];
    if (!neighbours.length) return [head, element("p", "panel-note", "There are no other songs.")];
    const list = element("ol", "song-list");
    list.append(...neighbours.map((neighbour) => this.makeNeighbourRow(neighbour)));
    return [head, list];
  },

  /**
   * Make a neighbour's row. Its play button plays it, and the panel does not change. A click on its title
   * plays and selects it.
   */
  makeNeighbourRow({ index, similarity, title, artist, album, gone, same_sound: isSame, same_recording: isRecording }) {
    const { element } = explorer;
    const row = element("li", "song-row", null, { "data-index": index });
    const play = explorer.iconButton("play", `Play ${title}`, "row-play");
    play.addEventListener("click", () => {
      if (explorer.player.index === this.indexOf(row)) explorer.player.toggle();
      else explorer.walk.goTo(this.indexOf(row));
    });
    const by = [isSame && "Same sound", isRecording && "Same recording", gone && "File missing", artist || "no artist", album]
      .filter(Boolean)
      .join(" · ");
    const names = element("button", "row-names", null, { type: "button", title: `Go to ${title}` });
    names.append(element("span", "row-title", title), element("span", "row-by", by));
    names.addEventListener("click", () => explorer.play(this.indexOf(row)));
    const bar = element("span", "row-bar", null, { "aria-hidden": "true" });
    bar.append(element("span"));
    bar.firstElementChild.style.width = `${Math.round(100 * Math.max(similarity, 0))}%`;
    // As ".87" instead of "0.87".
    const value = element("span", "row-value", similarity.toFixed(2).replace(/^(-?)0\./, "$1."), {
      title: "How similar the two songs sound; 1 is the highest value. It is the cosine similarity of their embeddings, after the library's average is subtracted.",
    });
    row.append(play, names, bar, value);
    return row;
  },

  /** Highlight the row of the song that plays. @param {number|null} index */
  markPlaying(index) {
    for (const row of this.card.querySelectorAll(".song-row")) {
      row.classList.toggle("playing", index !== null && Number(row.dataset.index) === index);
    }
    this.showPlayState();
  },

  /** Show in each row whether its button plays or pauses. */
  showPlayState() {
    const { state } = explorer.player.bar.dataset;
    const isPlaying = state === "playing" || state === "loading";
    for (const row of this.card?.querySelectorAll(".song-row") ?? []) {
      const pauses = isPlaying && row.classList.contains("playing");
      const icon = row.querySelector(".row-play .icon");
      if (icon) icon.className = `icon icon-${pauses ? "pause" : "play"}`;
    }
  },
};
