/** Which key does what. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

/** @returns {string[]} The parts of the page that a key calls, with what they are given. */
function pressed(key) {
  const called = [];
  const { keys } = load("core/keys");
  const part = (name) =>
    new Proxy({}, {
      get: (_, action) => (...given) => called.push([name, action, ...given].join(" ")),
    });
  for (const name of ["player", "hover", "waveform", "selection", "map"]) explorer[name] = part(name);
  keys.actionOf(key)?.();
  return called;
}

test("each key calls its part of the page", () => {
  for (const [key, expected] of [
    [" ", "player toggle"],
    ["m", "player toggleMute"],
    ["n", "player next"],
    ["p", "player previous"],
    ["r", "player changeRepeat"],
    ["h", "hover toggle"],
    ["s", "waveform toggleSpectrogram"],
    ["l", "selection toggleTool lasso"],
    ["b", "selection toggleTool box"],
    ["0", "map showAll"],
    ["-", "map zoomBy 1.6"],
    ["+", `map zoomBy ${1 / 1.6}`],
    ["=", `map zoomBy ${1 / 1.6}`],
  ]) {
    assert.deepEqual(pressed(key), [expected], key);
  }
});

test("capitals do the same as small letters", () => {
  for (const key of ["m", "n", "p", "r", "h", "s", "l", "b"]) assert.deepEqual(pressed(key.toUpperCase()), pressed(key));
});

test("other keys do nothing", () => {
  const { keys } = load("core/keys");
  for (const key of ["x", "9", "Enter", "Tab", "F5", "Shift", "End"]) assert.equal(keys.actionOf(key), undefined, key);
});
