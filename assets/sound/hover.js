/**
 * Hover to hear: plays the preview of the song nearest to the pointer. Web Audio plays it, because an audio element
 * takes a tenth of a second to start. Previews near the pointer are loaded and decoded in advance. When the pointer
 * moves away, loads that are no longer needed are cancelled.
 */
window.explorer = window.explorer || {};

explorer.hover = {
  FADE_S: 0.09,
  /** How long the pointer may be away from all songs before the preview stops. */
  LEAVE_DELAY_MS: 220,
  /** The shortest time between the starts of two previews. */
  MIN_GAP_MS: 60,
  /** How long to wait before a busy server is asked again. */
  RETRY_MS: 250,
  /** The previews of this many songs around the pointer are loaded in advance. */
  PREFETCH_COUNT: 8,
  MAX_LOADING: 4,
  /** At most this many decoded previews are cached. Each takes 8 MB. */
  MAX_DECODED: 28,
  isOn: false,
  /** The song whose preview plays. */
  index: null,
  /** The song nearest to the pointer. Its preview starts as soon as it is loaded. */
  target: null,
  /** @type {AudioContext|null} */
  context: null,
  /** Decoded previews, the least recently used first. */
  decoded: new Map(),
  /** The AbortController of each preview that is being loaded. */
  loading: new Map(),
  /** Songs whose previews cannot be loaded or decoded. */
  failed: new Set(),
  /** Songs whose previews are loaded next. */
  queue: [],
  /**
   * The Web Audio nodes of the preview that plays (a voice), and the time when it began; null if none plays.
   */
  voice: null,

  mount() {
    this.button = document.getElementById("hear");
    this.button.addEventListener("click", () => this.toggle());
    // A hidden page gets no event when the pointer leaves it.
    document.addEventListener("visibilitychange", () => document.hidden && this.leave());
    if (localStorage.getItem("hear") === "on") {
      this.setOn(true);
      // A browser allows sound only after a click or a key press.
      const start = () => this.isOn && this.startContext();
      for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, start, { once: true, capture: true });
    }
  },

  toggle() {
    this.setOn(!this.isOn);
    localStorage.setItem("hear", this.isOn ? "on" : "off");
    if (this.isOn) this.startContext();
    else this.leave();
    explorer.announce(this.isOn ? "Hover to hear is on" : "Hover to hear is off");
  },

  setOn(isOn) {
    this.isOn = isOn;
    this.button.setAttribute("aria-checked", String(isOn));
  },

  /** Create or resume the audio context. Call it during a click or a key press, as browsers require. */
  startContext() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.master = new GainNode(this.context, { gain: 0 });
      this.analyser = new AnalyserNode(this.context, { fftSize: 2048 });
      this.master.connect(this.analyser).connect(this.context.destination);
      this.setVolume();
    }
    if (this.context.state === "suspended") this.context.resume();
  },

  /** Give the previews the volume of the player. */
  setVolume() {
    const { audio } = explorer.player;
    if (this.master) this.master.gain.value = audio.muted ? 0 : explorer.player.userVolume;
  },

  /** @returns {number} The root mean square of the previews' sound now, from 0 to 1. Only tests and benchmarks read it. */
  level() {
    if (!this.analyser) return 0;
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
  },

  /**
   * Set the song whose preview plays next.
   * @param {number|null} index Null if the pointer is near no song.
   * @param {{x: number, y: number}} pixel The pointer's position in the window.
   */
  setTarget(index, pixel) {
    if (!this.isOn || this.context?.state !== "running") return;
    if (index === null) {
      this.target = null;
      this.leaveTimer ||= setTimeout(() => this.leave(), this.LEAVE_DELAY_MS);
      return;
    }
    clearTimeout(this.leaveTimer);
    this.leaveTimer = null;
    if (index === this.target) return;
    this.target = index;
    // The player already plays this song in full.
    if (index === explorer.player.index && explorer.player.isPlaying) return this.stop();
    if (this.decoded.has(index)) this.startSoon();
    this.prefetch(index, pixel);
  },

  /** Load the previews of the target and of the songs around the pointer, and cancel all other loads. */
  prefetch(index, pixel) {
    const around = pixel ? explorer.pointer.around(pixel.x, pixel.y, this.PREFETCH_COUNT) : [];
    const wanted = [...new Set([index, ...around])].filter((song) => !this.failed.has(song));
    for (const [other, request] of this.loading) {
      if (wanted.includes(other)) continue;
      request.abort();
      this.loading.delete(other);
    }
    this.queue = wanted.filter((song) => !this.decoded.has(song) && !this.loading.has(song));
    this.loadQueue();
  },

  loadQueue() {
    while (this.queue.length && this.loading.size < this.MAX_LOADING) this.load(this.queue.shift());
  },

  /** Load and decode one preview. Start it if its song is the target when it is decoded. */
  async load(index) {
    const request = new AbortController();
    this.loading.set(index, request);
    try {
      const { id } = await explorer.api.getSong(index);
      const response = await fetch("preview/" + encodeURIComponent(id), { signal: request.signal });
      if (response.status === 503) return this.retryLater(index);
      if (!response.ok) return this.failed.add(index);
      const buffer = await this.context.decodeAudioData(await response.arrayBuffer());
      this.cache(index, buffer);
      if (this.target === index) this.startSoon();
    } catch (error) {
      // After another error, such as no answer from the server, a later attempt may succeed: do not store it.
      if (error.name === "EncodingError") this.failed.add(index);
    } finally {
      if (this.loading.get(index) === request) this.loading.delete(index);
      this.loadQueue();
    }
  },

  /** The server is busy making other previews: load this one a little later if it is still the target. */
  retryLater(index) {
    setTimeout(() => {
      if (this.target !== index || this.decoded.has(index) || this.loading.has(index)) return;
      this.queue.unshift(index);
      this.loadQueue();
    }, this.RETRY_MS);
  },

  /** Cache a decoded preview as the most recently used; drop the least recently used if there are too many. */
  cache(index, buffer) {
    this.decoded.delete(index);
    this.decoded.set(index, buffer);
    while (this.decoded.size > this.MAX_DECODED) this.decoded.delete(this.decoded.keys().next().value);
  },

  /**
   * The songs have other indices now. Previews that are being loaded are loaded again when they are needed.
   * @param {function(number|null): number|null} next A song's new index.
   */
  renumber(next) {
    for (const request of this.loading.values()) request.abort();
    this.loading.clear();
    this.queue = [];
    this.decoded = new Map([...this.decoded].map(([index, buffer]) => [next(index), buffer]).filter(([index]) => index !== null));
    this.failed = new Set([...this.failed].map(next).filter((index) => index !== null));
    [this.index, this.target] = [next(this.index), next(this.target)];
    if (this.voice && this.index === null) this.stop();
  },

  /** Clear everything: on a new map the songs have other indices. */
  reset() {
    for (const request of this.loading.values()) request.abort();
    for (const collection of [this.decoded, this.loading, this.failed]) collection.clear();
    this.stop();
  },

  /**
   * Start the target's preview, but not earlier than MIN_GAP_MS after the last start. So a pointer that moves
   * fast skips songs.
   */
  startSoon() {
    if (this.isStartScheduled) return;
    const waitMs = this.MIN_GAP_MS - (performance.now() - (this.startedAt ?? -Infinity));
    if (waitMs <= 0) return this.start();
    this.isStartScheduled = true;
    setTimeout(() => {
      this.isStartScheduled = false;
      this.start();
    }, waitMs);
  },

  /** Cross-fade to the target's preview. */
  start() {
    const index = this.target;
    const buffer = this.decoded.get(index);
    if (!buffer || index === this.index) return;
    this.cache(index, buffer);
    // Both fades begin at the same time, so that together they keep the power constant.
    const now = this.context.currentTime;
    this.fadeOut(now);
    explorer.player.pauseForPreview();
    const source = new AudioBufferSourceNode(this.context, { buffer, loop: true });
    const gain = new GainNode(this.context, { gain: 0 });
    source.connect(gain).connect(this.master);
    gain.gain.setValueCurveAtTime(this.fadeInCurve(), now, this.FADE_S);
    source.start();
    this.voice = { source, gain, began: now };
    this.startedAt = performance.now();
    this.setIndex(index);
  },

  setIndex(index) {
    this.index = index;
    if (explorer.map.meta) explorer.overlays.placeMarks();
    explorer.player.showPreviewTitle(index);
  },

  /** @returns {Float32Array} The gains for the fade-in of a preview. */
  fadeInCurve() {
    return this.curve((progress) => Math.sin((progress * Math.PI) / 2));
  },

  /**
   * @param {number} fadedIn The finished fraction of the preview's own fade-in, from 0 to 1.
   * @returns {Float32Array} The gains for the fade-out of a preview. Together with `fadeInCurve` they keep
   *   the total power constant.
   */
  fadeOutCurve(fadedIn) {
    const from = Math.sin((fadedIn * Math.PI) / 2);
    return this.curve((progress) => from * Math.cos((progress * Math.PI) / 2));
  },

  curve(gainAt) {
    return Float32Array.from({ length: 32 }, (_, i) => gainAt(i / 31));
  },

  /** Fade out the preview that plays. @param {number} [now] When, in seconds of the audio context. */
  fadeOut(now) {
    const { voice } = this;
    if (!voice) return;
    this.voice = null;
    now ??= this.context.currentTime;
    const fadedIn = Math.min((now - voice.began) / this.FADE_S, 1);
    voice.gain.gain.cancelScheduledValues(0);
    voice.gain.gain.setValueCurveAtTime(this.fadeOutCurve(fadedIn), now, this.FADE_S);
    voice.source.stop(now + this.FADE_S + 0.01);
  },

  /** Stop the preview. The song that was paused for it continues. */
  stop() {
    this.fadeOut();
    if (this.index !== null) this.setIndex(null);
    explorer.player.resumeAfterPreview();
  },

  /** The pointer has left the songs: stop the preview, and do not load the previews in the queue. */
  leave() {
    clearTimeout(this.leaveTimer);
    this.leaveTimer = null;
    this.target = null;
    this.queue = [];
    if (this.context) this.stop();
  },
};
