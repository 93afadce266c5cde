/**
 * The functions that Dash calls in the browser instead of on the server. They read the controls and call the
 * other files in assets/, which do the work.
 */
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  explorer: {
    /**
     * Collect the values of all controls in one object, the view. If several controls change at once, the map
     * is drawn only once. Nothing is drawn before the theme is known.
     */
    gatherView(projection, colouring, clusters, fade, theme, revision, changes, filter, isolated) {
      if (!theme || document.getElementById("notice")) return window.dash_clientside.no_update;
      const view = { projection, colouring, clusters, fade, theme, revision, changes };
      const shown = isolated && isolated.of === explorer.groupingKey(view) ? isolated.groups : null;
      view.filter = { ...filter, shown };
      explorer.url.setView(view);
      return view;
    },

    /**
     * Complete a figure from the server: set the part of the map that it shows. For a new map, first ask for the
     * songs' new indices.
     */
    prepareFigure(figure) {
      if (!figure) return window.dash_clientside.no_update;
      const [from, to] = [explorer.map.meta?.revision, figure.layout.meta.revision];
      if (from === undefined || from === to) return explorer.map.prepare(figure);
      return explorer.growth.prepareNewMap(figure, from, to);
    },

    /**
     * Open the suggestion that the user chose in the search: play the song, or filter by the genre or artist.
     * @param {string} value "song:ID", "genre:NAME" or "artist:NAME".
     */
    openSuggestion(value) {
      const { no_update } = window.dash_clientside;
      if (!value) return [no_update, no_update];
      const colon = value.indexOf(":");
      const [kind, name] = [value.slice(0, colon), value.slice(colon + 1)];
      if (kind === "song") explorer.findAndPlay(name);
      else explorer.filters.add(kind, name);
      document.activeElement?.blur();
      return [null, ""];
    },

    /** Collect the values of the filter's controls. */
    gatherFilter(genres, clusters, artists, years, duration, duplicates, missing, firstYear, lastYear, longest) {
      const hide = explorer.filters.hiddenKinds({ duplicates, missing });
      return explorer.filters.setFromControls({ genres, clusters, artists, years, duration, hide, firstYear, lastYear, longest });
    },

    /** Set the values of the range sliders when the server has sent their limits. */
    setRanges(_ready, firstYear, lastYear, longest) {
      const values = explorer.filters.setRanges(firstYear, lastYear, longest);
      return values || [window.dash_clientside.no_update, window.dash_clientside.no_update];
    },

    /** Switch to the other theme. From now on the page uses this theme, whatever the system's theme is. */
    chooseTheme(_clicks, theme) {
      return theme === "dark" ? "light" : "dark";
    },

    /**
     * Apply the theme that the user has chosen, or the system's theme. The first call also restores the state
     * that the page's address contains, before the map is drawn.
     */
    applyTheme(_timestamp, chosen) {
      explorer.url.restoreOnce();
      const theme = chosen || explorer.systemTheme();
      return [theme, theme];
    },

    /** Show only the controls that the current view uses. */
    showFields(projection, colouring) {
      const styleIf = (isShown) => ({ display: isShown ? "" : "none" });
      const isOriginal = projection === "original";
      return [
        styleIf(isOriginal || colouring === "cluster"),
        { visibility: isOriginal ? "hidden" : "visible" },
        styleIf(projection === "tsne"),
        styleIf(projection === "umap"),
      ];
    },

    /** Open or close the controls in a narrow window. */
    toggleControls(_clicks, className) {
      const isOpen = !className.includes("open");
      document.querySelector(".page").classList.toggle("controls-open", isOpen);
      return isOpen ? "controls open" : "controls";
    },
  },
});

window.dashMantineFunctions = Object.assign({}, window.dashMantineFunctions, {
  /** Show all suggestions: the server has already filtered and sorted them. */
  showAll({ options }) {
    return options;
  },

  /**
   * Show the options that contain the text in the search field. Accents, case, spaces and punctuation are
   * ignored, as in the server's search.
   */
  showContaining({ options, search, limit }) {
    const letters = { ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ı: "i" };
    const plain = (text) => {
      const bare = text.toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]/gu, "");
      return bare.replace(/[ßæœøłđı]/g, (letter) => letters[letter]);
    };
    const wanted = plain(search);
    return options.filter(({ label }) => plain(label).includes(wanted)).slice(0, limit);
  },

  /** Draw a suggestion: its name, and below it the artist or the number of songs. Both are text, not HTML. */
  songOption({ option }) {
    const line = (className, text) => React.createElement("div", { className, key: className }, text);
    return React.createElement("div", { className: `suggestion suggestion-${option.value.split(":")[0]}` }, [
      line("suggestion-title", option.label),
      line("suggestion-artist", option.told),
    ]);
  },

  /** @param {number} seconds @returns {string} */
  asDuration(seconds) {
    return explorer.player.formatTime(seconds);
  },
});
