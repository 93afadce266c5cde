/** Functions that several parts of the page use, and the controls that each view has. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const explorer = load("core/start", "core/dash");
const dash = dash_clientside.explorer;

test("views share a grouping if their colouring and number of clusters are the same", () => {
  const key = (projection, colouring, clusters) => explorer.groupingKey({ projection, colouring, clusters });
  assert.equal(key("tsne", "cluster", 3), key("umap", "cluster", 3));
  assert.notEqual(key("tsne", "cluster", 3), key("tsne", "cluster", 5));
  assert.equal(key("tsne", "genre", 3), key("pca", "genre", 5));
  assert.notEqual(key("original", "cluster", 3), key("tsne", "cluster", 3));
});

test("each view and colouring shows only the controls that it uses", () => {
  const shown = (projection, colouring) => dash.showFields(projection, colouring).map((style) => style.display !== "none" && style.visibility !== "hidden");
  // The number of clusters, the colouring, t-SNE's perplexity, UMAP's neighbours.
  assert.deepEqual(shown("tsne", "cluster"), [true, true, true, false]);
  assert.deepEqual(shown("umap", "genre"), [false, true, false, true]);
  assert.deepEqual(shown("pca", "artist"), [false, true, false, false]);
  assert.deepEqual(shown("original", "genre"), [true, false, false, false]);
});

test("the theme button chooses the other theme", () => {
  assert.deepEqual([dash.chooseTheme(1, "dark"), dash.chooseTheme(2, "light")], ["light", "dark"]);
});
