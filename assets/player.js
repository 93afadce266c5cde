/** The player: one audio element, its bar, and what it says when a song cannot be played. */
window.explorer = window.explorer || {};

explorer.player = {
  index: null,
  id: null,

  /** Find the bar's parts, and listen. Called once, when Dash has drawn the page. */
  mount() {
    const byId = (id) => document.getElementById(id);
    this.audio = byId("audio");
    this.bar = byId("player");
    this.parts = Object.fromEntries(
      ["play", "mute", "now-title", "now-by", "elapsed", "duration", "message", "announcer"].map((id) => [id, byId(id)]),
    );
    this.seek = this.makeRange("seek", "Position in the song", 1000);
    this.volume = this.makeRange("volume", "Volume", 100);
    this.seek.addEventListener("input", () => this.seekTo(this.seek.value / 1000));
    this.volume.addEventListener("input", () => this.setVolume(this.volume.value / 100));
    this.parts.play.addEventListener("click", () => this.toggle());
    this.parts.mute.addEventListener("click", () => this.toggleMute());
    for (const event of ["timeupdate", "durationchange", "seeked"]) {
      this.audio.addEventListener(event, () => this.showTime());
    }
    this.audio.addEventListener("playing", () => this.setState("playing"));
    this.audio.addEventListener("pause", () => this.bar.dataset.state === "error" || this.setState("paused"));
    this.audio.addEventListener("waiting", () => this.setState("loading"));
    this.audio.addEventListener("ended", () => this.setState("paused"));
    this.audio.addEventListener("error", () => this.explainError());
    this.setVolume(Number(localStorage.getItem("volume") ?? 1));
    this.showTime();
  },

  makeRange(id, label, max) {
    const range = document.createElement("input");
    Object.assign(range, { type: "range", min: 0, max, value: 0, step: 1 });
    range.setAttribute("aria-label", label);
    document.getElementById(id).append(range);
    return range;
  },

  /** Play a song from its start. @param {number} index Its number on the map. */
  async play(index) {
    this.index = index;
    this.parts.message.textContent = "";
    try {
      const song = await explorer.songs.get(index);
      if (this.index !== index) return;
      this.id = song.id;
      this.show(song);
      const source = "audio/" + encodeURIComponent(song.id);
      if (this.audio.getAttribute("src") !== source || this.audio.error) this.audio.src = source;
      this.audio.currentTime = 0;
      await this.audio.play();
    } catch (error) {
      // A newer click aborts this one; the element's own errors are explained by its "error" event.
      if (error.name === "AbortError" || error.name === "NotSupportedError") return;
      this.fail(error.name === "NotAllowedError" ? "Press play: the browser wants a gesture before sound." : error.message);
    }
  },

  /** The map is another one: songs may have other numbers on it. */
  async findAgain() {
    if (this.id === null) return;
    this.index = await explorer.songs.numberOf(this.id).catch(() => null);
    explorer.overlays.select(this.index);
  },

  show(song) {
    const by = explorer.songs.byline(song);
    this.parts["now-title"].textContent = this.parts["now-title"].title = song.title;
    this.parts["now-by"].textContent = this.parts["now-by"].title = by;
    this.parts.announcer.textContent = `Playing ${song.title}${song.artist ? " by " + song.artist : ""}`;
    document.title = `${song.title} · Music Explorer`;
    this.setState("loading");
  },

  toggle() {
    if (this.index === null) return;
    if (this.audio.error) this.play(this.index);
    else if (this.audio.paused) this.audio.play().catch((error) => this.fail(error.message));
    else this.audio.pause();
  },

  toggleMute() {
    this.audio.muted = !this.audio.muted;
    this.showVolume();
  },

  /** @param {number} volume From 0 to 1. */
  setVolume(volume) {
    this.audio.volume = Math.min(Math.max(volume || 0, 0), 1);
    this.audio.muted = false;
    localStorage.setItem("volume", this.audio.volume);
    this.showVolume();
  },

  showVolume() {
    const silent = this.audio.muted || this.audio.volume === 0;
    this.fill(this.volume, silent ? 0 : this.audio.volume * 100);
    this.parts.mute.firstElementChild.className = `icon icon-${silent ? "muted" : "volume"}`;
    this.relabel(this.parts.mute, this.audio.muted ? "Unmute (m)" : "Mute (m)");
    this.parts.mute.setAttribute("aria-pressed", String(this.audio.muted));
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
  },

  relabel(button, label) {
    button.title = label;
    button.setAttribute("aria-label", label);
  },

  fail(sentence) {
    this.setState("error");
    this.parts.message.textContent = sentence;
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
