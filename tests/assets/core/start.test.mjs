/** What all parts of the page use, and which controls belong to which view. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const explorer = load("core/start", "core/dash");
const dash = dash_clientside.explorer;

test("groups of one number are those of one colouring, and of one number of clusters", () => {
  const groups = (projection, colouring, clusters) => explorer.groupsOf({ projection, colouring, clusters });
  assert.equal(groups("tsne", "cluster", 3), groups("umap", "cluster", 3));
  assert.notEqual(groups("tsne", "cluster", 3), groups("tsne", "cluster", 5));
  assert.equal(groups("tsne", "genre", 3), groups("pca", "genre", 5));
  assert.notEqual(groups("original", "cluster", 3), groups("tsne", "cluster", 3));
});

test("each view and each colouring has the controls that matter to it", () => {
  const shown = (projection, colouring) => dash.showFields(projection, colouring).map((style) => style.display !== "none" && style.visibility !== "hidden");
  // The number of clusters, the colouring, t-SNE's perplexity, UMAP's neighbours.
  assert.deepEqual(shown("tsne", "cluster"), [true, true, true, false]);
  assert.deepEqual(shown("umap", "genre"), [false, true, false, true]);
  assert.deepEqual(shown("pca", "artist"), [false, true, false, false]);
  assert.deepEqual(shown("original", "genre"), [true, false, false, false]);
});

test("the theme's button chooses the other theme", () => {
  assert.deepEqual([dash.chooseTheme(1, "dark"), dash.chooseTheme(2, "light")], ["light", "dark"]);
});
