/** Only one tab of the browser plays: when a song or a preview starts in one, the others become silent. */

import { state, subscribe } from "../core/state.js";
import { isSoundOn } from "./audio.js";
import { silence } from "./hover.js";
import { pause } from "./player.js";

const CHANNEL = "music-explorer";
/** What a tab tells the others. */
const STARTED = "started";

export function mount() {
  if (typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel(CHANNEL);
  let sounded = false;
  subscribe(["sound", "song", "previewed"], (changed) => {
    const isPreview = state.previewed !== null;
    const sounds = isSoundOn() || isPreview;
    if ((sounds && !sounded) || (isPreview && changed.has("previewed"))) channel.postMessage(STARTED);
    sounded = sounds;
  });
  channel.addEventListener("message", ({ data }) => {
    if (data !== STARTED) return;
    silence();
    pause();
  });
}
