/**
 * `loadParts` gives the parts of the page that the benchmarks need, under the same names for this page, which consists
 * of modules, and for versions of the page with one global object, `explorer`.
 */
window.loadParts = async () => {
  if (window.explorer) {
    const { map, player, hover, pointer } = explorer;
    return {
      pixelOf: (index) => map.toPixels(...map.placeOf(index)),
      around: (x, y, count) => pointer.around(x, y, count),
      playing: () => player.index,
      previewed: () => hover.index,
      level: () => hover.level(),
      analyser: () => hover.analyser,
      isHearing: () => hover.context?.state === "running",
      isLoading: () => hover.loading.size + hover.queue.length > 0,
      isDecoded: (index) => hover.decoded.has(index),
    };
  }
  const names = ["core/state", "map/camera", "map/songs", "map/picking", "sound/hover", "sound/previews"];
  const modules = await Promise.all(names.map((name) => import(`/assets/${name}.js`)));
  const [{ state }, camera, songs, picking, hover, previews] = modules;
  return {
    pixelOf: (index) => camera.toPixels(...songs.placeOf(index)),
    around: picking.around,
    playing: () => state.playing,
    previewed: () => state.previewed,
    level: hover.level,
    analyser: () => hover.output()?.analyser,
    isHearing: () => hover.output()?.context.state === "running",
    isLoading: () => previews.loading.size + previews.waiting.length > 0,
    isDecoded: (index) => previews.decoded.has(index),
  };
};

/** Send an event of the mouse to the map. @param {string} kind @param {number} x @param {number} y In pixels. */
window.sendPointer = (kind, x, y, details = {}) => {
  const values = { clientX: x, clientY: y, bubbles: true, cancelable: true, pointerId: 1, button: 0, isPrimary: true, ...details };
  const Kind = kind === "wheel" ? WheelEvent : PointerEvent;
  document.getElementById("map-frame").dispatchEvent(new Kind(kind, values));
};
