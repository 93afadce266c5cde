/**
 * The comet: while a song plays, a light moves over the map to where each second of it would lie, and leaves a trail. The light is an
 * element that only moves; the trail is painted again a few times a second, and when the map moves.
 */

import { getComet } from "../core/api.js";
import { byId, clearCanvas, prefersReducedMotion, setProps } from "../core/dom.js";
import { state, subscribe, update } from "../core/state.js";
import { frameSize, toPixels } from "../map/camera.js";
import { shownProjection } from "../map/songs.js";
import { onEachFrame } from "../sound/audio.js";
import { placeAt, trailOf } from "./comet_path.js";
import { secondNow } from "./playhead.js";

/** @typedef {import("./comet_path.js").Path} Path */

const SWITCH = "comet-switch";
const STORED = "comet";
/** After a request without an answer, the page waits so long before it asks again. */
const RETRY_MS = 30_000;
/** The trail is painted again when the song has gone on for this long. */
const REPAINT_S = 0.25;
const [TRAIL_PX, HALO_PX] = [2.5, 5.5];

/** The path of the song that plays; null until it is loaded, or if there is none. @type {Path|null} */
let path = null;
/** Which path was asked for: song, map and projection. */
let asked = "";
let request = new AbortController();
/** Where the trail that is painted ends, in seconds of the song. */
let paintedS = -1;

export function mount() {
  update({ isCometOn: localStorage.getItem(STORED) !== "off" });
  // Mantine draws the switch: it takes the value through Dash, and the page hears the user's change.
  if (!state.isCometOn) setProps(SWITCH, { checked: false });
  document.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement && target.id === SWITCH) setOn(target.checked);
  });
  matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", follow);
  subscribe(["playing", "song", "sound", "map", "previewed", "isCometOn"], follow);
  onEachFrame(moveLight);
}

/** @param {boolean} isOn */
function setOn(isOn) {
  localStorage.setItem(STORED, isOn ? "on" : "off");
  update({ isCometOn: isOn });
}

/** @returns {string} Which path is wanted; empty if none is. */
function wanted() {
  const { map, playing, isCometOn } = state;
  if (!map || playing === null || !isCometOn || prefersReducedMotion()) return "";
  return `${map.meta.revision} ${map.meta.order} ${shownProjection()} ${playing}`;
}

/** Drop the path that is not wanted any longer, and load the one that is, once its song plays. */
function follow() {
  const key = wanted();
  if (key !== asked && (path || asked)) {
    request.abort();
    path = null;
    asked = "";
    paint();
  }
  if (key && key !== asked && state.sound === "playing" && state.previewed === null) load(key);
  if (path && isHidden() !== byId("comet-trail").hidden) paint();
}

/** @param {string} key */
async function load(key) {
  asked = key;
  request = new AbortController();
  const { signal } = request;
  try {
    const loaded = await getComet(/** @type {number} */ (state.playing), /** @type {string} */ (shownProjection()), signal);
    if (signal.aborted) return;
    path = loaded;
    paint();
  } catch {
    if (!signal.aborted) setTimeout(() => signal.aborted || retry(), RETRY_MS);
  }
}

/** Ask again if the song plays, or when it does. */
function retry() {
  asked = "";
  follow();
}

/** @returns {boolean} Whether there is no comet now. While a preview plays, the song in the player does not sound. */
function isHidden() {
  return !path || !state.map || state.previewed !== null;
}

/** Draw the light and the trail for the viewport now. */
export function paint() {
  paintedS = -1;
  byId("comet").hidden = byId("comet-trail").hidden = isHidden();
  moveLight();
}

function moveLight() {
  if (!path || isHidden()) return;
  const second = secondNow();
  const place = placeAt(path, second);
  const light = byId("comet");
  light.hidden = !place;
  if (place) {
    const { x, y } = toPixels(...place);
    light.style.transform = `translate(${x}px, ${y}px)`;
  }
  if (paintedS < 0 || Math.abs(second - paintedS) >= REPAINT_S) paintTrail(path, second);
}

/** @param {Path} shown @param {number} second */
function paintTrail(shown, second) {
  paintedS = second;
  const canvas = byId("comet-trail");
  const { width, height } = frameSize();
  const context = clearCanvas(canvas, width, height);
  const style = getComputedStyle(canvas);
  const stretches = trailOf(shown, second).map(({ places, opacity }) => ({ opacity, pixels: places.map(([x, y]) => toPixels(x, y)) }));
  context.lineJoin = "round";
  // A halo in the ground's colour separates the trail from the points.
  const layers = /** @type {[string, number, number][]} */ ([["--halo", HALO_PX, 0.6], ["--comet", TRAIL_PX, 1]]);
  for (const [colour, lineWidth, share] of layers) {
    context.strokeStyle = style.getPropertyValue(colour);
    context.lineWidth = lineWidth;
    for (const { pixels, opacity } of stretches) {
      context.globalAlpha = opacity * share;
      context.beginPath();
      for (const { x, y } of pixels) context.lineTo(x, y);
      context.stroke();
    }
  }
}
