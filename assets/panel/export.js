/** Exports the selection as a playlist or a table, which the browser saves as a file. */

import { ask } from "../core/api.js";
import { byId, element } from "../core/dom.js";
import { state, subscribe } from "../core/state.js";

const FORMATS = { m3u8: "M3U8 playlist", xspf: "XSPF playlist", csv: "CSV table" };
const PATHS = { relative: "Relative paths", absolute: "Absolute paths" };
/** The browser must begin to save the file within this time; then the file is removed from memory. */
const SAVE_TIMEOUT_MS = 10_000;

export function mount() {
  byId("export-line").append(makeDropdown("export-form", "Format", FORMATS), makeDropdown("export-paths", "Paths", PATHS));
  byId("export-start").addEventListener("click", exportSelection);
  subscribe(["chosen"], () => (byId("export-state").textContent = ""));
}

/** @param {string} id @param {string} label @param {Object<string, string>} options Texts by value. @returns {HTMLSelectElement} */
function makeDropdown(id, label, options) {
  const dropdown = element("select", "dropdown", null, { id, "aria-label": label });
  dropdown.append(...Object.entries(options).map(([value, text]) => element("option", "", text, { value })));
  return dropdown;
}

/** Request the file from the server and save it. */
async function exportSelection() {
  const [status, form, paths] = [byId("export-state"), byId("export-form").value, byId("export-paths").value];
  status.textContent = "Exporting…";
  try {
    const response = await ask("export", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ revision: state.map?.meta.revision, songs: state.chosen, form, paths }),
    });
    if (!response.ok) throw new Error(await response.text());
    const leftOut = Number(response.headers.get("X-Left-Out") || 0);
    const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") || "")?.[1] ?? "selection";
    save(await response.blob(), name);
    const note = leftOut ? ` ${leftOut} songs without a file were left out.` : "";
    status.textContent = `${name} was saved.${pathHint(response.headers.get("X-Path-Problem"), paths)}${note}`;
  } catch (error) {
    status.textContent = /** @type {Error} */ (error).message;
  }
}

/** Save a file. @param {Blob} file @param {string} name */
export function save(file, name) {
  const link = element("a", "", null, { download: name, href: URL.createObjectURL(file) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SAVE_TIMEOUT_MS);
}

/** @param {string|null} problem Why the server wrote other paths than the user chose. @param {string} paths @returns {string} */
function pathHint(problem, paths) {
  if (problem) return ` ${problem}`;
  return paths === "relative" ? " Its paths are relative to the music folder: move the file into that folder." : "";
}
