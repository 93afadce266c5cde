/**
 * What Dash calls in the browser. Sound and movement start here, without a round trip to the server.
 * The work is done by the other files' parts of `explorer`.
 */
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  explorer: {
    /** Gather what the page shows: one change of it is one drawing. Nothing is drawn before the theme is known. */
    look(projection, colouring, clusters, fade, theme, revision, changes, filter, isolated) {
      if (!theme || document.getElementById("notice")) return window.dash_clientside.no_update;
      const look = { projection, colouring, clusters, fade, theme, revision, changes };
      const shown = isolated && isolated.of === explorer.groupsOf(look) ? isolated.groups : null;
      look.filter = { ...filter, shown };
      explorer.url.setView(look);
      return look;
    },

    /** Give a drawing from the server the part of the map to show. */
    draw(figure) {
      return figure ? explorer.map.prepare(figure) : window.dash_clientside.no_update;
    },

    /** Fly to the song that was chosen in the search and play it, or filter by the genre or artist chosen. */
    goTo(value) {
      const nothing = window.dash_clientside.no_update;
      if (!value) return [nothing, nothing];
      const at = value.indexOf(":");
      const [kind, name] = [value.slice(0, at), value.slice(at + 1)];
      if (kind === "song") explorer.visit(Number(name));
      else explorer.filters.add(kind, name);
      document.activeElement?.blur();
      return [null, ""];
    },

    /** Gather the filters' controls; a range that leaves nothing out is none. */
    gatherFilter(genres, clusters, artists, years, duration, duplicates, missing, firstYear, lastYear, longest) {
      const hide = explorer.filters.kindsOf({ duplicates, missing });
      return explorer.filters.gather({ genres, clusters, artists, years, duration, hide, firstYear, lastYear, longest });
    },

    /** The ranges that there are to choose from have come from the server. */
    placeRanges(_ready, firstYear, lastYear, longest) {
      const values = explorer.filters.place(firstYear, lastYear, longest);
      return values || [window.dash_clientside.no_update, window.dash_clientside.no_update];
    },

    /** The theme button was pressed: the other theme is the user's choice from now on. */
    chooseTheme(_clicks, theme) {
      return theme === "dark" ? "light" : "dark";
    },

    /** Apply the user's choice of theme, or else the system's. What the address says comes first. */
    applyTheme(_timestamp, chosen) {
      explorer.url.restoreOnce();
      const theme = chosen || explorer.systemTheme();
      return [theme, theme];
    },

    /** Some controls matter in some views only. */
    showFields(projection, colouring) {
      const shown = (is) => ({ display: is ? "" : "none" });
      const isOriginal = projection === "original";
      return [
        shown(isOriginal || colouring === "cluster"),
        { visibility: isOriginal ? "hidden" : "visible" },
        shown(projection === "tsne"),
        shown(projection === "umap"),
      ];
    },

    /** On narrow windows the controls open and close. */
    toggleControls(_clicks, className) {
      const open = !className.includes("open");
      document.querySelector(".page").classList.toggle("controls-open", open);
      return open ? "controls open" : "controls";
    },
  },
});

window.dashMantineFunctions = Object.assign({}, window.dashMantineFunctions, {
  /** The server has filtered and ordered the suggestions. */
  showAll({ options }) {
    return options;
  },

  /** A suggestion: what it is called above what it is, as text. */
  songOption({ option }) {
    const line = (className, text) => React.createElement("div", { className, key: className }, text);
    return React.createElement("div", { className: `suggestion suggestion-${option.value.split(":")[0]}` }, [
      line("suggestion-title", option.label),
      line("suggestion-artist", option.told),
    ]);
  },

  /** @param {number} seconds @returns {string} */
  asDuration(seconds) {
    return explorer.player.format(seconds);
  },
});
