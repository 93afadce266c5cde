/** Functions that Dash and Mantine call. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

load("core/dash");
const { showContaining } = globalThis.dashMantineFunctions;

function shown(search, limit = Infinity) {
  const labels = ["Hip-Hop (12)", "Música Popular Brasileira (3)", "Drum & Bass (2)", "Øresund (1)", "Фолк (1)"];
  const options = labels.map((label) => ({ value: label, label }));
  return showContaining({ options, search, limit }).map(({ label }) => label.split(" (")[0]);
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
