/** Exports the selection as a playlist or a table, which the browser saves as a file. */
window.explorer = window.explorer || {};

explorer.playlistExport = {
  FORMATS: { m3u8: "M3U8 playlist", xspf: "XSPF playlist", csv: "CSV table" },
  PATHS: { relative: "relative paths", absolute: "absolute paths" },
  /** The browser must begin to save the file within this time; then the file is removed from memory. */
  SAVE_TIMEOUT_MS: 10_000,

  mount() {
    this.status = document.getElementById("export-state");
    this.format = this.makeDropdown("export-form", "Format", this.FORMATS);
    this.paths = this.makeDropdown("export-paths", "Paths", this.PATHS);
    document.getElementById("export-line").append(this.format, this.paths);
    document.getElementById("export-start").addEventListener("click", () => this.export());
  },

  makeDropdown(id, label, options) {
    const dropdown = explorer.element("select", "dropdown", null, { id, "aria-label": label });
    dropdown.append(...Object.entries(options).map(([value, text]) => explorer.element("option", "", text, { value })));
    return dropdown;
  },

  clearMessage() {
    this.status.textContent = "";
  },

  /** Request the file from the server and save it. */
  async export() {
    const { songs } = explorer.selection;
    const { revision } = explorer.api;
    this.status.textContent = "Exporting…";
    try {
      const response = await fetch("export", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ revision, songs, form: this.format.value, paths: this.paths.value }),
      });
      if (!response.ok) throw new Error(await response.text());
      const leftOut = Number(response.headers.get("X-Left-Out") || 0);
      const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") || "")?.[1] ?? "selection";
      const link = explorer.element("a", "", null, { download: name, href: URL.createObjectURL(await response.blob()) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), this.SAVE_TIMEOUT_MS);
      const note = leftOut ? ` ${leftOut} songs without a file were left out.` : "";
      this.status.textContent = `${name} was saved.${this.pathHint(response.headers.get("X-Path-Problem"))}${note}`;
    } catch (error) {
      this.status.textContent = error.message;
    }
  },

  /** @param {string|null} problem Why the server wrote other paths than the user chose. @returns {string} */
  pathHint(problem) {
    if (problem) return ` ${problem}`;
    return this.paths.value === "relative" ? " Its paths are relative to the music folder: move the file into that folder." : "";
  },
};
