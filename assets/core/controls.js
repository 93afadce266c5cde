/** What the controls of the page show. Pure functions. */

/**
 * @param {string} projection @param {string} colouring
 * @returns {Object<string, string>[]} The styles of the fields for the number of clusters, the colouring, t-SNE's
 *   perplexity and UMAP's neighbours: a field is visible only if the current view uses it.
 */
export function fieldStyles(projection, colouring) {
  const styleIf = (/** @type {boolean} */ isShown) => ({ display: isShown ? "" : "none" });
  const isOriginal = projection === "original";
  return [
    styleIf(isOriginal || colouring === "cluster"),
    { visibility: isOriginal ? "hidden" : "visible" },
    styleIf(projection === "tsne"),
    styleIf(projection === "umap"),
  ];
}

/**
 * @param {"dark"|"light"|null} chosen Null follows the system.
 * @param {"dark"|"light"} system
 * @returns {"dark"|"light"|null} The theme after it. The first step always changes what is seen.
 */
export function nextTheme(chosen, system) {
  if (chosen === system) return null;
  if (chosen) return system;
  return system === "dark" ? "light" : "dark";
}

/**
 * @param {unknown} typed What the field contains. @param {number} most @param {number} before The number that is drawn.
 * @returns {number} How many clusters to draw: never more than the most, and as before if the field is empty.
 */
export function clustersToDraw(typed, most, before) {
  const count = typed === "" || typed === null ? NaN : Math.round(Number(typed));
  return Number.isFinite(count) ? Math.max(1, Math.min(count, most || count)) : before;
}

/**
 * @param {string|undefined} text What the user has typed in a field of the filter. @param {any[]|undefined} options All options.
 * @param {string} label The field's name.
 * @returns {string|null} What the list says if no option matches; null without a text, and before the server has sent the options.
 */
export function noMatch(text, options, label) {
  return text?.trim() && options?.length ? `No ${label.toLowerCase()} has this name` : null;
}

/**
 * Find the options that contain the text in the search field. Accents, case, spaces and punctuation are ignored, as in
 * the server's search.
 * @param {{options: {label: string}[], search: string, limit: number}} search
 */
export function optionsContaining({ options, search, limit }) {
  const wanted = plainText(search);
  return options.filter(({ label }) => plainText(label).includes(wanted)).slice(0, limit);
}

/** @type {Object<string, string>} */
const PLAIN_LETTERS = { ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ı: "i" };

/** @param {string} text @returns {string} A text without case, accents, spaces and punctuation. */
function plainText(text) {
  const bare = text.toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]/gu, "");
  return bare.replace(/[ßæœøłđı]/g, (letter) => PLAIN_LETTERS[letter]);
}
