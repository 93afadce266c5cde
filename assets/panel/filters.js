/** The filters: what is chosen in their card, on the legend and in the search, and what the page says of it. */
window.explorer = window.explorer || {};

explorer.filters = {
  IDS: { genres: "filter-genres", clusters: "filter-clusters", artists: "filter-artists" },
  /** Switches by what they take off the map. */
  HIDING: { duplicates: "hide-duplicates", missing: "hide-missing" },
  LABELS: { duplicates: "Hide duplicates", missing: "Hide missing songs" },
  /** What is chosen now, as the server understands it. */
  chosen: { genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] },
  isolated: null,
  isReady: false,

  mount() {
    this.card = document.getElementById("filters");
    this.toggleButton = document.getElementById("filter-toggle");
    this.state = document.getElementById("filter-state");
    this.toggleButton.addEventListener("click", () => this.toggle());
    document.getElementById("filter-clear").addEventListener("click", () => this.clear());
    document.addEventListener("pointerdown", (event) => {
      const isElsewhere = !event.target.closest("#filters, #filter-toggle, .mantine-MultiSelect-dropdown");
      if (!this.card.hidden && isElsewhere) this.toggle(false);
    });
    document.getElementById("legend").addEventListener("click", (event) => this.clickLegend(event));
    this.ranges = null;
  },

  toggle(open = this.card.hidden) {
    this.card.hidden = !open;
    this.toggleButton.setAttribute("aria-expanded", String(open));
    if (open) requestAnimationFrame(() => this.card.querySelector("#filter-genres")?.focus());
  },

  get isOpen() {
    return !this.card.hidden;
  },

  /** @returns {object} The filter, for the server. */
  gather(controls) {
    this.chosen = this.read(controls, this.isReady ? null : this.chosen);
    this.tellRanges();
    return { ...this.chosen };
  },

  /**
   * Make a filter of what the controls say. A range that leaves nothing out is none.
   * @param {object} controls
   * @param {object|null} before A filter whose ranges hold while the controls do not know the range of all songs.
   */
  read({ genres, clusters, artists, years, duration, hide, firstYear, lastYear, longest }, before) {
    const part = (range, least, most) => (!range || (range[0] <= least && range[1] >= most) ? null : range);
    return {
      genres: genres || [],
      clusters: clusters || [],
      artists: artists || [],
      years: before ? before.years : part(years, firstYear, lastYear),
      duration_s: before ? before.duration_s : part(duration, 0, longest),
      hide,
    };
  },

  /** @param {object} isOn By kind. @returns {string[]} The kinds that are to be hidden. */
  kindsOf(isOn) {
    return Object.keys(this.HIDING).filter((kind) => isOn[kind]);
  },

  /** Write the ranges beside their names. */
  tellRanges() {
    const { years, duration_s: duration } = this.chosen;
    const write = (id, text) => (document.querySelector(`#${id}-field .range-value`).textContent = text);
    write("filter-years", years ? ` ${years[0]} – ${years[1]}` : "");
    write("filter-duration", duration ? ` ${duration.map((seconds) => explorer.player.format(seconds)).join(" – ")}` : "");
  },

  /** @returns {number[][]|null} Where the ranges' thumbs go when it is known what there is to choose from. */
  place(firstYear, lastYear, longest) {
    if (this.isReady) return null;
    this.isReady = true;
    this.ranges = { years: [firstYear, lastYear], duration: [0, longest] };
    document.getElementById("filter-years-field").hidden = lastYear <= firstYear;
    return [this.chosen.years || [firstYear, lastYear], this.chosen.duration_s || [0, longest]];
  },

  /** Put a filter, as an address says it, into the controls. */
  restore(chosen) {
    this.chosen = { ...this.chosen, years: chosen.years, duration_s: chosen.duration_s };
    for (const [kind, id] of Object.entries(this.IDS)) dash_clientside.set_props(id, { value: chosen[kind] });
    for (const [kind, id] of Object.entries(this.HIDING)) dash_clientside.set_props(id, { checked: chosen.hide.includes(kind) });
    if (this.isReady) {
      dash_clientside.set_props("filter-years", { value: chosen.years || this.ranges.years });
      dash_clientside.set_props("filter-duration", { value: chosen.duration_s || this.ranges.duration });
    } else dash_clientside.set_props("filter", { data: { ...chosen } });
  },

  /** Filter by one more genre or artist. @param {"genre"|"artist"} kind */
  add(kind, name) {
    const plural = `${kind}s`;
    const values = [...new Set([...this.chosen[plural], name])];
    dash_clientside.set_props(this.IDS[plural], { value: values });
  },

  clear() {
    this.restore({ genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] });
    this.isolate(null);
  },

  /** Put all songs that are hidden back on the map. */
  showHidden() {
    for (const id of Object.values(this.HIDING)) dash_clientside.set_props(id, { checked: false });
  },

  /** @param {number[]|null} groups Of the colouring that is shown. */
  isolate(groups) {
    this.isolated = groups?.length ? groups : null;
    const of = explorer.groupsOf(explorer.url.look);
    dash_clientside.set_props("isolated", { data: this.isolated ? { of, groups: this.isolated } : null });
  },

  /** A row isolates its group, or lets it go again; with Shift it is added to those that are isolated. */
  clickLegend(event) {
    const player = event.target.closest("[data-representative]");
    if (player) explorer.visit(Number(player.dataset.representative));
    const row = event.target.closest("[data-group]");
    if (!row) return;
    this.isolate(this.isolatedAfter(explorer.url.look.filter.shown || [], Number(row.dataset.group), event.shiftKey));
  },

  /** @returns {number[]} The groups that are isolated after a click on one of the legend's rows; none shows all. */
  isolatedAfter(shown, group, isAdded) {
    const isOn = shown.includes(group);
    if (isAdded) return isOn ? shown.filter((other) => other !== group) : [...shown, group];
    return isOn && shown.length === 1 ? [] : [group];
  },

  /** Offer to hide what there is to hide. */
  offerHiding(counts) {
    for (const [kind, id] of Object.entries(this.HIDING)) {
      document.getElementById(`${id}-field`).hidden = !counts[kind];
      const label = `${this.LABELS[kind]} (${counts[kind].toLocaleString("en")})`;
      if (document.getElementById(id).labels[0]?.textContent !== label) dash_clientside.set_props(id, { label });
    }
  },

  /** Say how many songs are lit, and offer to light all. */
  tell({ unlit, lit, songs, away, hideable }) {
    this.offerHiding(hideable);
    const isFiltered = (unlit !== null && unlit !== undefined) || away > 0;
    this.state.hidden = !isFiltered;
    document.getElementById("filter-toggle").classList.toggle("on", isFiltered);
    if (!isFiltered) return;
    const { element } = explorer;
    const clear = element("button", "link", "Show all", { type: "button" });
    clear.addEventListener("click", () => this.clear());
    this.state.replaceChildren(element("span", "", this.describe({ lit, songs, away })), clear);
  },

  /** @returns {string} How many songs the filter lets through. */
  describe({ lit, songs, away }) {
    const hidden = away ? ` · ${away.toLocaleString("en")} hidden` : "";
    return lit ? `${lit.toLocaleString("en")} of ${songs.toLocaleString("en")} songs${hidden}` : "No song is like that";
  },
};
