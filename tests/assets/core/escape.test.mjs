/** What Escape closes. */
import assert from "node:assert/strict";
import test from "node:test";
import { closeUppermost, onEscape } from "../../../assets/core/escape.js";

test("Escape closes one thing at a time, the uppermost first, and then nothing more", () => {
  const open = new Set();
  const closed = [];
  const register = (name, step) => {
    onEscape(
      () => open.has(name),
      () => (open.delete(name), closed.push(name)),
      step,
    );
    open.add(name);
  };
  register("panel", "panel");
  register("menu");
  register("spectrogram", "spectrogram");
  register("menu in the menu");
  register("filters", "filters");
  register("tool", "tool");
  register("upload", "upload");
  const results = Array.from({ length: 8 }, closeUppermost);
  assert.deepEqual(closed, ["menu in the menu", "menu", "upload", "filters", "tool", "spectrogram", "panel"]);
  assert.deepEqual(results, [true, true, true, true, true, true, true, false]);
});
