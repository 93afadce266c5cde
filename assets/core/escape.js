/**
 * What the Escape key closes: one thing at a time, the uppermost first. Nothing is lost by it: it never clears the
 * selection, the filter or the song.
 *
 * Parts that open something register it with `onEscape`. Modal dialogs and lists of suggestions are not registered: the
 * browser and Mantine close them.
 */

/**
 * From the uppermost thing on: menus and small cards that a button opens, a file that is being analysed, the card of filters,
 * a lasso or box, the spectrogram or the wide card with the inside of a song, the songs that a moment lights, and the panel where
 * it covers the map.
 */
const ORDER = /** @type {const} */ (["menu", "upload", "filters", "tool", "spectrogram", "moment", "panel"]);

/** @typedef {typeof ORDER[number]} Step */

/** @type {{step: Step, isOpen: () => boolean, close: () => void}[]} */
const closers = [];

/**
 * Let Escape close something.
 * @param {() => boolean} isOpen
 * @param {() => void} close
 * @param {Step} [step] Its place in the order. In the same place, what was registered last closes first.
 */
export function onEscape(isOpen, close, step = "menu") {
  closers.push({ step, isOpen, close });
}

/** Close the uppermost thing that is open. @returns {boolean} Whether something was open. */
export function closeUppermost() {
  for (const step of ORDER) {
    const open = closers.findLast((closer) => closer.step === step && closer.isOpen());
    if (!open) continue;
    open.close();
    return true;
  }
  return false;
}
