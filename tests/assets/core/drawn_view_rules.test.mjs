/** Whether the map shows what the controls ask for, and which controls differ. */
import assert from "node:assert/strict";
import test from "node:test";
import { changedControls, isDrawn } from "../../../assets/core/drawn_view_rules.js";

const view = { projection: "tsne", colouring: "cluster", clusters: 3, fade: false, theme: "dark", revision: 1, changes: "", filter: {} };
const NO_FILTER = { genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] };

test("the map shows a view if all controls are the same, whatever the theme and the state of the library", () => {
  const map = { meta: { view: { ...view, filter: NO_FILTER } } };
  assert.ok(isDrawn(view, map));
  assert.ok(isDrawn({ ...view, theme: "light", revision: 2, changes: "a" }, map));
  assert.ok(!isDrawn(view, null));
  for (const change of [{ projection: "umap" }, { colouring: "genre" }, { clusters: 4 }, { fade: true }, { filter: { genres: ["Rock"] } }]) {
    assert.ok(!isDrawn({ ...view, ...change }, map), JSON.stringify(change));
  }
});

test("only the controls that differ are set", () => {
  assert.deepEqual(changedControls(view, { ...view, projection: "umap", fade: true }), { projection: { value: "umap" }, fade: { checked: true } });
  const filter = { ...NO_FILTER, genres: ["Jazz"] };
  assert.deepEqual(changedControls({ ...view, filter }, view), { filter: {} });
  assert.deepEqual(changedControls(view, view), {});
});
