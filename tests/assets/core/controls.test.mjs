/** What the controls show: found choices, and the fields that each view uses. */
import assert from "node:assert/strict";
import test from "node:test";
import { clustersToDraw, fieldStyles, nextTheme, noMatch, optionsContaining } from "../../../assets/core/controls.js";

function shown(search, limit = Infinity) {
  const labels = ["Hip-Hop (12)", "Música Popular Brasileira (3)", "Drum & Bass (2)", "Øresund (1)", "Фолк (1)"];
  const options = labels.map((label) => ({ value: label, label }));
  return optionsContaining({ options, search, limit }).map(({ label }) => label.split(" (")[0]);
}

test("a choice is found however it is typed", () => {
  for (const search of ["hiphop", "hip hop", "HIP-", "p-h"]) assert.deepEqual(shown(search), ["Hip-Hop"]);
  for (const search of ["musica", "MÚSICA pop", "brasil"]) assert.deepEqual(shown(search), ["Música Popular Brasileira"]);
  for (const search of ["drum bass", "m & b"]) assert.deepEqual(shown(search), ["Drum & Bass"]);
  for (const [search, name] of [["ores", "Øresund"], ["ФОЛ", "Фолк"]]) assert.deepEqual(shown(search), [name]);
  assert.deepEqual(shown("zz"), []);
});

test("an empty text shows all choices up to the limit", () => {
  assert.equal(shown("").length, 5);
  assert.deepEqual(shown(" ", 2), ["Hip-Hop", "Música Popular Brasileira"]);
});

test("each view and colouring shows only the controls that it uses", () => {
  const shown = (projection, colouring) => fieldStyles(projection, colouring).map((style) => style.display !== "none" && style.visibility !== "hidden");
  // The number of clusters, the colouring, t-SNE's perplexity, UMAP's neighbours.
  assert.deepEqual(shown("tsne", "cluster"), [true, true, true, false]);
  assert.deepEqual(shown("umap", "genre"), [false, true, false, true]);
  assert.deepEqual(shown("pca", "artist"), [false, true, false, false]);
  assert.deepEqual(shown("original", "genre"), [true, false, false, false]);
});

test("the theme's button goes through the other theme, the system's, and back to what the system says", () => {
  for (const system of ["dark", "light"]) {
    const other = system === "dark" ? "light" : "dark";
    assert.deepEqual([null, other, system].map((chosen) => nextTheme(chosen, system)), [other, system, null]);
  }
});

test("no more clusters are drawn than there can be, and an empty field changes nothing", () => {
  for (const [typed, expected] of [[5, 5], [60, 24], ["60", 24], [0, 1], [-3, 1], ["", 3], [null, 3], [undefined, 3], ["-", 3]]) {
    assert.equal(clustersToDraw(typed, 24, 3), expected, String(typed));
  }
});

test("a list says that nothing matches only of a text, and only if the options are known", () => {
  assert.equal(noMatch("zz", ["Waltz"], "Genre"), "No genre has this name");
  for (const [text, options] of [["", ["Waltz"]], [" ", ["Waltz"]], [undefined, ["Waltz"]], ["zz", []], ["zz", undefined]]) {
    assert.equal(noMatch(text, options, "Genre"), null);
  }
});
