/** Songs' details, fetched by their number on the map and kept. */
window.explorer = window.explorer || {};

explorer.api = {
  MAX_KEPT: 5000,
  revision: null,
  kept: new Map(),
  keptNeighbours: new Map(),

  /**
   * Forget what belongs to another map than the one on the page.
   * @returns {boolean} Whether there was one before.
   */
  setRevision(revision) {
    const other = this.revision !== null && revision !== this.revision;
    if (other) {
      this.kept.clear();
      this.keptNeighbours.clear();
    }
    this.revision = revision;
    return other;
  },

  /** Files have come or gone, or other songs are hidden: what was said of songs may not hold any more. */
  forgetAll() {
    this.kept.clear();
    this.keptNeighbours.clear();
  },

  /**
   * @param {number} index A song's number on the map.
   * @returns {Promise<{index: number, id: string, title: string, artist: string, genres: string[]}>}
   *   Rejected with a sentence for the user.
   */
  get(index) {
    const clusters = explorer.url.look?.clusters;
    const query = clusters ? `?clusters=${clusters}` : "";
    return this.keep(this.kept, index, () => this.fetch(`songs/${this.revision}/${index}${query}`));
  },

  /**
   * @param {number} index A song's number on the map.
   * @returns {Promise<{index: number, similarity: number, title: string, artist: string}[]>} The songs that sound most like it.
   */
  neighbours(index) {
    return this.keep(this.keptNeighbours, index, async () => {
      const query = new URLSearchParams((explorer.map.meta?.hide ?? []).map((kind) => ["hide", kind])).toString();
      return (await this.fetch(`neighbours/${this.revision}/${index}${query && "?" + query}`)).neighbours;
    });
  },

  /** @returns {Promise<number|null>} The number on the map of the song with an id. */
  async numberOf(id) {
    return (await this.fetch(`songs/${this.revision}/by-id/${encodeURIComponent(id)}`)).index;
  },

  keep(kept, index, ask) {
    if (!kept.has(index)) {
      if (kept.size >= this.MAX_KEPT) kept.delete(kept.keys().next().value);
      const answer = ask();
      answer.catch(() => kept.delete(index));
      kept.set(index, answer);
    }
    return kept.get(index);
  },

  async fetch(address) {
    let response;
    try {
      response = await fetch(address);
    } catch {
      throw new Error("The server does not answer: is it still running?");
    }
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  },

  /** @returns {string} Since when a song's file is missing, as "3 November"; with the year where it is another one. */
  goneSince(song, today = new Date()) {
    const day = new Date(song.gone_since);
    const year = day.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
    return day.toLocaleDateString("en-GB", { day: "numeric", month: "long", ...year });
  },

  /** @returns {string} The beginning of a sentence about a song whose file is missing. */
  absence(song) {
    return `The file of “${song.title}” has been missing since ${this.goneSince(song)}`;
  },

  /** @returns {string} How many other songs have the very same sound; nothing where none has. */
  sameSound({ same_sound_count: count }) {
    return count ? `${count.toLocaleString("en")} other song${count === 1 ? " has" : "s have"} the same sound` : "";
  },

  /** @returns {string} Artist and genres, or what there is of them. */
  byline(song) {
    return [song.artist, song.genres.join(", ")].filter(Boolean).join(" · ");
  },
};
