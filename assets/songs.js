/** Songs' details, fetched by their number on the map and kept. */
window.explorer = window.explorer || {};

explorer.songs = {
  MAX_KEPT: 5000,
  revision: 0,
  kept: new Map(),

  /** Forget what belongs to another map than the one on the page. */
  setRevision(revision) {
    if (revision !== this.revision) this.kept.clear();
    this.revision = revision;
  },

  /**
   * @param {number} index A song's number on the map.
   * @returns {Promise<{index: number, id: string, title: string, artist: string, genres: string[]}>}
   *   Rejected with a sentence for the user.
   */
  get(index) {
    if (!this.kept.has(index)) {
      if (this.kept.size >= this.MAX_KEPT) this.kept.delete(this.kept.keys().next().value);
      const details = this.fetch(index);
      details.catch(() => this.kept.delete(index));
      this.kept.set(index, details);
    }
    return this.kept.get(index);
  },

  async fetch(index) {
    let response;
    try {
      response = await fetch(`songs/${this.revision}/${index}`);
    } catch {
      throw new Error("The server does not answer: is it still running?");
    }
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  },

  /** @returns {string} Artist and genres, or what there is of them. */
  byline(song) {
    return [song.artist, song.genres.join(", ")].filter(Boolean).join(" · ");
  },
};
