/** Media keys, headphone buttons and the lock screen. The browser offers them through its Media Session API. */

import { playSomething } from "../core/actions.js";
import { state, subscribe } from "../core/state.js";
import { audioElement, isSoundOn, onTime } from "./audio.js";
import { idOf } from "./files.js";
import { silence } from "./hover.js";
import { pause, seekBy, start } from "./player.js";
import { next, previous } from "./queue.js";

const SEEK_S = 10;

function beSilent() {
  silence();
  pause();
}

/** What the browser's buttons do. @type {Partial<Record<MediaSessionAction, MediaSessionActionHandler>>} */
const HANDLERS = {
  play: () => (state.song ? start() : playSomething()),
  pause: beSilent,
  stop: beSilent,
  previoustrack: () => previous({ restarts: true }),
  nexttrack: () => next(),
  seekbackward: ({ seekOffset }) => seekBy(-(seekOffset || SEEK_S)),
  seekforward: ({ seekOffset }) => seekBy(seekOffset || SEEK_S),
  seekto: ({ seekTime }) => (audioElement().currentTime = seekTime ?? 0),
};

export function mount() {
  if (!navigator.mediaSession) return;
  for (const [action, handler] of Object.entries(HANDLERS)) {
    try {
      navigator.mediaSession.setActionHandler(/** @type {MediaSessionAction} */ (action), handler);
    } catch {
      // This browser does not support the action.
    }
  }
  subscribe(["song"], showSong);
  subscribe(["sound", "song"], showSound);
  onTime(showTime);
}

function showSong() {
  const { song } = state;
  if (!song) return;
  const id = idOf(song);
  // An uploaded song has no cover.
  const artwork = id === null ? [] : [{ src: new URL("cover/" + encodeURIComponent(id), location.href).href }];
  const { title, artist, album } = song;
  navigator.mediaSession.metadata = new MediaMetadata({ title, artist: artist || "", album: album || "", artwork });
}

function showSound() {
  navigator.mediaSession.playbackState = isSoundOn() ? "playing" : "paused";
}

function showTime() {
  const { currentTime, duration } = audioElement();
  if (!Number.isFinite(duration) || duration <= 0) return;
  navigator.mediaSession.setPositionState?.({ duration, position: Math.min(currentTime, duration), playbackRate: 1 });
}
