/** The filter: its controls, the legend, and the line that counts the matching songs. */
window.explorer = window.explorer || {};

/**
 * @typedef {object} Filter
 * @property {string[]} genres Empty allows every genre. Clusters and artists work in the same way.
 * @property {string[]} clusters
 * @property {string[]} artists
 * @property {number[]|null} years First and last; null allows every year.
 * @property {number[]|null} duration_s Shortest and longest; null allows every duration.
 * @property {string[]} hide The kinds of songs that are removed from the map: "duplicates", "missing".
 */

explorer.filters = {
  FIELD_IDS: { genres: "filter-genres", clusters: "filter-clusters", artists: "filter-artists" },
  /** The switches that hide songs, by the kind of songs that they hide. */
  SWITCH_IDS: { duplicates: "hide-duplicates", missing: "hide-missing" },
  SWITCH_LABELS: { duplicates: "Hide duplicates", missing: "Hide missing songs" },
  /** @type {Filter} The filter now. */
  current: { genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] },
  /** Whether the server has sent the limits of the range sliders. */
  isReady: false,
  /** The limits of the range sliders; null until the server has sent them. */
  ranges: null,

  mount() {
    this.card = document.getElementById("filters");
    this.toggleButton = document.getElementById("filter-toggle");
    this.countLine = document.getElementById("filter-state");
    this.toggleButton.addEventListener("click", () => this.toggle());
    document.getElementById("filter-clear").addEventListener("click", () => this.clear());
    document.addEventListener("pointerdown", (event) => {
      const isOutside = !event.target.closest("#filters, #filter-toggle, .mantine-MultiSelect-dropdown");
      if (!this.card.hidden && isOutside) this.toggle(false);
    });
    document.getElementById("legend").addEventListener("click", (event) => this.onLegendClick(event));
  },

  toggle(isOpen = this.card.hidden) {
    this.card.hidden = !isOpen;
    this.toggleButton.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) requestAnimationFrame(() => this.card.querySelector("#filter-genres")?.focus());
  },

  get isOpen() {
    return !this.card.hidden;
  },

  /** Store the values of the controls as the current filter. @returns {Filter} A copy for the server. */
  setFromControls(controls) {
    this.current = this.parse(controls, this.isReady ? null : this.current);
    this.showRanges();
    return { ...this.current };
  },

  /**
   * Make a filter from the controls' values. A range that includes all songs becomes null.
   * @param {object} controls
   * @param {Filter|null} before While the sliders' limits are unknown: the current filter, whose ranges are
   *   kept. Otherwise null.
   * @returns {Filter}
   */
  parse({ genres, clusters, artists, years, duration, hide, firstYear, lastYear, longest }, before) {
    const restricted = (range, min, max) => (!range || (range[0] <= min && range[1] >= max) ? null : range);
    return {
      genres: genres || [],
      clusters: clusters || [],
      artists: artists || [],
      years: before ? before.years : restricted(years, firstYear, lastYear),
      duration_s: before ? before.duration_s : restricted(duration, 0, longest),
      hide,
    };
  },

  /** @param {Object<string, boolean>} isOn The state of each switch, by kind. @returns {string[]} The kinds to hide. */
  hiddenKinds(isOn) {
    return Object.keys(this.SWITCH_IDS).filter((kind) => isOn[kind]);
  },

  /** Show the chosen ranges next to the names of the sliders. */
  showRanges() {
    const { years, duration_s: duration } = this.current;
    const write = (id, text) => (document.querySelector(`#${id}-field .range-value`).textContent = text);
    write("filter-years", years ? ` ${years[0]} – ${years[1]}` : "");
    write("filter-duration", duration ? ` ${duration.map((seconds) => explorer.player.formatTime(seconds)).join(" – ")}` : "");
  },

  /**
   * Store the sliders' limits. They change when the library grows: a slider that includes all songs still does then.
   * @returns {number[][]|null} The values for the two sliders; null if the limits are those of before.
   */
  setRanges(firstYear, lastYear, longest) {
    const ranges = { years: [firstYear, lastYear], duration: [0, longest] };
    if (JSON.stringify(ranges) === JSON.stringify(this.ranges)) return null;
    this.isReady = true;
    this.ranges = ranges;
    document.getElementById("filter-years-field").hidden = lastYear <= firstYear;
    return [this.current.years || [firstYear, lastYear], this.current.duration_s || [0, longest]];
  },

  /** Set the controls to a filter, for example from the address. @param {Filter} filter */
  restore(filter) {
    this.current = { ...this.current, years: filter.years, duration_s: filter.duration_s };
    for (const [kind, id] of Object.entries(this.FIELD_IDS)) dash_clientside.set_props(id, { value: filter[kind] });
    for (const [kind, id] of Object.entries(this.SWITCH_IDS)) dash_clientside.set_props(id, { checked: filter.hide.includes(kind) });
    if (this.isReady) {
      dash_clientside.set_props("filter-years", { value: filter.years || this.ranges.years });
      dash_clientside.set_props("filter-duration", { value: filter.duration_s || this.ranges.duration });
    } else dash_clientside.set_props("filter", { data: { ...filter } });
  },

  /** Add a genre or artist to the filter. @param {"genre"|"artist"} kind @param {string} name */
  add(kind, name) {
    const field = `${kind}s`;
    const values = [...new Set([...this.current[field], name])];
    dash_clientside.set_props(this.FIELD_IDS[field], { value: values });
  },

  clear() {
    this.restore({ genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] });
    this.isolate(null);
  },

  /** Turn off the switches that hide songs. */
  showHidden() {
    for (const id of Object.values(this.SWITCH_IDS)) dash_clientside.set_props(id, { checked: false });
  },

  /**
   * Isolate groups of the current colouring: show only their songs.
   * @param {number[]|null} groups Null or empty shows all groups.
   */
  isolate(groups) {
    const of = explorer.groupingKey(explorer.url.view);
    dash_clientside.set_props("isolated", { data: groups?.length ? { of, groups } : null });
  },

  /** A click on a row of the legend isolates its group; a click on its play button plays the group's representative. */
  onLegendClick(event) {
    const playButton = event.target.closest("[data-representative]");
    if (playButton) explorer.flyToAndPlay(Number(playButton.dataset.representative));
    const row = event.target.closest("[data-group]");
    if (!row) return;
    this.isolate(this.isolatedAfter(explorer.url.view.filter.shown || [], Number(row.dataset.group), event.shiftKey));
  },

  /**
   * @param {number[]} isolated The groups that are isolated now.
   * @param {number} group The group that was clicked.
   * @param {boolean} hasShift Whether Shift was pressed: then the click adds this group to the others, or
   *   removes it.
   * @returns {number[]} The groups that are isolated after the click; empty if all groups are shown.
   */
  isolatedAfter(isolated, group, hasShift) {
    const isOn = isolated.includes(group);
    if (hasShift) return isOn ? isolated.filter((other) => other !== group) : [...isolated, group];
    return isOn && isolated.length === 1 ? [] : [group];
  },

  /** Show each switch only if there are songs that it can hide. @param {Object<string, number>} counts By kind. */
  showSwitches(counts) {
    for (const [kind, id] of Object.entries(this.SWITCH_IDS)) {
      document.getElementById(`${id}-field`).hidden = !counts[kind];
      const label = `${this.SWITCH_LABELS[kind]} (${counts[kind].toLocaleString("en")})`;
      if (document.getElementById(id).labels[0]?.textContent !== label) dash_clientside.set_props(id, { label });
    }
  },

  /**
   * Show how many songs match, with a button that clears the filter. The server sends the numbers with each
   * drawing.
   */
  showCounts({ unlit, lit: matching, songs, away: hidden, hideable }) {
    this.showSwitches(hideable);
    const isFiltered = (unlit !== null && unlit !== undefined) || hidden > 0;
    this.countLine.hidden = !isFiltered;
    this.toggleButton.classList.toggle("on", isFiltered);
    if (!isFiltered) return;
    const { element } = explorer;
    const clear = element("button", "link", "Show all", { type: "button" });
    clear.addEventListener("click", () => this.clear());
    this.countLine.replaceChildren(element("span", "", this.describe({ matching, songs, hidden })), clear);
  },

  /** @returns {string} How many of the songs match the filter, and how many are hidden. */
  describe({ matching, songs, hidden }) {
    const suffix = hidden ? ` · ${hidden.toLocaleString("en")} hidden` : "";
    return matching ? `${matching.toLocaleString("en")} of ${songs.toLocaleString("en")} songs${suffix}` : "No song matches";
  },
};
