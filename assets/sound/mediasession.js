/** Media keys, headphone buttons and the lock screen. The browser offers them through its Media Session API. */
window.explorer = window.explorer || {};

explorer.mediaSession = {
  SEEK_S: 10,

  /** @returns {MediaSession|null} Null if the browser has none. */
  get session() {
    return navigator.mediaSession ?? null;
  },

  mount() {
    if (!this.session) return;
    const { player } = explorer;
    const seekBy = (seconds) => (player.audio.currentTime = Math.max(0, player.audio.currentTime + seconds));
    const handlers = {
      play: () => player.start(),
      pause: () => player.audio.pause(),
      stop: () => player.audio.pause(),
      previoustrack: () => player.previous({ restarts: true }),
      nexttrack: () => player.next(),
      seekbackward: ({ seekOffset }) => seekBy(-(seekOffset || this.SEEK_S)),
      seekforward: ({ seekOffset }) => seekBy(seekOffset || this.SEEK_S),
      seekto: ({ seekTime }) => (player.audio.currentTime = seekTime),
    };
    for (const [action, handler] of Object.entries(handlers)) {
      try {
        this.session.setActionHandler(action, handler);
      } catch {
        // This browser does not support the action.
      }
    }
  },

  /** @param {string|null} id The song's id; null for an uploaded song, which has no cover. */
  showSong(song, id) {
    if (!this.session) return;
    const artwork = id === null ? [] : [{ src: new URL("cover/" + encodeURIComponent(id), location.href).href }];
    this.session.metadata = new MediaMetadata({
      title: song.title,
      artist: song.artist || "",
      album: song.album || "",
      artwork,
    });
  },

  showState(isPlaying) {
    if (this.session) this.session.playbackState = isPlaying ? "playing" : "paused";
  },

  showTime(currentTime, duration) {
    this.session?.setPositionState({ duration, position: Math.min(currentTime, duration), playbackRate: 1 });
  },
};
