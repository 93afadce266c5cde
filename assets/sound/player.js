/** The player: one audio element, its bar at the bottom, and the message when a song cannot be played. */
window.explorer = window.explorer || {};

explorer.player = {
  /**
   * If the song has played for longer than this, the "previous" button goes to its start, not to the previous
   * song.
   */
  RESTART_AFTER_S: 3,
  /** The duration of the song's fade when a preview starts or stops. */
  FADE_MS: 90,
  REPEAT_MODES: ["off", "one", "all"],
  /** The song's index on the map; null if nothing plays, or an uploaded song. */
  index: null,
  /** The index of the song that was requested last, even if it could not be played. */
  requested: null,
  /** The index of the song that the audio element contains. */
  loadedIndex: null,
  /** The id of that song, and its details. */
  id: null,
  song: null,
  repeat: "off",
  /** The volume that the user has set, from 0 to 1. The audio element's own volume is lower during a fade. */
  userVolume: 1,
  /** Whether the song is paused only while a preview plays. */
  isPausedForPreview: false,

  /** Find the bar's parts and listen to events. Called once, after Dash has drawn the page. */
  mount() {
    const byId = (id) => document.getElementById(id);
    this.audio = byId("audio");
    this.bar = byId("player");
    const ids = ["play", "previous", "next", "repeat", "mute", "now-title", "now-by", "elapsed", "duration", "message"];
    this.parts = Object.fromEntries(ids.map((id) => [id, byId(id)]));
    this.seek = this.makeRange("seek", "Position in the song", 1000);
    this.volume = this.makeRange("volume", "Volume", 100);
    this.seek.addEventListener("input", () => this.seekTo(this.seek.value / 1000));
    this.volume.addEventListener("input", () => this.setVolume(this.volume.value / 100));
    this.parts.play.addEventListener("click", () => this.toggle());
    this.parts.previous.addEventListener("click", () => this.previous({ restarts: true }));
    this.parts.next.addEventListener("click", () => this.next());
    this.parts.repeat.addEventListener("click", () => this.changeRepeat());
    this.parts.mute.addEventListener("click", () => this.toggleMute());
    this.listenToAudio();
    this.setRepeat(localStorage.getItem("repeat") ?? "off");
    this.setVolume(Number(localStorage.getItem("volume") ?? 1));
    this.showTime();
  },

  listenToAudio() {
    const { audio } = this;
    for (const event of ["timeupdate", "durationchange", "seeked"]) audio.addEventListener(event, () => this.showTime());
    audio.addEventListener("playing", () => this.setState("playing"));
    audio.addEventListener("pause", () => this.isPausedForPreview || this.bar.dataset.state === "error" || this.setState("paused"));
    audio.addEventListener("waiting", () => this.setState("loading"));
    audio.addEventListener("ended", () => this.onEnded());
    explorer.recovery.listen();
  },

  makeRange(id, label, max) {
    const range = explorer.element("input", "", null, { type: "range", min: 0, max, step: 1, "aria-label": label });
    range.value = 0;
    document.getElementById(id).append(range);
    return range;
  },

  /** @returns {boolean} Whether the song plays, or is paused only for a preview. */
  get isPlaying() {
    return !this.audio.paused || this.isPausedForPreview;
  },

  /**
   * Play a song from its start.
   * @param {number} index
   * @returns {Promise<boolean|null>} True if it was started; false if its file is missing and no preview or
   *   copy of it exists; null if another song was requested in the meantime, or the server returned an error.
   */
  async play(index) {
    const song = await this.load(index);
    if (!song) return song;
    this.audio.currentTime = 0;
    await this.start();
    this.announce(song);
    return true;
  },

  /**
   * Load a song into the audio element. If its file is missing, load its stored preview or a copy of it
   * instead.
   * @param {number} index
   * @returns {Promise<object|null|false>} The song; null or false in the same cases as `play`.
   */
  async load(index) {
    this.index = this.requested = index;
    const request = (this.request = Symbol("request"));
    this.showMessage("");
    try {
      const song = await explorer.api.getSong(index);
      // Not the index: the map may have grown meanwhile, and the song has another one.
      if (this.request !== request) return null;
      if (song.gone_since && !song.fallback) return this.rejectMissing(song);
      const isPreview = song.fallback === "preview";
      this.setSource(song.id, (isPreview ? "preview/" : "audio/") + encodeURIComponent(song.id), song);
      if (song.gone_since) this.showMessage(`${explorer.api.missingText(song)} ${isPreview ? "Its preview" : "A copy of it"} plays instead.`);
      return song;
    } catch (error) {
      this.showError(error.message);
      return null;
    }
  },

  /** Show that a song's file is missing. The song that plays continues. @returns {false} */
  rejectMissing(song) {
    this.index = this.loadedIndex;
    explorer.overlays.markPlaying(this.loadedIndex);
    explorer.panel.markPlaying(this.loadedIndex);
    this.showMessage(`${explorer.api.missingText(song)} It cannot be played.`);
    return false;
  },

  /** Play a song that is not on the map yet. @param {object} song As `getSong` returns it, without an index. */
  async playUnmapped(song) {
    explorer.select(null);
    explorer.selection.stopPlaying();
    explorer.hover.stop();
    this.index = this.requested = this.request = null;
    this.showMessage("");
    if (song.gone_since && !song.fallback) return this.rejectMissing(song);
    this.setSource(song.id, (song.fallback === "preview" ? "preview/" : "audio/") + encodeURIComponent(song.id), song);
    explorer.overlays.markPlaying(null);
    explorer.panel.markPlaying(null);
    this.audio.currentTime = 0;
    await this.start();
    this.announce(song);
  },

  /** The song that plays was not on the map: find its index, if it has one now. */
  async findIndex() {
    const { id } = this;
    const index = await explorer.api.indexOf(id).catch(() => null);
    if (index === null || this.id !== id || this.index !== null) return;
    this.index = this.requested = this.loadedIndex = index;
    explorer.overlays.markPlaying(index);
    explorer.panel.markPlaying(index);
  },

  /** Play an uploaded song. @param {object} song @param {string} source The address of its file. */
  async playUpload(song, source) {
    this.index = this.requested = this.request = null;
    this.showMessage("");
    this.setSource(null, source, song);
    this.audio.currentTime = 0;
    await this.start();
    this.announce(song);
  },

  setSource(id, file, song) {
    const source = explorer.recovery.addressOf(file);
    this.id = id;
    this.loadedIndex = this.index;
    this.song = song;
    this.endPreviewPause();
    explorer.recovery.reloaded = "";
    if (this.audio.getAttribute("src") !== source || this.audio.error) this.audio.src = source;
    this.showTitle(song);
    document.title = `${song.title} · Music Explorer`;
    this.setState("paused");
    explorer.mediaSession.showSong(song, id);
    // A preview is shorter than the song, so the waveform of the whole song would be wrong.
    explorer.waveform.show(song.gone_since ? null : id);
  },

  async start() {
    this.endPreviewPause();
    this.setState("loading");
    try {
      await this.audio.play();
    } catch (error) {
      // AbortError: a newer click. NotSupportedError: the audio element's "error" event explains it.
      if (error.name === "AbortError" || error.name === "NotSupportedError") return;
      const needsGesture = error.name === "NotAllowedError";
      this.showError(needsGesture ? "Press Play. The browser allows sound only after a click or a key press." : error.message);
    }
  },

  /** Find the loaded song's index on a new map, and select the song again if it was selected. */
  async findNewIndex() {
    explorer.hover.reset();
    if (this.id === null) return;
    const wasSelected = explorer.walk.anchorId === this.id;
    this.index = this.requested = this.loadedIndex = await explorer.api.indexOf(this.id).catch(() => null);
    explorer.overlays.markPlaying(this.index);
    explorer.select(wasSelected ? this.index : null);
  },

  showTitle(song) {
    this.setText("now-title", song.title);
    this.setText("now-by", explorer.api.artistAndGenres(song));
  },

  /** Show a text in a part of the bar, and as its tooltip, because it may be cut off. */
  setText(part, text) {
    this.parts[part].textContent = this.parts[part].title = text;
  },

  announce(song) {
    explorer.announce(`Playing ${song.title}${song.artist ? " by " + song.artist : ""}`);
  },

  /**
   * Show the title of the preview that plays.
   * @param {number|null} index Null shows the loaded song's title again.
   */
  async showPreviewTitle(index) {
    this.bar.classList.toggle("previewing", index !== null);
    const song = index === null ? this.song : await explorer.api.getSong(index).catch(() => null);
    if (song && explorer.hover.index === index) this.showTitle(song);
  },

  toggle() {
    if (this.index === null && this.id === null && !explorer.upload.song) return;
    if (this.audio.error && this.index !== null) this.play(this.index);
    else if (this.isPausedForPreview) {
      this.isPausedForPreview = false;
      this.setState("paused");
    } else if (this.audio.paused) this.start();
    else this.audio.pause();
  },

  /** Play the next song: of the selection if it plays, otherwise of the walk. */
  next() {
    if (explorer.selection.isPlaying) explorer.selection.step(1);
    else explorer.walk.step(1);
  },

  /**
   * Play the previous song.
   * @param {{restarts: boolean}} options Whether to go to the start of the song instead, if it has played for
   *   longer than RESTART_AFTER_S.
   */
  previous({ restarts = false } = {}) {
    if (restarts && this.audio.currentTime > this.RESTART_AFTER_S) this.audio.currentTime = 0;
    else if (explorer.selection.isPlaying) explorer.selection.step(-1);
    else explorer.walk.step(-1);
  },

  onEnded() {
    const { selection, walk } = explorer;
    if (explorer.recovery.continueIfEarly()) return;
    const wraps = this.repeat === "all";
    const next = this.afterEnd({ repeat: this.repeat, isList: selection.isPlaying, hasNext: selection.hasNext(wraps) });
    if (next === "again") this.start();
    else if (next === "list") selection.step(1, wraps);
    else if (next === "neighbours") walk.step(1);
    else this.setState("paused");
  },

  /**
   * Decide what plays after a song has ended.
   * @param {{repeat: string, isList: boolean, hasNext: boolean}} state The repeat mode, whether the selection
   *   plays, and whether it has a next song.
   * @returns {"again"|"list"|"neighbours"|"stop"}
   */
  afterEnd({ repeat, isList, hasNext }) {
    if (repeat === "one") return "again";
    if (isList) return hasNext ? "list" : "stop";
    return repeat === "all" ? "neighbours" : "stop";
  },

  changeRepeat() {
    this.setRepeat(this.nextRepeatMode(this.repeat));
    explorer.announce(this.parts.repeat.title);
  },

  nextRepeatMode(repeat) {
    return this.REPEAT_MODES[(this.REPEAT_MODES.indexOf(repeat) + 1) % 3];
  },

  setRepeat(repeat) {
    this.repeat = this.REPEAT_MODES.includes(repeat) ? repeat : "off";
    localStorage.setItem("repeat", this.repeat);
    const { repeat: button } = this.parts;
    button.dataset.repeat = this.repeat;
    button.firstElementChild.className = `icon icon-${this.repeat === "one" ? "repeat-one" : "repeat"}`;
    const labels = { off: "Repeat: off (r)", one: "Repeat: this song (r)", all: "Repeat: all (r)" };
    this.setLabel(button, labels[this.repeat]);
  },

  /** Fade the song out and pause it while a preview plays. */
  pauseForPreview() {
    if (this.audio.paused || this.isPausedForPreview) return;
    this.isPausedForPreview = true;
    this.fadeTo(0, () => this.isPausedForPreview && this.audio.pause());
  },

  /** Play the song that was paused for a preview, and fade it in. */
  resumeAfterPreview() {
    if (!this.isPausedForPreview) return;
    this.isPausedForPreview = false;
    this.audio.play().catch(() => {});
    this.fadeTo(this.userVolume);
  },

  /** Do not resume the song after the preview, and end the fade. */
  endPreviewPause() {
    this.isPausedForPreview = false;
    cancelAnimationFrame(this.fade);
    this.audio.volume = this.userVolume;
  },

  fadeTo(target, then = () => {}) {
    cancelAnimationFrame(this.fade);
    if (document.hidden) {
      // A hidden page has no animation frames.
      this.audio.volume = target;
      return then();
    }
    const from = this.audio.volume;
    const began = performance.now();
    const step = (now) => {
      const progress = Math.min(Math.max((now - began) / this.FADE_MS, 0), 1);
      this.audio.volume = Math.min(Math.max(from + (target - from) * progress, 0), 1);
      if (progress < 1) this.fade = requestAnimationFrame(step);
      else then();
    };
    step(began);
  },

  toggleMute() {
    this.audio.muted = !this.audio.muted;
    this.showVolume();
  },

  /** @param {number} volume From 0 to 1. */
  setVolume(volume) {
    this.userVolume = Math.min(Math.max(volume || 0, 0), 1);
    if (!this.isPausedForPreview) this.audio.volume = this.userVolume;
    this.audio.muted = false;
    localStorage.setItem("volume", this.userVolume);
    this.showVolume();
  },

  showVolume() {
    const isSilent = this.audio.muted || this.userVolume === 0;
    this.setRange(this.volume, isSilent ? 0 : this.userVolume * 100);
    this.parts.mute.firstElementChild.className = `icon icon-${isSilent ? "muted" : "volume"}`;
    this.setLabel(this.parts.mute, this.audio.muted ? "Unmute (m)" : "Mute (m)");
    this.parts.mute.setAttribute("aria-pressed", String(this.audio.muted));
    explorer.hover.setVolume();
  },

  /**
   * Move to a position in the song.
   * @param {number} fraction The position as a fraction of the song's length, from 0 to 1.
   */
  seekTo(fraction) {
    if (Number.isFinite(this.audio.duration)) this.audio.currentTime = fraction * this.audio.duration;
  },

  showTime() {
    const { currentTime, duration } = this.audio;
    const isKnown = Number.isFinite(duration) && duration > 0;
    this.parts.elapsed.textContent = this.formatTime(currentTime);
    this.parts.duration.textContent = isKnown ? this.formatTime(duration) : "0:00";
    this.setRange(this.seek, isKnown ? (1000 * currentTime) / duration : 0);
    this.seek.disabled = !isKnown;
    this.seek.setAttribute("aria-valuetext", `${this.formatTime(currentTime)} of ${isKnown ? this.formatTime(duration) : "unknown"}`);
    explorer.waveform.refresh();
    if (isKnown) explorer.mediaSession.showTime(currentTime, duration);
  },

  setRange(range, value) {
    range.value = value;
    range.style.setProperty("--filled", `${(100 * value) / range.max}%`);
  },

  /** @param {"playing"|"loading"|"paused"|"error"} state */
  setState(state) {
    this.bar.dataset.state = state;
    const isPlaying = state === "playing" || state === "loading";
    this.parts.play.firstElementChild.className = `icon icon-${isPlaying ? "pause" : "play"}`;
    this.setLabel(this.parts.play, isPlaying ? "Pause (space)" : "Play (space)");
    document.getElementById("mark").dataset.state = state;
    explorer.mediaSession.showState(isPlaying);
    explorer.panel.showPlayState();
  },

  /** Set a button's tooltip and its label for screen readers. */
  setLabel(button, label) {
    button.title = label;
    button.setAttribute("aria-label", label);
  },

  /** Show a message above the bar. @param {string} sentence Empty hides the message. */
  showMessage(sentence) {
    this.parts.message.textContent = sentence;
  },

  showError(sentence) {
    this.setState("error");
    this.showMessage(sentence);
  },

  /** @param {number} seconds @returns {string} As "3:07" or "1:02:03". */
  formatTime(seconds) {
    const whole = Math.floor(seconds || 0);
    const twoDigits = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}` : `${minutes}:${twoDigits(whole % 60)}`;
  },
};
