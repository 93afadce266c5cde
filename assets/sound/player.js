/** The player: one audio element, its bar, and what it says when a song cannot be played. */
window.explorer = window.explorer || {};

explorer.player = {
  RESTART_AFTER_S: 3,
  DUCK_MS: 90,
  REPEATS: ["off", "one", "all"],
  /** The song's number on the map; null where nothing plays, or a song that is not in the library. */
  index: null,
  /** The number of the song that was last asked for, whether it could be played or not. */
  asked: null,
  /** The number of the song that the audio element has. */
  loaded: null,
  id: null,
  repeat: "off",
  volumeWanted: 1,
  isDucked: false,

  /** Find the bar's parts, and listen. Called once, when Dash has drawn the page. */
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
    for (const event of ["timeupdate", "durationchange", "seeked"]) {
      this.audio.addEventListener(event, () => this.showTime());
    }
    this.audio.addEventListener("playing", () => this.setState("playing"));
    this.audio.addEventListener("pause", () => this.isDucked || this.bar.dataset.state === "error" || this.setState("paused"));
    this.audio.addEventListener("waiting", () => this.setState("loading"));
    this.audio.addEventListener("ended", () => this.ended());
    this.audio.addEventListener("seeking", () => (this.soughtAt = this.audio.currentTime));
    this.audio.addEventListener("seeked", () => (this.soughtAt = this.failedAt = null));
    this.audio.addEventListener("error", () => this.soughtAt > 0 ? this.seekAgain() : this.explainError());
    this.setRepeat(localStorage.getItem("repeat") ?? "off");
    this.setVolume(Number(localStorage.getItem("volume") ?? 1));
    this.listenToMediaKeys();
    this.showTime();
  },

  makeRange(id, label, max) {
    const range = explorer.element("input", "", null, { type: "range", min: 0, max, step: 1, "aria-label": label });
    range.value = 0;
    document.getElementById(id).append(range);
    return range;
  },

  /** @returns {boolean} Whether the song plays, or would if no preview were heard in its place. */
  get isWanted() {
    return !this.audio.paused || this.isDucked;
  },

  /**
   * Play a song from its start.
   * @param {number} index Its number on the map.
   * @returns {Promise<boolean|null>} False where it cannot be, because nothing is left of it; null for others' sake.
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
   * Make a song ready to be played; of one whose file is missing, what was kept of it.
   * @returns {Promise<object|null|false>} What is known of it; null where another one was asked for meanwhile or it is
   *   not known, false where nothing is left to be heard.
   */
  async load(index) {
    this.index = this.asked = index;
    this.tell("");
    try {
      const song = await explorer.api.get(index);
      if (this.index !== index) return null;
      if (song.gone_since && !song.fallback) return this.refuse(song);
      const way = song.fallback === "preview" ? "preview/" : "audio/";
      this.setSource(song.id, way + encodeURIComponent(song.id), song);
      if (song.gone_since) this.tell(`${explorer.api.absence(song)}: you hear ${song.fallback === "preview" ? "the preview" : "a copy"} that was kept.`);
      return song;
    } catch (error) {
      this.fail(error.message);
      return null;
    }
  },

  /** A song's file is missing, and nothing was kept of it: say so; what plays goes on. */
  refuse(song) {
    this.index = this.loaded;
    explorer.overlays.markPlaying(this.loaded);
    explorer.panel.markPlaying(this.loaded);
    this.tell(`${explorer.api.absence(song)}: it cannot be played.`);
    return false;
  },

  /** Play a sound that is not in the library. */
  async playGuest(guest, source) {
    this.index = this.asked = null;
    this.tell("");
    this.setSource(null, source, guest);
    this.audio.currentTime = 0;
    await this.start();
    this.announce(guest);
  },

  setSource(id, source, song) {
    this.id = id;
    this.loaded = this.index;
    this.song = song;
    this.unduck();
    if (this.audio.getAttribute("src") !== source || this.audio.error) this.audio.src = source;
    this.show(song);
    // What was kept may not be the whole, which the outline would be of.
    explorer.waveform.show(song.gone_since ? null : id);
  },

  async start() {
    this.unduck();
    this.setState("loading");
    try {
      await this.audio.play();
    } catch (error) {
      // A newer click aborts this one; the element's own errors are explained by its "error" event.
      if (error.name === "AbortError" || error.name === "NotSupportedError") return;
      this.fail(error.name === "NotAllowedError" ? "Press play: the browser wants a gesture before sound." : error.message);
    }
  },

  /** The map is another one: songs may have other numbers on it. */
  async findAgain() {
    explorer.hover.forget();
    if (this.id === null) return;
    const wasAnchor = explorer.walk.anchorId === this.id;
    this.index = this.asked = this.loaded = await explorer.api.numberOf(this.id).catch(() => null);
    explorer.overlays.markPlaying(this.index);
    if (wasAnchor) explorer.select(this.index);
    else explorer.select(null);
  },

  show(song) {
    this.write("now-title", song.title);
    this.write("now-by", explorer.api.byline(song));
    document.title = `${song.title} · Music Explorer`;
    this.setState("paused");
    this.showMediaSession(song);
  },

  write(part, text) {
    this.parts[part].textContent = this.parts[part].title = text;
  },

  announce(song) {
    explorer.announce(`Playing ${song.title}${song.artist ? " by " + song.artist : ""}`);
  },

  /** While a preview is heard, the bar says which. @param {number|null} index */
  async showHeard(index) {
    this.bar.classList.toggle("hearing", index !== null);
    if (index === null) {
      if (this.song) {
        this.write("now-title", this.song.title);
        this.write("now-by", explorer.api.byline(this.song));
      }
      return;
    }
    const song = await explorer.api.get(index).catch(() => null);
    if (!song || explorer.hover.index !== index) return;
    this.write("now-title", song.title);
    this.write("now-by", explorer.api.byline(song));
  },

  toggle() {
    if (this.index === null && !explorer.upload.guest) return;
    if (this.audio.error && this.index !== null) this.play(this.index);
    else if (this.isDucked) {
      this.isDucked = false;
      this.setState("paused");
    } else if (this.audio.paused) this.start();
    else this.audio.pause();
  },

  /** On: in the list that plays, or among the songs that sound like this one. */
  next() {
    if (explorer.selection.isPlaying) explorer.selection.step(1);
    else explorer.walk.step(1);
  },

  /** Back: from a button, after some seconds, first to the song's start. */
  previous({ restarts = false } = {}) {
    if (restarts && this.audio.currentTime > this.RESTART_AFTER_S) this.audio.currentTime = 0;
    else if (explorer.selection.isPlaying) explorer.selection.step(-1);
    else explorer.walk.step(-1);
  },

  ended() {
    const { selection, walk } = explorer;
    const wraps = this.repeat === "all";
    const next = this.afterEnd({ repeat: this.repeat, isList: selection.isPlaying, hasNext: selection.hasNext(wraps) });
    if (next === "again") this.start();
    else if (next === "list") selection.step(1, wraps);
    else if (next === "neighbours") walk.step(1);
    else this.setState("paused");
  },

  /** @returns {"again"|"list"|"neighbours"|"stop"} What follows a song that has ended. */
  afterEnd({ repeat, isList, hasNext }) {
    if (repeat === "one") return "again";
    if (isList) return hasNext ? "list" : "stop";
    return repeat === "all" ? "neighbours" : "stop";
  },

  changeRepeat() {
    this.setRepeat(this.repeatAfter(this.repeat));
    explorer.announce(this.parts.repeat.title);
  },

  repeatAfter(repeat) {
    return this.REPEATS[(this.REPEATS.indexOf(repeat) + 1) % 3];
  },

  setRepeat(repeat) {
    this.repeat = this.REPEATS.includes(repeat) ? repeat : "off";
    localStorage.setItem("repeat", this.repeat);
    const { repeat: button } = this.parts;
    button.dataset.repeat = this.repeat;
    button.firstElementChild.className = `icon icon-${this.repeat === "one" ? "repeat-one" : "repeat"}`;
    const told = { off: "Repeat: off (r)", one: "Repeat: this song (r)", all: "Repeat: all (r)" };
    this.relabel(button, told[this.repeat]);
  },

  /** Fade the song away while a preview is heard, and back. @param {boolean} away */
  duck(away) {
    if (away && !this.audio.paused && !this.isDucked) {
      this.isDucked = true;
      this.fadeTo(0, () => this.isDucked && this.audio.pause());
    } else if (!away && this.isDucked) {
      this.isDucked = false;
      this.audio.play().catch(() => {});
      this.fadeTo(this.volumeWanted);
    }
  },

  unduck() {
    this.isDucked = false;
    cancelAnimationFrame(this.fading);
    this.audio.volume = this.volumeWanted;
  },

  fadeTo(target, then = () => {}) {
    cancelAnimationFrame(this.fading);
    if (document.hidden) {
      // Out of sight there are no frames to fade in.
      this.audio.volume = target;
      return then();
    }
    const from = this.audio.volume;
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(Math.max((now - began) / this.DUCK_MS, 0), 1);
      this.audio.volume = Math.min(Math.max(from + (target - from) * share, 0), 1);
      if (share < 1) this.fading = requestAnimationFrame(step);
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
    this.volumeWanted = Math.min(Math.max(volume || 0, 0), 1);
    if (!this.isDucked) this.audio.volume = this.volumeWanted;
    this.audio.muted = false;
    localStorage.setItem("volume", this.volumeWanted);
    this.showVolume();
  },

  showVolume() {
    const silent = this.audio.muted || this.volumeWanted === 0;
    this.fill(this.volume, silent ? 0 : this.volumeWanted * 100);
    this.parts.mute.firstElementChild.className = `icon icon-${silent ? "muted" : "volume"}`;
    this.relabel(this.parts.mute, this.audio.muted ? "Unmute (m)" : "Mute (m)");
    this.parts.mute.setAttribute("aria-pressed", String(this.audio.muted));
    explorer.hover.setVolume();
  },

  /** @param {number} share Of the song, from 0 to 1. */
  seekTo(share) {
    if (Number.isFinite(this.audio.duration)) this.audio.currentTime = share * this.audio.duration;
  },

  showTime() {
    const { currentTime, duration } = this.audio;
    const known = Number.isFinite(duration) && duration > 0;
    this.parts.elapsed.textContent = this.format(currentTime);
    this.parts.duration.textContent = known ? this.format(duration) : "0:00";
    this.fill(this.seek, known ? (1000 * currentTime) / duration : 0);
    this.seek.disabled = !known;
    this.seek.setAttribute("aria-valuetext", `${this.format(currentTime)} of ${known ? this.format(duration) : "unknown"}`);
    explorer.waveform.refresh();
    if (known && "mediaSession" in navigator) {
      navigator.mediaSession.setPositionState({ duration, position: Math.min(currentTime, duration), playbackRate: 1 });
    }
  },

  fill(range, value) {
    range.value = value;
    range.style.setProperty("--filled", `${(100 * value) / range.max}%`);
  },

  setState(state) {
    this.bar.dataset.state = state;
    const sounding = state === "playing" || state === "loading";
    this.parts.play.firstElementChild.className = `icon icon-${sounding ? "pause" : "play"}`;
    this.relabel(this.parts.play, sounding ? "Pause (space)" : "Play (space)");
    document.getElementById("mark").dataset.state = state;
    if ("mediaSession" in navigator) navigator.mediaSession.playbackState = sounding ? "playing" : "paused";
    explorer.panel.showState();
  },

  relabel(button, label) {
    button.title = label;
    button.setAttribute("aria-label", label);
  },

  /** Media keys and the lock screen. */
  listenToMediaKeys() {
    if (!("mediaSession" in navigator)) return;
    const seekBy = (seconds) => (this.audio.currentTime = Math.max(0, this.audio.currentTime + seconds));
    const actions = {
      play: () => this.start(),
      pause: () => this.audio.pause(),
      stop: () => this.audio.pause(),
      previoustrack: () => this.previous({ restarts: true }),
      nexttrack: () => this.next(),
      seekbackward: ({ seekOffset }) => seekBy(-(seekOffset || 10)),
      seekforward: ({ seekOffset }) => seekBy(seekOffset || 10),
      seekto: ({ seekTime }) => (this.audio.currentTime = seekTime),
    };
    for (const [action, handler] of Object.entries(actions)) {
      try {
        navigator.mediaSession.setActionHandler(action, handler);
      } catch {
        // Browsers know different ones.
      }
    }
  },

  showMediaSession(song) {
    if (!("mediaSession" in navigator)) return;
    const artwork = this.id === null ? [] : [{ src: new URL("cover/" + encodeURIComponent(this.id), location.href).href }];
    navigator.mediaSession.metadata = new MediaMetadata({
      title: song.title,
      artist: song.artist || "",
      album: song.album || "",
      artwork,
    });
  },

  /** Say a sentence above the bar; an empty one goes. */
  tell(sentence) {
    this.parts.message.textContent = sentence;
  },

  fail(sentence) {
    this.setState("error");
    this.tell(sentence);
  },

  /** Chromium gives up on a song when it cannot find a place near its end: look a little before it, once. */
  seekAgain() {
    const at = Math.max(this.soughtAt - 1.5, 0);
    const isNew = this.failedAt === null || this.failedAt === undefined;
    this.soughtAt = null;
    if (!isNew) return this.explainError();
    this.failedAt = at;
    this.audio.load();
    this.audio.currentTime = at;
    this.start();
  },

  /** Ask the server why the song did not play: its answer is a sentence. */
  async explainError() {
    const source = this.audio.getAttribute("src");
    if (!source) return;
    try {
      const response = await fetch(source, { headers: { Range: "bytes=0-0" } });
      if (source !== this.audio.getAttribute("src")) return;
      this.fail(response.ok ? "This browser cannot play the file." : await response.text());
    } catch {
      this.fail("The server does not answer: is it still running?");
    }
  },

  /** @param {number} seconds @returns {string} As "3:07" or "1:02:03". */
  format(seconds) {
    const whole = Math.floor(seconds || 0);
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  },
};
