/** Short notices at the bottom of the page (toasts): what happened, and perhaps a button that does something about it. */

import { byId, element, iconButton } from "./dom.js";

/**
 * @typedef {object} Notice
 * @property {"info"|"good"|"error"} [kind] An error stays until it is closed; the others leave by themselves.
 * @property {{label: string, run: () => void}} [action] A button, such as "Undo".
 * @property {string} [key] A notice replaces an earlier one with the same key.
 */

/** How long a notice stays, unless the pointer or the keyboard's focus is on it. */
const SHOWN_MS = 6000;
/** A notice with a button stays longer: the user must read and reach it. */
const SHOWN_WITH_ACTION_MS = 10_000;

/** The notices that have a key. @type {Map<string, HTMLElement>} */
const byKey = new Map();

/**
 * Show a notice. Screen readers say it: "toasts" is a live region.
 * @param {string} text One sentence.
 * @param {Notice} [notice]
 * @returns {() => void} Removes the notice.
 */
export function notify(text, { kind = "info", action, key } = {}) {
  const toast = element("div", `toast toast-${kind} card`);
  const dismiss = () => {
    clearTimeout(timer);
    toast.remove();
    if (key && byKey.get(key) === toast) byKey.delete(key);
  };
  toast.append(element("span", "toast-text", text, { dir: "auto" }));
  if (action) {
    const button = element("button", "link", action.label, { type: "button" });
    button.addEventListener("click", () => {
      dismiss();
      action.run();
    });
    toast.append(button);
  }
  const close = iconButton("close", "Close this notice", "toast-close");
  close.addEventListener("click", dismiss);
  toast.append(close);
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const leaveLater = () => {
    clearTimeout(timer);
    if (kind !== "error") timer = setTimeout(dismiss, action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
  };
  for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, leaveLater);
  if (key) {
    byKey.get(key)?.remove();
    byKey.set(key, toast);
  }
  byId("toasts").append(toast);
  leaveLater();
  return dismiss;
}
