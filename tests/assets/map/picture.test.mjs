import assert from "node:assert/strict";
import { test } from "node:test";

import "../page.mjs";

const { captionOf, darkened } = await import("../../../assets/map/picture.js");

const meta = { projection: "tsne", colouring: "cluster", counts: "24 songs · 3 genres", is_filtered: false, lit: 24, songs: 24 };

test("the line below a picture says which view of which library it shows", () => {
  assert.equal(captionOf(meta), "Music Explorer · 24 songs · 3 genres · t-SNE, coloured by cluster");
  assert.equal(captionOf({ ...meta, projection: "original" }), "Music Explorer · 24 songs · 3 genres · Original view");
  const filtered = captionOf({ ...meta, is_filtered: true, lit: 1200, songs: 5000 });
  assert.equal(filtered, "Music Explorer · 24 songs · 3 genres · t-SNE, coloured by cluster · 1,200 of 5,000 songs match the filters");
});

test("colours of the dark theme become darker on paper, and keep their hue", () => {
  assert.equal(darkened("#ffffff"), "#b8b8b8");
  assert.equal(darkened("#ff0000"), "#b80000");
  assert.equal(darkened("#0a0000"), "#070000");
});
