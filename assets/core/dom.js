/** Elements of the page, and what the user's system asks for. */

/**
 * @param {string} id
 * @returns {any} The element with this id: an HTMLElement of the kind that the server's layout gives it.
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element "${id}".`);
  return element;
}

/**
 * Create an element. Its content is always text, never HTML, because titles may contain anything.
 * @param {string} tag @param {string} [className] @param {string|null} [text] @param {Object<string, string|number>} [attributes]
 * @returns {any} An HTMLElement.
 */
export function element(tag, className = "", text = null, attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/** @param {string} name @returns {HTMLElement} An icon, which screen readers skip. */
export function icon(name) {
  return element("span", `icon icon-${name}`, null, { "aria-hidden": "true" });
}

/**
 * @param {string} name @param {string} label @param {string} [className]
 * @returns {HTMLButtonElement} A button with an icon, and with a label as tooltip and for screen readers.
 */
export function iconButton(name, label, className = "") {
  const button = element("button", `icon-button ${className}`.trim(), null, { type: "button", title: label, "aria-label": label });
  button.append(icon(name));
  return button;
}

/** Set a button's tooltip and its label for screen readers. @param {HTMLElement} button @param {string} label */
export function setLabel(button, label) {
  button.title = label;
  button.setAttribute("aria-label", label);
}

/** Make screen readers say a text. @param {string} text */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** Set properties of a Dash component. @param {string} id @param {Object<string, any>} props */
export function setProps(id, props) {
  window.dash_clientside.set_props(id, props);
}

/** @returns {boolean} Whether the user's system asks for less motion. */
export function prefersReducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** @returns {boolean} Whether the user points with a finger: nothing hovers, and a focused field opens a keyboard. */
export function isTouch() {
  return matchMedia("(hover: none)").matches;
}

/** @returns {"dark"|"light"} The theme of the user's system. */
export function systemTheme() {
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

/** @returns {number} Canvas pixels for each CSS pixel: at most two. */
export function pixelDensity() {
  return Math.min(window.devicePixelRatio || 1, 2);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D} Its pixels lie in the processor's memory, not in the graphics card's: sending them there costs
 *   more than drawing.
 */
export function inMemory(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
}

/**
 * Clear a canvas and set its size.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width @param {number} height In CSS pixels.
 * @returns {CanvasRenderingContext2D} Its coordinates are CSS pixels.
 */
export function clearCanvas(canvas, width, height) {
  const density = pixelDensity();
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
