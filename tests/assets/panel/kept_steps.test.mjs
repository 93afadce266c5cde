/** The changes of selections that are kept for after a reload. */
import assert from "node:assert/strict";
import test from "node:test";
import { stepsText, withSteps } from "../../../assets/panel/kept_steps.js";

const idOf = (index) => (index < 90_000 ? `song ${index}` : undefined);
const selection = (songs, name = "Friday") => ({ key: "a", name, songs });
const desk = (songs) => ({ open: "a", selections: [selection(songs)] });
const historyOf = (...lists) => {
  const [present, ...past] = lists.map((songs, i) => ({ value: desk(songs), change: `change ${i}` })).reverse();
  return { past: past.reverse(), present, future: [] };
};
const read = (text, songs) => withSteps(text, desk(songs)).past.map(({ value }) => value.selections[0].songs);

test("the last changes are read again, with the songs' ids", () => {
  const text = stepsText(historyOf([], [1], [1, "x"]), idOf);
  assert.deepEqual(read(text, ["song 1", "x"]), [[], ["song 1"]]);
  assert.equal(withSteps(text, desk(["song 1", "x"])).present.change, "change 2");
});

test("only the last 20 changes are kept, and of large selections fewer", () => {
  const many = historyOf(...Array.from({ length: 50 }, (_, i) => [i]));
  assert.equal(read(stepsText(many, idOf), ["song 49"]).length, 20);
  const large = historyOf(...Array.from({ length: 5 }, (_, i) => Array.from({ length: 1500 }, (_, j) => i + j)));
  const songs = large.present.value.selections[0].songs.map(idOf);
  assert.equal(read(stepsText(large, idOf), songs).length, 2);
});

test("changes before one with an unknown song are left out; if a present song is unknown, nothing is written", () => {
  const text = stepsText(historyOf([2], [95_000], [1], [3]), idOf);
  assert.deepEqual(read(text, ["song 3"]), [["song 1"]]);
  assert.equal(stepsText(historyOf([1], [95_000]), idOf), null);
});

test("a selection that is the same in several values is written once", () => {
  const same = selection([1, 2, 3]);
  const value = { open: "a", selections: [same] };
  const history = { past: [{ value, change: "" }], present: { value: { ...value }, change: "opened" }, future: [] };
  assert.equal(JSON.parse(stepsText(history, idOf)).selections.length, 1);
});
