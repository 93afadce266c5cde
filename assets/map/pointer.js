/** The pointer on the map: the song under it, clicks and taps, panning, the wheel, and pinching with two fingers. */

import { play } from "../core/actions.js";
import { focusMap } from "../core/focus.js";
import { state, subscribe, update } from "../core/state.js";
import * as hover from "../sound/hover.js";
import { frame, panBy, showAll, zoomAt } from "./camera.js";
import { beginShape, cancelShape, extendShape, finishShape, shapeFor } from "./lasso.js";
import { nearest } from "./picking.js";
import { gridNow } from "./song_grid.js";
import * as tooltip from "./tooltip.js";

/**
 * @typedef {{x: number, y: number}} Pixel
 * @typedef {object} Drag A press that is not released.
 * @property {number} id Of the pointer. @property {number} x @property {number} y @property {number} began In milliseconds.
 * @property {boolean} moved @property {import("./lasso.js").NewShape|null} shape The shape that it draws.
 */

/** The largest distance from the pointer to a point at which its tooltip shows and a click plays it. */
const HOVER_PX = 14;
/** The same for a tap with a finger. */
const TAP_PX = 26;
/** The same for the preview. */
const PREVIEW_PX = 40;
/** A press that moves further, or lasts longer, is not a click. */
const MAX_CLICK_MOVE_PX = 5;
const MAX_CLICK_MS = 700;
/** An event that counts lines of text instead of pixels: a line has this many. */
const LINE_PX = 18;
const MAX_WHEEL_PX = 240;
/** A pixel of the wheel zooms by the power of this. A pinch on a touchpad has much smaller steps. */
const WHEEL_ZOOM = 0.0022;
const TOUCHPAD_PINCH_ZOOM = 0.01;

/** The fingers on the map, by pointer id. @type {Map<number, Pixel>} */
const touches = new Map();
/** @type {Drag|null} */
let drag = null;
/** Where the pointer is; null if it is not on the map. @type {Pixel|null} */
let at = null;
let isLookScheduled = false;

export function mount() {
  // The grid takes a moment: it is ready before the pointer asks for a song.
  subscribe(["map"], () => window.requestIdleCallback?.(gridNow));
  const map = frame();
  map.addEventListener("pointermove", move);
  map.addEventListener("pointerleave", leave);
  map.addEventListener("pointerdown", (event) => isOnMap(event) && press(event));
  window.addEventListener("pointermove", dragTo);
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
    window.addEventListener(kind, (event) => release(event, kind === "pointerup"));
  }
  map.addEventListener("wheel", zoomByWheel, { passive: false });
  map.addEventListener("dblclick", (event) => {
    if (isOnMap(event) && nearest(event.clientX, event.clientY, HOVER_PX) === null) showAll();
  });
}

/** @param {Event} event @param {string} selector */
function isOver(event, selector) {
  return event.target instanceof Element && event.target.closest(selector) !== null;
}

/** @param {Event} event */
function isOnMap(event) {
  return !isOver(event, ".card, button");
}

/** @param {Drag|null} next */
function setDrag(next) {
  drag = next;
  if (!drag) frame().classList.remove("dragging");
  update({ isDragging: drag !== null || touches.size > 0 });
}

/** @param {PointerEvent} event */
function move(event) {
  if (event.pointerType === "touch" || drag?.moved) return;
  at = { x: event.clientX, y: event.clientY };
  if (isOver(event, ".card")) return leave();
  if (isLookScheduled) return;
  isLookScheduled = true;
  requestAnimationFrame(() => {
    isLookScheduled = false;
    if (at && !drag?.moved) look(at);
  });
}

/** Show the tooltip of the song under the pointer, and play the preview of the nearest song. @param {Pixel} pixel */
function look(pixel) {
  const { x, y } = pixel;
  update({ hovered: nearest(x, y, HOVER_PX) });
  tooltip.place(x, y);
  if (state.isHearing) hover.setTarget(nearest(x, y, PREVIEW_PX, { onlyMatching: true }), pixel);
}

function leave() {
  at = null;
  update({ hovered: null });
  hover.leave();
}

/**
 * A press begins a click, a drag of the map, or a lasso or box. The press of a second finger begins a pinch.
 * @param {PointerEvent} event
 */
function press(event) {
  const { clientX: x, clientY: y } = event;
  if (event.pointerType === "touch") touches.set(event.pointerId, { x, y });
  if (touches.size > 1) {
    setDrag(null);
    cancelShape();
    return;
  }
  if (event.button !== 0) return;
  event.preventDefault();
  focusMap();
  const shape = shapeFor(event);
  setDrag({ id: event.pointerId, x, y, began: performance.now(), moved: false, shape });
  if (shape) beginShape(shape, x, y);
}

/** @param {PointerEvent} event */
function dragTo(event) {
  if (touches.has(event.pointerId) && touches.size === 2) return pinch(event);
  if (!drag || drag.id !== event.pointerId) return;
  const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
  if (!drag.moved && Math.hypot(dx, dy) < MAX_CLICK_MOVE_PX) return;
  if (!drag.moved) {
    drag.moved = true;
    update({ hovered: null });
    frame().classList.toggle("dragging", !drag.shape);
  }
  if (drag.shape) return extendShape(event.clientX, event.clientY);
  panBy(dx, dy);
  [drag.x, drag.y] = [event.clientX, event.clientY];
}

/** Pan and zoom with two fingers: the point of the map in the middle between them stays in the middle. @param {PointerEvent} event */
function pinch(event) {
  const gapAndMiddle = () => {
    const [a, b] = [...touches.values()];
    return { gap: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };
  const before = gapAndMiddle();
  touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
  const after = gapAndMiddle();
  panBy(after.x - before.x, after.y - before.y);
  zoomAt(after.x, after.y, before.gap / Math.max(after.gap, 1));
}

/**
 * @param {PointerEvent} event
 * @param {boolean} isReleased True if the button or finger was released; false if the browser cancelled the press, which
 *   then is no click.
 */
function release(event, isReleased) {
  touches.delete(event.pointerId);
  const ended = drag?.id === event.pointerId ? drag : null;
  setDrag(ended ? null : drag);
  if (!ended) return;
  if (ended.shape && ended.moved) return finishShape(event);
  if (ended.shape) cancelShape();
  if (!isReleased || ended.moved || performance.now() - ended.began > MAX_CLICK_MS) return;
  const index = nearest(event.clientX, event.clientY, event.pointerType === "touch" ? TAP_PX : HOVER_PX);
  if (index !== null) play(index);
}

/** @param {WheelEvent} event */
function zoomByWheel(event) {
  if (isOver(event, ".card")) return;
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1);
  const step = Math.min(Math.max(pixels, -MAX_WHEEL_PX), MAX_WHEEL_PX);
  update({ hovered: null });
  // A pinch on a touchpad arrives as a wheel event with Ctrl.
  zoomAt(event.clientX, event.clientY, Math.exp(step * (event.ctrlKey ? TOUCHPAD_PINCH_ZOOM : WHEEL_ZOOM)));
}
