/** The keyboard shortcuts. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

/** @returns {string[]} The calls that a key makes: part of the page, function, arguments. */
function callsOf(key) {
  const calls = [];
  const { keys } = load("core/keys");
  const part = (name) =>
    new Proxy({}, {
      get: (_, action) => (...args) => calls.push([name, action, ...args].join(" ")),
    });
  for (const name of ["player", "hover", "waveform", "lasso", "map"]) explorer[name] = part(name);
  keys.actionOf(key)?.();
  return calls;
}

test("each key calls its function", () => {
  for (const [key, expected] of [
    [" ", "player toggle"],
    ["m", "player toggleMute"],
    ["n", "player next"],
    ["p", "player previous"],
    ["r", "player changeRepeat"],
    ["h", "hover toggle"],
    ["s", "waveform toggleSpectrogram"],
    ["l", "lasso toggleTool lasso"],
    ["b", "lasso toggleTool box"],
    ["0", "map showAll"],
    ["-", "map zoomBy 1.6"],
    ["+", `map zoomBy ${1 / 1.6}`],
    ["=", `map zoomBy ${1 / 1.6}`],
  ]) {
    assert.deepEqual(callsOf(key), [expected], key);
  }
});

test("capital letters do the same as small letters", () => {
  for (const key of ["m", "n", "p", "r", "h", "s", "l", "b"]) assert.deepEqual(callsOf(key.toUpperCase()), callsOf(key));
});

test("other keys do nothing", () => {
  const { keys } = load("core/keys");
  for (const key of ["x", "9", "Enter", "Tab", "F5", "Shift", "End"]) assert.equal(keys.actionOf(key), undefined, key);
});
