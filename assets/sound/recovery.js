/**
 * What happens when the player cannot play a file to its end. Some files decode on the server and not in this browser,
 * although browsers play their format: an MP3 that changes its sample rate, for example. The server makes a FLAC copy
 * of such a file.
 */
window.explorer = window.explorer || {};

explorer.recovery = {
  COPY_QUERY: "?copy=flac",
  /**
   * A song that ends by more than this before the end that the library knows was not played whole. Browsers tell the
   * position about four times a second, in a hidden page once a second.
   */
  EARLY_S: 3,
  /** The addresses of the files that this browser could not play since the page was loaded. */
  needsCopy: new Set(),
  /**
   * The last position before the end, in seconds. At the end, Chromium sets the position to the duration that the
   * file's header claims.
   */
  reached: 0,
  /** The position that the audio element seeks to; null if it does not seek. */
  seekTarget: null,
  /** The position of the second attempt to seek; null if there was none. */
  retriedSeek: null,
  /**
   * The address that was loaded a second time because of an error. The server may have been busy the first time.
   * Empty after a song was chosen.
   */
  reloaded: "",

  /** Listen to the events of the player's audio element. Called once. */
  listen() {
    const { audio } = explorer.player;
    audio.addEventListener("timeupdate", () => audio.ended || (this.reached = audio.currentTime));
    audio.addEventListener("emptied", () => (this.reached = 0));
    audio.addEventListener("seeking", () => (this.seekTarget = this.reached = audio.currentTime));
    audio.addEventListener("seeked", () => (this.seekTarget = this.retriedSeek = null));
    audio.addEventListener("error", () => (this.seekTarget > 0 ? this.retrySeek() : this.playCopyOrExplain()));
  },

  /** @param {string} file The address of a file. @returns {string} The address to play it from: its own, or its copy's. */
  addressOf(file) {
    return this.needsCopy.has(file) ? file + this.COPY_QUERY : file;
  },

  /** @returns {boolean} Whether the file at an address may have a copy: previews and copies have none. */
  isOriginal(address) {
    return !address.startsWith("preview/") && !address.endsWith(this.COPY_QUERY);
  },

  /**
   * @param {string} address The address of the file that has ended.
   * @param {number} reached The last position before the end, in seconds.
   * @param {number|null|undefined} durationS The duration that the library knows.
   * @returns {boolean} Whether the browser ended the file too early.
   */
  endedEarly(address, reached, durationS) {
    return this.isOriginal(address) && Boolean(durationS) && reached < durationS - this.EARLY_S;
  },

  /** The audio element has ended. @returns {boolean} Whether it ended too early: then a copy plays on. */
  continueIfEarly() {
    const { audio, song } = explorer.player;
    if (!this.endedEarly(audio.getAttribute("src"), this.reached, song?.duration_s)) return false;
    this.playCopy(this.reached, true);
    return true;
  },

  /**
   * Chromium cannot seek to some positions near the end of a song and reports an error: seek once more, 1.5 s
   * earlier.
   */
  retrySeek() {
    const { player } = explorer;
    const target = Math.max(this.seekTarget - 1.5, 0);
    this.seekTarget = null;
    if (this.retriedSeek !== null) return this.playCopyOrExplain();
    this.retriedSeek = target;
    player.audio.load();
    player.audio.currentTime = target;
    player.start();
  },

  /**
   * Ask the server why the song did not play. If it has the file, play a copy of it; otherwise its answer is a
   * message for the user. A busy server is asked again, and a copy is loaded again once it is there: an audio element
   * does not tell that the server was busy.
   */
  async playCopyOrExplain() {
    const { player } = explorer;
    const { audio } = player;
    // Chromium has paused the audio element before this event, but the page has not shown that yet.
    const plays = player.isPausedForPreview || ["playing", "loading"].includes(player.bar.dataset.state);
    const source = audio.getAttribute("src");
    if (!source) return;
    const position = Math.max(audio.currentTime, this.retriedSeek ?? 0);
    this.retriedSeek = null;
    try {
      const response = await explorer.api.fetchPatiently(source, { headers: { Range: "bytes=0-0" } });
      if (source !== audio.getAttribute("src")) return;
      if (!response.ok) player.showError(await response.text());
      else if (this.isOriginal(source)) this.playCopy(position, plays);
      else if (this.reloaded !== source) this.load((this.reloaded = source), position, plays);
      else player.showError("This browser cannot play the file.");
    } catch {
      player.showError("The server does not answer. Is it still running?");
    }
  },

  /**
   * Replace the file that the browser cannot play by its copy.
   * @param {number} position Where to continue, in seconds.
   * @param {boolean} plays Whether the song plays, or is only loaded.
   */
  playCopy(position, plays) {
    const file = explorer.player.audio.getAttribute("src");
    this.needsCopy.add(file);
    this.load(this.addressOf(file), position, plays);
  },

  /** Load an address, and continue at a position. */
  load(address, position, plays) {
    const { player } = explorer;
    this.seekTarget = this.retriedSeek = null;
    player.audio.src = address;
    player.audio.currentTime = position;
    if (plays && !player.isPausedForPreview) player.start();
  },
};
