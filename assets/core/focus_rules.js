/** Which element gets the keyboard's focus when the one that had it is gone. Pure functions, apart from reading the page. */

/** The attributes that say what an element is about: a group of the legend, a song of a list, an option. */
const IDENTITY = ["data-group", "data-representative", "data-index", "data-id", "data-tab", "value", "name"];
const FOCUSABLE =
  "button, a[href], input, select, textarea, summary, [contenteditable], [tabindex]:not([tabindex='-1'])";
/** Ids that React and Mantine make anew at each drawing. */
const MADE_ID = /^:|^mantine-|[:«»]/;

/**
 * @typedef {object} Place Where the focus was.
 * @property {Element} element
 * @property {string} id Its id; empty if it has none of its own.
 * @property {string} kind A selector of elements of its kind.
 * @property {string} what A selector of elements about the same thing, such as the same song; empty if it is about nothing.
 * @property {string[]} containers The ids of the elements around it, from the inside out.
 * @property {number} position How many elements of its kind are before it in the innermost container.
 */

/** @param {Element} element @returns {Place} */
export function placeOf(element) {
  const containers = [];
  for (let around = element.parentElement; around && !around.matches(".page"); around = around.parentElement) {
    if (hasOwnId(around)) containers.push(around.id);
  }
  const kind = kindOf(element);
  const inside = document.getElementById(containers[0] ?? "") ?? document.body;
  return {
    ...{ element, kind, containers, id: hasOwnId(element) ? element.id : "" },
    what: identityOf(element),
    position: [...inside.querySelectorAll(kind)].indexOf(element),
  };
}

/** @param {Element} element */
function hasOwnId(element) {
  return element.id !== "" && !MADE_ID.test(element.id);
}

/** @param {Element} element @returns {string} A selector: its tag, its first class, and its icon if the row has several of this class. */
function kindOf(element) {
  const [first] = element.classList;
  const kind = element.tagName.toLowerCase() + (first ? `.${CSS.escape(first)}` : "");
  const icon = element.querySelector(":scope > .icon")?.classList[1];
  const isOneOfSeveral = icon && element.parentElement?.querySelectorAll(`:scope > ${kind}`).length !== 1;
  return isOneOfSeveral ? `${kind}:has(> .${CSS.escape(icon)})` : kind;
}

/** @param {Element} element @returns {string} A selector of its kind of element about the same thing; empty if it is about nothing. */
function identityOf(element) {
  const kind = kindOf(element);
  const own = selectorOf(element);
  if (own) return kind + own;
  const row = element.closest(IDENTITY.slice(0, 4).map((name) => `[${name}]`).join());
  return row ? `${selectorOf(row)} ${kind}` : "";
}

/** @param {Element} element @returns {string} */
function selectorOf(element) {
  return IDENTITY.flatMap((name) => {
    const value = element.getAttribute(name);
    return value ? [`[${name}="${CSS.escape(value)}"]`] : [];
  }).join("");
}

/** @param {Element|null} element @returns {element is HTMLElement} Whether it can have the focus now. */
export function canFocus(element) {
  return element instanceof HTMLElement && element.isConnected && !element.matches(":disabled") && element.checkVisibility({ visibilityProperty: true });
}

/** @param {Place} place @returns {HTMLElement|null} The element that is equal to the one that is gone. */
export function equalTo(place) {
  const byId = place.id ? document.getElementById(place.id) : null;
  if (canFocus(byId)) return byId;
  if (!place.what) return null;
  return firstThatCan(containerOf(place).querySelectorAll(place.what));
}

/**
 * @param {Place} place
 * @returns {HTMLElement|null} The element of the same kind at the same position in the list, or the last one before it.
 */
export function atPosition({ kind, position, containers }) {
  const inside = document.getElementById(containers[0] ?? "");
  if (!inside || position < 0) return null;
  const alike = [...inside.querySelectorAll(kind)].filter(canFocus);
  return alike[Math.min(position, alike.length - 1)] ?? null;
}

/**
 * @param {Place} place
 * @returns {HTMLElement|null} The nearest thing to the one that is gone: something in a list or card around it, or the button
 *   that opens the card that was closed.
 */
export function nearestTo({ containers }) {
  for (const id of containers) {
    const around = document.getElementById(id);
    if (!around || around.matches("main, #react-entry-point")) return null;
    const inside = around.checkVisibility() ? firstThatCan(around.querySelectorAll(FOCUSABLE)) : null;
    const opener = inside ?? firstThatCan(document.querySelectorAll(`[aria-controls~="${CSS.escape(id)}"]`));
    if (opener) return opener;
  }
  return null;
}

/** @param {Place} place @returns {Element} */
function containerOf({ containers }) {
  return containers.map((id) => document.getElementById(id)).find(Boolean) ?? document.body;
}

/** @param {Iterable<Element>} elements @returns {HTMLElement|null} */
function firstThatCan(elements) {
  return [...elements].find(canFocus) ?? null;
}
