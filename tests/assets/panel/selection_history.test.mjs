/** Undo and redo. */
import assert from "node:assert/strict";
import test from "node:test";
import { begun, changed, mapped, redone, undone } from "../../../assets/panel/selection_history.js";

test("changes are undone and redone in their order, each with its words", () => {
  let history = changed(changed(begun("a"), "b", "adding"), "c", "clearing");
  history = undone(history);
  assert.deepEqual([history.present.value, history.future[0].change], ["b", "clearing"]);
  history = undone(history);
  assert.equal(history.present.value, "a");
  assert.equal(undone(history), null);
  history = redone(redone(history));
  assert.deepEqual(history.present, { value: "c", change: "clearing" });
  assert.equal(redone(history), null);
});

test("after another change, what was undone cannot be redone", () => {
  const history = changed(undone(changed(begun("a"), "b", "")), "c", "");
  assert.equal(redone(history), null);
  assert.equal(undone(history).present.value, "a");
});

test("a change of all values keeps what can be undone and redone", () => {
  const history = mapped(undone(changed(changed(begun(1), 2, "x"), 3, "y")), (value) => 10 * value);
  assert.deepEqual([undone(history).present.value, history.present.value, redone(history).present.value], [10, 20, 30]);
});

test("only the last hundred changes can be undone", () => {
  let history = begun(0);
  for (let i = 1; i <= 150; i++) history = changed(history, i, "");
  let steps = 0;
  for (let before = undone(history); before; before = undone(before)) [history, steps] = [before, steps + 1];
  assert.deepEqual([steps, history.present.value], [100, 50]);
});
