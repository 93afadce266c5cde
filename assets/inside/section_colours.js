/** The colours of a song's sections: the same letter has the same colour. Pure functions. */

/**
 * The colours of the first letters, by theme. They can be told apart also with each kind of colour blindness (the distances in
 * OKLab were made large for normal sight and for what people without one kind of cones see, after Machado et al., 2009), and
 * have a contrast of at least 3:1 with the cards.
 */
const PALETTES = {
  dark: ["#78beff", "#ffb400", "#c33c5a", "#783cff", "#f06996", "#964ba5", "#8787f0", "#b49600"],
  light: ["#0f69c3", "#b48700", "#a50f1e", "#0096e1", "#783c78", "#d24b78", "#a500ff", "#966900"],
};

/** @param {string} label "A" to "Z", then "AA", "AB" and so on. @returns {number} 0 for "A". */
export function numberOf(label) {
  return [...label].reduce((number, letter) => number * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

/** @param {string} label @param {"dark"|"light"} theme @returns {string} As "#rrggbb". After eight letters, colours are used again. */
export function sectionColour(label, theme) {
  const palette = PALETTES[theme];
  return palette[Math.max(0, numberOf(label)) % palette.length];
}

/** @param {string} colour As "#rrggbb". @returns {string} The colour of a letter on it: black or white, whichever is clearer. */
export function letterColour(colour) {
  return contrast(colour, "#000000") >= contrast(colour, "#ffffff") ? "#000000" : "#ffffff";
}

/** @param {string} a @param {string} b Both as "#rrggbb". @returns {number} Their contrast after WCAG 2, from 1 to 21. */
export function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((one, other) => other - one);
  return (high + 0.05) / (low + 0.05);
}

/** @param {string} colour */
function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((from) => {
    const value = parseInt(colour.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
