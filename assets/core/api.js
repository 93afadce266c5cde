/** Requests for songs and their neighbours. Answers are cached by the song's index on the map. */
window.explorer = window.explorer || {};

explorer.api = {
  /** The largest number of answers in each of the two caches. */
  MAX_CACHED: 5000,
  /** The revision of the map on the page; indices are valid for this revision only. */
  revision: null,
  songCache: new Map(),
  neighbourCache: new Map(),

  /**
   * Set the map's revision. If the map had another revision before, clear the caches.
   * @param {number} revision
   * @returns {boolean} Whether the map had another revision before.
   */
  setRevision(revision) {
    const isReplaced = this.revision !== null && revision !== this.revision;
    if (isReplaced) this.clearCache();
    this.revision = revision;
    return isReplaced;
  },

  /** Clear the caches, for example after files were added or removed, or after the user hid songs. */
  clearCache() {
    this.songCache.clear();
    this.neighbourCache.clear();
  },

  /**
   * Get a song's title, artist and so on.
   * @param {number} index The song's index on the map.
   * @returns {Promise<{index: number, id: string, title: string, artist: string, genres: string[]}>}
   *   Rejects with a message for the user.
   */
  getSong(index) {
    const clusters = explorer.url.view?.clusters;
    const query = clusters ? `?clusters=${clusters}` : "";
    return this.fetchOnce(this.songCache, index, () => this.getJson(`songs/${this.revision}/${index}${query}`));
  },

  /**
   * Get the songs that sound most like a song, without the songs that are hidden on the map.
   * @param {number} index The song's index on the map.
   * @returns {Promise<{index: number, similarity: number, title: string, artist: string}[]>}
   */
  neighbours(index) {
    return this.fetchOnce(this.neighbourCache, index, async () => {
      const query = new URLSearchParams((explorer.map.meta?.hide ?? []).map((kind) => ["hide", kind])).toString();
      return (await this.getJson(`neighbours/${this.revision}/${index}${query && "?" + query}`)).neighbours;
    });
  },

  /** @param {string} id A song's id. @returns {Promise<number|null>} Its index on the map. */
  async indexOf(id) {
    return (await this.getJson(`songs/${this.revision}/by-id/${encodeURIComponent(id)}`)).index;
  },

  /**
   * Return a cached answer, or request it. A failed request is not cached; a full cache drops its oldest answer.
   * @param {Map<number, Promise<*>>} cache
   * @param {number} index The key in the cache.
   * @param {function(): Promise<*>} request
   * @returns {Promise<*>}
   */
  fetchOnce(cache, index, request) {
    if (!cache.has(index)) {
      if (cache.size >= this.MAX_CACHED) cache.delete(cache.keys().next().value);
      const answer = request();
      answer.catch(() => cache.delete(index));
      cache.set(index, answer);
    }
    return cache.get(index);
  },

  /** How often a request is repeated that the server was too busy to answer. */
  MAX_RETRIES: 8,

  /**
   * Fetch an address. If the server is busy (503), wait as long as it says and try again; wait longer each time.
   * @param {string} address
   * @param {RequestInit} [options]
   * @returns {Promise<Response>} The last answer. Rejects as `fetch` does.
   */
  async fetchPatiently(address, options = {}) {
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(address, options);
      const waitS = Number(response.headers.get("Retry-After"));
      if (response.status !== 503 || !waitS || attempt === this.MAX_RETRIES) return response;
      await new Promise((resolve) => setTimeout(resolve, 1000 * waitS * 1.5 ** attempt));
      options.signal?.throwIfAborted();
    }
  },

  /**
   * Send a GET request.
   * @param {string} address
   * @returns {Promise<*>} The JSON answer. Rejects with a message for the user.
   */
  async getJson(address) {
    let response;
    try {
      response = await fetch(address);
    } catch {
      throw new Error("The server does not answer. Is it still running?");
    }
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  },

  /**
   * @param {{gone_since: string}} song
   * @returns {string} The day since which a song's file is missing, such as "3 November". A year that is not
   *   the current year is added.
   */
  missingSince(song, today = new Date()) {
    const date = new Date(song.gone_since);
    const year = date.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
    return date.toLocaleDateString("en-GB", { day: "numeric", month: "long", ...year });
  },

  /** @returns {string} A sentence for the user: the song's file is missing, and since which day. */
  missingText(song) {
    return `The file of “${song.title}” has been missing since ${this.missingSince(song)}.`;
  },

  /** @returns {string} How many other songs have exactly the same sound; empty if none has. */
  sameSoundText({ same_sound_count: count }) {
    return count ? `${count.toLocaleString("en")} other song${count === 1 ? " has" : "s have"} the same sound` : "";
  },

  /** @returns {string} A song's artist and genres; what is unknown is left out. */
  artistAndGenres(song) {
    return [song.artist, song.genres.join(", ")].filter(Boolean).join(" · ");
  },
};
