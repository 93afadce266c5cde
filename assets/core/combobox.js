/** Makes a field of Mantine with a list of options a combobox to screen readers: Mantine does so only in part. */

/** @type {WeakMap<HTMLElement, {list: Element, observer: MutationObserver}>} */
const watched = new WeakMap();

/**
 * Describe a field, and its list whenever that is open.
 * @param {HTMLInputElement} field
 * @param {string} listName What screen readers call the list.
 * @returns {() => void} Describes them again at once.
 */
export function makeCombobox(field, listName) {
  const again = () => describe(field, listName, again);
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", field.readOnly ? "none" : "list");
  new MutationObserver(again).observe(field, { attributeFilter: ["data-expanded", "aria-controls", "aria-activedescendant"] });
  again();
  return again;
}

/** @param {Element} field @returns {HTMLElement|null} The field's list; null while it is closed. */
export function listOf(field) {
  return document.getElementById(field.getAttribute("aria-controls") ?? "");
}

/** @param {Element} field @returns {Element|null|undefined} The option that the user has chosen with the arrow keys. */
export function highlighted(field) {
  return listOf(field)?.querySelector("[data-combobox-selected]");
}

/**
 * Tell screen readers whether there are options, and which one is highlighted: Mantine leaves the name of an option that is
 * gone. A sentence in place of options is no list.
 * @param {HTMLInputElement} field @param {string} listName @param {() => void} again
 */
function describe(field, listName, again) {
  const list = listOf(field);
  watch(field, list, again);
  const hasOptions = Boolean(list?.checkVisibility() && list.querySelector("[role=option]"));
  if (list) {
    set(list, "aria-label", listName);
    set(list, "role", hasOptions ? "listbox" : "presentation");
  }
  set(field, "aria-expanded", String(field.hasAttribute("data-expanded") && hasOptions));
  set(field, "aria-activedescendant", highlighted(field)?.id);
}

/**
 * The options come after the list, and change while it is open.
 * @param {HTMLInputElement} field @param {HTMLElement|null} list @param {() => void} again
 */
function watch(field, list, again) {
  const before = watched.get(field);
  if (before?.list === list) return;
  before?.observer.disconnect();
  watched.delete(field);
  if (list) {
    const observer = new MutationObserver(again);
    observer.observe(list, { childList: true, subtree: true, attributeFilter: ["data-combobox-selected", "role"] });
    // Mantine shows and hides what is around the list.
    if (list.parentElement) observer.observe(list.parentElement, { attributeFilter: ["style"] });
    watched.set(field, { list, observer });
  } else if (field.hasAttribute("data-expanded")) requestAnimationFrame(() => listOf(field) && again());
}

/** @param {Element} element @param {string} name @param {string|undefined} value Undefined removes the attribute. */
function set(element, name, value) {
  if (value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
