/** The selection in the state. */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import { choose, has, hasNext, moveTo, remove, toggle } from "../../../assets/panel/selection.js";

beforeEach(() => {
  update({ chosen: [4, 5, 6], chosenPosition: 1 });
});

test("a lasso chooses other songs, or adds to the chosen ones; both end the list's playing and are told to the panel", () => {
  const { choices } = state;
  choose([6, 7], { adds: true });
  assert.deepEqual([state.chosen, state.chosenPosition, state.choices], [[4, 5, 6, 7], null, choices + 1]);
  choose([9], { adds: false });
  assert.deepEqual([state.chosen, state.selectionNews.kind, state.selectionNews.before], [[9], "chosen-instead", 4]);
});

test("single songs are added, removed and moved; the song that plays stays the same, and no list is changed in place", () => {
  const before = state.chosen;
  toggle(8);
  assert.deepEqual([state.chosen, has(8)], [[4, 5, 6, 8], true]);
  toggle(8);
  moveTo(5, 2);
  assert.deepEqual([state.chosen, state.chosenPosition], [[4, 6, 5], 2]);
  remove(4);
  assert.deepEqual([state.chosen, state.chosenPosition], [[6, 5], 1]);
  assert.deepEqual(before, [4, 5, 6]);
});

test("the last song of the list has a next one only if the list wraps around", () => {
  update({ chosen: [4, 5], chosenPosition: 1 });
  assert.equal(hasNext(false), false);
  assert.equal(hasNext(true), true);
  update({ chosenPosition: 0 });
  assert.equal(hasNext(false), true);
});
