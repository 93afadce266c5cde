/** The menu that shares what the page shows: copies a link to it, and saves or copies a picture of the map. */

import { byId, element } from "../core/dom.js";
import { notify } from "../core/notices.js";
import { state } from "../core/state.js";
import { compose } from "../map/picture.js";
import { save } from "./export.js";

export function mount() {
  const opener = byId("share-open");
  const menu = byId("share-menu");
  opener.addEventListener("click", () => toggle(menu.hidden));
  byId("share-link").addEventListener("click", () => close(copyLink));
  byId("share-save").addEventListener("click", () => close(savePicture));
  byId("share-copy").addEventListener("click", () => close(copyPicture));
  byId("share-copy").hidden = !canCopyPictures();
  document.addEventListener("pointerdown", ({ target }) => {
    const isOutside = target instanceof Element && !menu.contains(target) && !opener.contains(target);
    if (isOutside) toggle(false);
  });
  // Before the keyboard shortcuts: Escape closes only the menu.
  window.addEventListener("keydown", closeOnEscape, { capture: true });
}

/** @param {boolean} isOpen */
function toggle(isOpen) {
  byId("share-menu").hidden = !isOpen;
  byId("share-open").setAttribute("aria-expanded", String(isOpen));
}

/** Close the menu, and do what was chosen. The focus returns to the button. @param {() => void} action */
function close(action) {
  toggle(false);
  byId("share-open").focus();
  action();
}

/** @param {KeyboardEvent} event */
function closeOnEscape(event) {
  if (event.key !== "Escape" || byId("share-menu").hidden) return;
  event.stopImmediatePropagation();
  toggle(false);
  byId("share-open").focus();
}

/** Copy the page's address: it contains the view, the filters and the song. */
async function copyLink() {
  const isCopied = await copyText(location.href);
  if (isCopied) notify("The link was copied.", { kind: "good", key: "share" });
  else notify("The browser did not allow copying: copy the address of this page.", { kind: "error", key: "share" });
}

/** @param {string} text @returns {Promise<boolean>} Whether it is in the clipboard now. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page that was not opened over HTTPS, such as one from the local network, has no clipboard.
    return copyFromField(text);
  }
}

/** @param {string} text @returns {boolean} Whether it is in the clipboard now. */
function copyFromField(text) {
  const focused = document.activeElement;
  const field = element("textarea", "visually-hidden", null, { "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}

/** @returns {Promise<Blob>} A picture of the map, as a PNG file. */
function makePicture() {
  return new Promise((resolve, reject) => {
    if (!state.map || !state.viewport) return reject(new Error("There is no map yet."));
    compose().toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser could not make a picture of this size."))), "image/png");
  });
}

async function savePicture() {
  const { projection, colouring } = state.map?.meta ?? {};
  try {
    save(await makePicture(), `music-map-${projection}-${colouring}.png`);
    notify("The picture was saved.", { kind: "good", key: "share" });
  } catch (error) {
    notify(/** @type {Error} */ (error).message, { kind: "error", key: "share" });
  }
}

/** @returns {boolean} Whether the browser can put pictures into the clipboard here. */
function canCopyPictures() {
  return typeof ClipboardItem !== "undefined" && typeof navigator.clipboard?.write === "function";
}

async function copyPicture() {
  try {
    // Safari needs the item at once, and the picture later.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": makePicture() })]);
    notify("The picture was copied.", { kind: "good", key: "share" });
  } catch (error) {
    notify(`The picture could not be copied: ${/** @type {Error} */ (error).message}`, { kind: "error", key: "share" });
  }
}
