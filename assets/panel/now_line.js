/** The line in the panel that says what plays, when the panel shows another song or none. */

import { explore } from "../core/actions.js";
import { getSong } from "../core/api.js";
import { byId } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";
import { isSoundOn } from "../sound/audio.js";

/** A song that the user plays on the map is selected a moment later: until then, the line does not appear. */
const DELAY_MS = 60;

/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

export function mount() {
  byId("now-line-show").addEventListener("click", () => state.playing !== null && explore(state.playing));
  subscribe(["song", "playing", "selected", "sound", "upload", "map"], () => {
    clearTimeout(timer);
    timer = setTimeout(show, DELAY_MS);
  });
}

/** @returns {boolean} Whether the panel does not show the song in the player. */
function isElsewhere() {
  return state.playing !== null && (state.upload !== null || state.playing !== state.selected);
}

async function show() {
  const { playing } = state;
  const song = isElsewhere() ? await getSong(/** @type {number} */ (playing)).catch(() => null) : null;
  if (playing !== state.playing) return;
  byId("now-line").hidden = !song || !isElsewhere();
  if (!song) return;
  byId("now-line-verb").textContent = isSoundOn() ? "Playing: " : "Paused: ";
  byId("now-line-title").textContent = byId("now-line-title").title = song.title;
}
