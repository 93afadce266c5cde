/**
 * Hover to hear: moving over the map plays the previews of the songs that one passes, as a hand on a radio's
 * dial. Web Audio, because an audio element needs a tenth of a second to begin. What is near the pointer is
 * fetched and decoded ahead; what it has left behind is not waited for.
 */
window.explorer = window.explorer || {};

explorer.hover = {
  FADE_S: 0.09,
  /** How long the pointer may be between songs before the sound goes. */
  LINGER_MS: 220,
  LEAST_GAP_MS: 60,
  AHEAD: 8,
  MOST_LOADING: 4,
  MOST_DECODED: 28,
  isOn: false,
  /** The song that sounds, and the one that is aimed at. */
  index: null,
  aimed: null,
  context: null,
  decoded: new Map(),
  loading: new Map(),
  failed: new Set(),
  queue: [],
  voice: null,

  mount() {
    this.button = document.getElementById("hear");
    this.button.addEventListener("click", () => this.toggle());
    // A page that is out of sight hears of no pointer that leaves it.
    document.addEventListener("visibilitychange", () => document.hidden && this.leave());
    if (localStorage.getItem("hear") === "on") {
      this.show(true);
      // A browser lets nothing sound before the first gesture.
      const arm = () => this.isOn && this.wake();
      for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, arm, { once: true, capture: true });
    }
  },

  toggle() {
    this.show(!this.isOn);
    localStorage.setItem("hear", this.isOn ? "on" : "off");
    if (this.isOn) this.wake();
    else this.leave();
    explorer.announce(this.isOn ? "Hover to hear is on" : "Hover to hear is off");
  },

  show(isOn) {
    this.isOn = isOn;
    this.button.setAttribute("aria-checked", String(isOn));
  },

  /** Make the way from previews to the loudspeakers; called in a gesture. */
  wake() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.master = new GainNode(this.context, { gain: 0 });
      this.analyser = new AnalyserNode(this.context, { fftSize: 2048 });
      this.master.connect(this.analyser).connect(this.context.destination);
      this.setVolume();
    }
    if (this.context.state === "suspended") this.context.resume();
  },

  /** As loud as the player. */
  setVolume() {
    const { audio } = explorer.player;
    if (this.master) this.master.gain.value = audio.muted ? 0 : explorer.player.volumeWanted;
  },

  /** @returns {number} The root mean square of what sounds now, from 0 to 1. */
  level() {
    if (!this.analyser) return 0;
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
  },

  /** The pointer is on a song, or on none. @param {number|null} index @param {{x, y}} at In the window. */
  aim(index, at) {
    if (!this.isOn || this.context?.state !== "running") return;
    if (index === null) {
      this.aimed = null;
      this.linger ||= setTimeout(() => this.leave(), this.LINGER_MS);
      return;
    }
    clearTimeout(this.linger);
    this.linger = null;
    if (index === this.aimed) return;
    this.aimed = index;
    // The song that plays whole is there already: let it be heard.
    if (index === explorer.player.index && explorer.player.isWanted) return this.stop();
    this.aimedAt = performance.now();
    if (this.decoded.has(index)) this.startSoon();
    this.fetchAround(index, at);
  },

  /** Fetch the song aimed at and those around it; let go of others that are still under way. */
  fetchAround(index, at) {
    const around = at ? explorer.pointer.around(at.x, at.y, this.AHEAD) : [];
    const wanted = [...new Set([index, ...around])].filter((one) => !this.failed.has(one));
    for (const [other, request] of this.loading) {
      if (wanted.includes(other)) continue;
      request.abort();
      this.loading.delete(other);
    }
    this.queue = wanted.filter((one) => !this.decoded.has(one) && !this.loading.has(one));
    this.fetchMore();
  },

  fetchMore() {
    while (this.queue.length && this.loading.size < this.MOST_LOADING) this.load(this.queue.shift());
  },

  async load(index) {
    const request = new AbortController();
    this.loading.set(index, request);
    try {
      const { id } = await explorer.api.get(index);
      const response = await fetch("preview/" + encodeURIComponent(id), { signal: request.signal });
      if (response.status === 503) return this.askAgain(index);
      if (!response.ok) return this.failed.add(index);
      const buffer = await this.context.decodeAudioData(await response.arrayBuffer());
      this.keep(index, buffer);
      if (this.aimed === index) this.startSoon();
    } catch (error) {
      // A server that does not answer may do so again; a preview that cannot be decoded will not.
      if (error.name === "EncodingError") this.failed.add(index);
    } finally {
      if (this.loading.get(index) === request) this.loading.delete(index);
      this.fetchMore();
    }
  },

  /** The server makes previews that are missing, a few at a time. */
  askAgain(index) {
    setTimeout(() => {
      if (this.aimed !== index || this.decoded.has(index) || this.loading.has(index)) return;
      this.queue.unshift(index);
      this.fetchMore();
    }, 250);
  },

  /** Keep what was used last: a decoded preview has 8 MB. */
  keep(index, buffer) {
    this.decoded.delete(index);
    this.decoded.set(index, buffer);
    while (this.decoded.size > this.MOST_DECODED) this.decoded.delete(this.decoded.keys().next().value);
  },

  /** Another map numbers its songs anew. */
  forget() {
    for (const request of this.loading.values()) request.abort();
    for (const kept of [this.decoded, this.loading, this.failed]) kept.clear();
    this.stop();
  },

  /** Sweeping fast passes songs by: at most one begins in 60 ms, and it is the newest. */
  startSoon() {
    if (this.isDue) return;
    const wait = this.LEAST_GAP_MS - (performance.now() - (this.startedAt ?? -Infinity));
    if (wait <= 0) return this.start();
    this.isDue = true;
    setTimeout(() => {
      this.isDue = false;
      this.start();
    }, wait);
  },

  start() {
    const index = this.aimed;
    const buffer = this.decoded.get(index);
    if (!buffer || index === this.index) return;
    this.keep(index, buffer);
    this.fadeOut();
    explorer.player.duck(true);
    const source = new AudioBufferSourceNode(this.context, { buffer, loop: true });
    const gain = new GainNode(this.context, { gain: 0 });
    source.connect(gain).connect(this.master);
    gain.gain.setValueCurveAtTime(this.fadeIn(), this.context.currentTime, this.FADE_S);
    source.start();
    this.voice = { source, gain, began: this.context.currentTime };
    this.startedAt = performance.now();
    this.waited = this.startedAt - this.aimedAt;
    this.setIndex(index);
  },

  setIndex(index) {
    this.index = index;
    if (explorer.map.meta) explorer.overlays.placeMark();
    explorer.player.showHeard(index);
  },

  /** @returns {Float32Array} The gains of a preview that begins. */
  fadeIn() {
    return this.curve((share) => Math.sin((share * Math.PI) / 2));
  },

  /** @param {number} share Of its own fading in that the preview has behind it. @returns {Float32Array} The gains of one that ends. */
  fadeAway(share) {
    const from = Math.sin((share * Math.PI) / 2);
    return this.curve((part) => from * Math.cos((part * Math.PI) / 2));
  },

  curve(form) {
    return Float32Array.from({ length: 32 }, (_, i) => form(i / 31));
  },

  /** Equal power: together with the one that fades in, the loudness stays. */
  fadeOut() {
    const { voice } = this;
    if (!voice) return;
    this.voice = null;
    const now = this.context.currentTime;
    const share = Math.min((now - voice.began) / this.FADE_S, 1);
    voice.gain.gain.cancelScheduledValues(0);
    voice.gain.gain.setValueCurveAtTime(this.fadeAway(share), now, this.FADE_S);
    voice.source.stop(now + this.FADE_S + 0.01);
  },

  /** Fall silent; the song that plays whole comes back. */
  stop() {
    this.fadeOut();
    if (this.index !== null) this.setIndex(null);
    explorer.player.duck(false);
  },

  /** The pointer has left the map. */
  leave() {
    clearTimeout(this.linger);
    this.linger = null;
    this.aimed = null;
    this.queue = [];
    if (this.context) this.stop();
  },
};
