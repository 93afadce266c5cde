/** Viewports: pure functions that say which part of the map fits, and how zooming and moving change it. */
window.explorer = window.explorer || {};

/**
 * @typedef {{x: number, y: number, scale: number}} Viewport The coordinates at the centre of the free area,
 *   in map units; and how many map units a pixel has.
 * @typedef {{left: number, right: number, top: number, bottom: number}} Area A part of the frame, in pixels.
 */

explorer.viewport = {
  /**
   * @param {number[]} bounds Left, right, bottom and top in map units.
   * @param {Area} free
   * @returns {Viewport} The viewport that shows everything inside the bounds in the free area.
   */
  fitting([left, right, bottom, top], free) {
    const scaleX = Math.max(right - left, 1e-6) / Math.max(free.right - free.left, 50);
    const scaleY = Math.max(top - bottom, 1e-6) / Math.max(free.bottom - free.top, 50);
    const isSinglePoint = right - left < 1e-5 && top - bottom < 1e-5;
    return { x: (left + right) / 2, y: (bottom + top) / 2, scale: isSinglePoint ? 0.004 : Math.max(scaleX, scaleY) };
  },

  /**
   * @returns {number[][]} The ranges of the x and y axes with which the viewport's centre is in the middle of
   *   the free area.
   */
  axisRanges({ x, y, scale }, free, { width, height }) {
    const left = x - (scale * (free.left + free.right)) / 2;
    const top = y + (scale * (free.top + free.bottom)) / 2;
    return [
      [left, left + scale * width],
      [top - scale * height, top],
    ];
  },

  /**
   * @param {Viewport} viewport
   * @param {Area} free
   * @param {number} fittingScale The scale that shows all songs. The result's scale is 1/400 to 3 times this.
   * @param {number[]} pixel The pixel of the frame that does not move.
   * @param {number} factor Below 1 zooms in.
   * @returns {Viewport}
   */
  zoomed({ x, y, scale }, free, fittingScale, [pixelX, pixelY], factor) {
    const right = pixelX - (free.left + free.right) / 2;
    const down = pixelY - (free.top + free.bottom) / 2;
    const next = Math.min(Math.max(scale * factor, fittingScale / 400), fittingScale * 3);
    return { x: x + right * (scale - next), y: y - down * (scale - next), scale: next };
  },

  /**
   * @returns {number[]|null} The shortest move, in pixels, that brings a pixel into an area, 24 px from its
   *   edge; null if it is inside already.
   */
  offsetInto(free, { x, y }) {
    if (x >= free.left && x <= free.right && y >= free.top && y <= free.bottom) return null;
    const dx = Math.min(free.right - 24 - x, 0) + Math.max(free.left + 24 - x, 0);
    const dy = Math.min(free.bottom - 24 - y, 0) + Math.max(free.top + 24 - y, 0);
    return [dx, dy];
  },

  /**
   * @returns {Viewport} A viewport between two others. The centre is interpolated linearly, the scale
   *   geometrically.
   */
  between(start, target, progress) {
    const interpolate = (from, to) => from + (to - from) * progress;
    return {
      x: interpolate(start.x, target.x),
      y: interpolate(start.y, target.y),
      scale: start.scale * (target.scale / start.scale) ** progress,
    };
  },

  /**
   * @param {object} state
   * @param {Viewport} state.viewport The viewport on the old map.
   * @param {number} state.zoomBy The scale that shows all songs of the new map, divided by that of the old one.
   * @param {number[]} state.before @param {number[]} state.after The old and the new place of a song.
   * @returns {Viewport} The viewport on the new map in which the song has the same pixel and the zoom is the same.
   */
  following({ viewport, zoomBy, before, after }) {
    if (before[0] === after[0] && before[1] === after[1]) return viewport;
    const follow = (centre, from, to) => to + (centre - from) * zoomBy;
    return { x: follow(viewport.x, before[0], after[0]), y: follow(viewport.y, before[1], after[1]), scale: viewport.scale * zoomBy };
  },
};
