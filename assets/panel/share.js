/** The menu that shares what the page shows: copies a link to it, and saves or copies a picture of the map. */

import { byId, element } from "../core/dom.js";
import { notify } from "../core/notices.js";
import { state } from "../core/state.js";
import { compose } from "../map/picture.js";
import { save } from "./export.js";
import { close } from "./popover.js";

export function mount() {
  byId("share-link").addEventListener("click", () => closeAnd(copyLink));
  byId("share-save").addEventListener("click", () => closeAnd(savePicture));
  byId("share-copy").addEventListener("click", () => closeAnd(copyPicture));
  byId("share-copy").hidden = !canCopyPictures();
}

/** Close the menu, and do what was chosen. @param {() => void} action */
function closeAnd(action) {
  close({ returnsFocus: true });
  action();
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
