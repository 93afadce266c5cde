/**
 * What Dash calls in the browser. Sound and movement start here, without a round trip to the server.
 * The work is done by explorer.map, explorer.overlays, explorer.player and explorer.songs.
 */
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  explorer: {
    /** Give a drawing from the server the part of the map to show, unless a notice stands in its place. */
    draw(figure) {
      if (!figure || document.getElementById("notice")) return window.dash_clientside.no_update;
      return explorer.map.prepare(figure);
    },

    /** Show the tooltip of the point under the pointer, or hide it. */
    hover(hoverData) {
      explorer.overlays.hover(hoverData ? hoverData.points[0].pointIndex : null);
      return window.dash_clientside.no_update;
    },

    /** Play the point that was clicked: from the start, also when it plays already. */
    click(clickData) {
      if (clickData) explorer.play(clickData.points[0].pointIndex);
      return window.dash_clientside.no_update;
    },

    /** Fly to the song that was chosen in the search, play it, and empty the field. */
    goTo(value) {
      const nothing = window.dash_clientside.no_update;
      if (value === null || value === undefined) return [nothing, nothing];
      explorer.visit(Number(value));
      document.activeElement?.blur();
      return [null, ""];
    },

    /** The theme button was pressed: the other theme is the user's choice from now on. */
    chooseTheme(_clicks, theme) {
      return theme === "dark" ? "light" : "dark";
    },

    /** Apply the user's choice of theme, or else the system's. */
    applyTheme(_timestamp, chosen) {
      const theme = chosen || explorer.systemTheme();
      return [theme, theme];
    },

    /** The number of clusters matters only where colours mean clusters. */
    showClusterField(colouring) {
      return { display: colouring === "cluster" ? "" : "none" };
    },

    /** t-SNE is drawn with a perplexity, UMAP with a number of neighbours, PCA with neither. */
    showRedrawFields(projection) {
      const shown = (name) => ({ display: projection === name ? "" : "none" });
      return [shown("tsne"), shown("umap")];
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

  /** A suggestion: title above artist, as text. */
  songOption({ option }) {
    const line = (className, text) => React.createElement("div", { className, key: className }, text);
    return React.createElement("div", { className: "suggestion" }, [
      line("suggestion-title", option.label),
      line("suggestion-artist", option.artist || "no artist"),
    ]);
  },
});
