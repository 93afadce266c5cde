/**
 * `probe` measures the map. It runs before the page's own scripts, and knows of every WebGL context and of every drawing.
 * A frame has ended when the graphics card has drawn it: reading a pixel waits for that. Times are in milliseconds;
 * null means that the limit was reached.
 */
window.probe = (() => {
  /** A map is at rest when nothing has been drawn for so long. */
  const REST_MS = 800;
  const contexts = new Set();
  /** Who waits for a map to be drawn. */
  const waiting = new Set();
  let drawings = 0;

  const { getContext } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.getContext = function (kind, ...options) {
    const context = getContext.call(this, kind, ...options);
    if (context && kind.startsWith("webgl")) contexts.add(context);
    return context;
  };
  for (const { prototype } of [WebGLRenderingContext, WebGL2RenderingContext]) {
    for (const name of ["drawArrays", "drawElements"]) {
      const draw = prototype[name];
      prototype[name] = function (...values) {
        drawings += 1;
        return draw.apply(this, values);
      };
    }
  }
  // The page sets the attribute, perhaps to the same value, whenever the points of a new map are drawn.
  new MutationObserver((records) => {
    const value = records.at(-1).target.dataset.drawn;
    for (const { isWanted, resolve } of waiting) if (isWanted(value)) resolve();
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] });

  function finishDrawing() {
    for (const gl of contexts) {
      const target = gl.READ_FRAMEBUFFER ?? gl.FRAMEBUFFER;
      const bound = gl.getParameter(gl.READ_FRAMEBUFFER_BINDING ?? gl.FRAMEBUFFER_BINDING);
      gl.bindFramebuffer(target, null);
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
      gl.bindFramebuffer(target, bound);
    }
  }

  /** @returns {Promise<number>} When all that the page does now, or in the frame that it draws now, has ended. */
  const taskEnd = () =>
    new Promise((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        finishDrawing();
        resolve(performance.now());
      };
      channel.port2.postMessage(0);
    });

  /** @returns {Promise<number>} When the next frame has ended. */
  const frameEnd = () => new Promise((resolve) => requestAnimationFrame(() => resolve(taskEnd())));

  /** @returns {Promise<boolean>} False if the promise takes too long. */
  const within = (promise, limitMs) =>
    Promise.race([promise.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), limitMs))]);

  /** @returns {number} When the last answer to a request since then was complete. */
  const answeredMs = (startedMs) =>
    Math.max(startedMs, ...performance.getEntriesByType("resource").map(({ responseEnd }) => responseEnd));

  /**
   * Do something that changes how the points look, and wait until a map for which the condition holds is at rest.
   * @returns {Promise<{ms: number|null, complete: number|null, answered: number}>} From now until the points are drawn, until
   *   names and legend agree with them, and until the server has answered.
   */
  async function newView(isWanted, limitMs, act) {
    performance.clearResourceTimings();
    const startedMs = performance.now();
    const times = [untilDrawn(() => true, limitMs), untilDrawn(isWanted, limitMs)];
    act();
    const [ms, complete] = await Promise.all(times);
    const answered = answeredMs(startedMs) - startedMs;
    if (complete !== null) await untilAtRest(performance.now(), limitMs);
    return { ms, complete, answered };
  }

  /** @returns {Promise<number|null>} The time from now until a map for which the condition holds is drawn. */
  async function untilDrawn(isWanted, limitMs, startedMs = performance.now()) {
    const waiter = { isWanted };
    const drawn = new Promise((resolve) => (waiter.resolve = resolve));
    waiting.add(waiter);
    const isDrawn = await within(drawn, limitMs);
    waiting.delete(waiter);
    return isDrawn ? (await taskEnd()) - startedMs : null;
  }

  /** @returns {Promise<number|null>} When an element, or what is in it, fulfils a condition and is shown. */
  async function untilShown(element, isTrue, limitMs) {
    let observer;
    const shown = new Promise((resolve) => {
      const check = () => isTrue() && resolve();
      observer = new MutationObserver(check);
      observer.observe(element, { attributes: true, childList: true, characterData: true, subtree: true });
      check();
    });
    const isShown = await within(shown, limitMs);
    observer.disconnect();
    return isShown ? frameEnd() : null;
  }

  /** @returns {Promise<number|null>} When the last drawing ended, once the map is at rest. */
  async function untilAtRest(startedMs, limitMs) {
    let [lastMs, seen] = [performance.now(), drawings];
    for (;;) {
      const now = await frameEnd();
      if (drawings !== seen) [lastMs, seen] = [now, drawings];
      if (now - lastMs > REST_MS) return lastMs;
      if (now - startedMs > limitMs) return null;
    }
  }

  /**
   * Call `step` once for each frame, for a third of the limit at most.
   * @returns {Promise<{frames: number[], rest: number|null}>} `rest`: from the last step until the map is at rest.
   */
  async function frames(count, limitMs, step) {
    const durations = [];
    const startedMs = performance.now();
    let [beforeMs, stepMs] = [startedMs, startedMs];
    for (let i = 0; i < count && beforeMs - startedMs < limitMs / 3; i++) {
      stepMs = performance.now();
      step(i);
      const now = await frameEnd();
      durations.push(now - beforeMs);
      beforeMs = now;
    }
    const restMs = await untilAtRest(stepMs, limitMs);
    return { frames: durations, rest: restMs && restMs - stepMs };
  }

  const byId = (id) => document.getElementById(id);
  const middle = () => ({ x: Math.round(innerWidth / 2), y: Math.round(innerHeight / 2) });
  // The first picture can be asked for after it was drawn.
  const first = untilDrawn(() => true, 2 ** 31 - 1, 0);

  return {
    /** @returns {Promise<number|null>} From the start of the navigation until all points are drawn. */
    async firstPicture(limitMs) {
      return (await within(first, limitMs)) ? first : null;
    },

    async pan(count, limitMs) {
      const { x, y } = middle();
      await untilAtRest(performance.now(), limitMs);
      sendPointer("pointerdown", x, y);
      sendPointer("pointermove", x + 8, y);
      const result = await frames(count, limitMs, (i) => sendPointer("pointermove", x + 6 * (i % 20), y + 3 * (i % 20)));
      sendPointer("pointerup", x, y);
      return result;
    },

    /** Zoom in and out again with the wheel, then show all songs. */
    async zoom(count, limitMs) {
      const { x, y } = middle();
      const result = await frames(count, limitMs, (i) => sendPointer("wheel", x, y, { deltaY: i < count / 2 ? -60 : 60 }));
      byId("zoom-fit").click();
      await untilAtRest(performance.now(), limitMs);
      return result;
    },

    /** @returns {Promise<number|null>} From the pointer's arrival at a song until its tooltip is shown. */
    async hover(index, limitMs) {
      const { pixelOf } = await loadParts();
      const tooltip = byId("tooltip");
      const { x, y } = pixelOf(index);
      sendPointer("pointerleave", x, y);
      await untilShown(tooltip, () => tooltip.hidden, limitMs);
      const startedMs = performance.now();
      sendPointer("pointermove", x, y);
      const shownMs = await untilShown(tooltip, () => !tooltip.hidden, limitMs);
      sendPointer("pointerleave", x, y);
      return shownMs && shownMs - startedMs;
    },

    /** Draw a lasso around all songs. @returns {Promise<{ms: number|null, count: string}>} From the release until the list is shown, and how many songs it has. */
    async lasso(corners, limitMs) {
      byId("tool-lasso").click();
      const { x, y } = middle();
      const at = (i) => [x + 1.4 * x * Math.cos((2 * Math.PI * i) / corners), y + 1.4 * y * Math.sin((2 * Math.PI * i) / corners)];
      sendPointer("pointerdown", ...at(0));
      for (let i = 1; i < corners; i++) sendPointer("pointermove", ...at(i));
      await frameEnd();
      const number = byId("tab-choice-count");
      const startedMs = performance.now();
      sendPointer("pointerup", ...at(0));
      const shownMs = await untilShown(number, () => number.textContent !== "", limitMs);
      const count = number.textContent;
      await untilAtRest(performance.now(), limitMs);
      byId("choice-clear").click();
      await untilAtRest(performance.now(), limitMs);
      return { ms: shownMs && shownMs - startedMs, count };
    },

    /** Isolate the group of a row of the legend, then show all songs again. */
    async isolate(number, limitMs) {
      const line = byId("filter-state");
      const rowNow = () => {
        const rows = byId("legend").querySelectorAll("[data-group]");
        return rows[number % rows.length];
      };
      const result = await newView(() => !line.hidden, limitMs, () => rowNow().click());
      if (result.ms !== null) await newView(() => line.hidden, limitMs, () => rowNow().click());
      return result;
    },

    /** @param {string} name "cluster", "genre" or "artist". */
    colour(name, limitMs) {
      const isWanted = (value) => value.split(" ")[1] === name;
      return newView(isWanted, limitMs, () => dash_clientside.set_props("colouring", { value: name }));
    },
  };
})();
