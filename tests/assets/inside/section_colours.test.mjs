/** The colours of a song's sections. */
import assert from "node:assert/strict";
import test from "node:test";
import { contrast, letterColour, numberOf, sectionColour } from "../../../assets/inside/section_colours.js";

const LETTERS = [..."ABCDEFGH"];
const CARDS = { dark: "#171a22", light: "#ffffff" };
/** What people without one kind of cones see, in linear sRGB: Machado et al., 2009, severity 1. */
const SIGHTS = [
  [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
];
const times = (matrix, vector) => matrix.map((row) => row.reduce((sum, value, i) => sum + value * vector[i], 0));

function oklab(linear) {
  const cones = times([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]], linear);
  return times([[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]], cones.map(Math.cbrt));
}

function seen(colour, sight) {
  const linear = [1, 3, 5].map((from) => {
    const value = parseInt(colour.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return oklab(times(sight, linear).map((value) => Math.min(Math.max(value, 0), 1)));
}

test("the same letter has the same colour, and colours are used again after eight letters", () => {
  assert.deepEqual(["A", "B", "Z", "AA", "AB"].map(numberOf), [0, 1, 25, 26, 27]);
  for (const theme of ["dark", "light"]) {
    assert.equal(sectionColour("B", theme), sectionColour("B", theme));
    assert.equal(sectionColour("I", theme), sectionColour("A", theme));
    assert.equal(new Set(LETTERS.map((letter) => sectionColour(letter, theme))).size, 8);
  }
});

test("the colours can be told apart, also by people who are colour-blind", () => {
  for (const theme of ["dark", "light"]) {
    for (const sight of SIGHTS) {
      const places = LETTERS.map((letter) => seen(sectionColour(letter, theme), sight));
      for (const [i, one] of places.entries()) {
        for (const [j, other] of places.slice(0, i).entries()) {
          const distance = Math.hypot(...one.map((value, axis) => value - other[axis]));
          // Most songs have at most three letters.
          assert.ok(distance >= (i < 3 ? 0.18 : 0.08), `${theme}: ${LETTERS[j]} and ${LETTERS[i]} are ${distance.toFixed(3)} apart`);
        }
      }
    }
  }
});

test("the colours stand out from the card, and the letters from the colours", () => {
  assert.equal(Math.round(contrast("#000000", "#ffffff")), 21);
  for (const theme of ["dark", "light"]) {
    for (const letter of LETTERS) {
      const colour = sectionColour(letter, theme);
      assert.ok(contrast(colour, CARDS[theme]) >= 3, `${theme} ${letter}`);
      assert.ok(contrast(colour, letterColour(colour)) >= 4.5, `${theme} ${letter}`);
    }
  }
});
