/** The state of the page: who is told of which change, and when. */
import assert from "node:assert/strict";
import test from "node:test";
import { state, subscribe, update } from "../../../assets/core/state.js";

test("a subscriber is told of its keys only, once for each update, and only if a value has changed", () => {
  const told = [];
  subscribe(["hovered", "playing"], (changed) => told.push([...changed].sort()));
  update({ hovered: 3, playing: 4, message: "hello" });
  update({ message: "again" });
  update({ hovered: 3 });
  assert.deepEqual(told, [["hovered", "message", "playing"]]);
  update({ hovered: null });
  assert.deepEqual(told.slice(1), [["hovered"]]);
});

test("all subscribers see a change before they see the change that one of them makes", () => {
  const order = [];
  subscribe(["selected"], () => {
    order.push(`first ${state.selected}`);
    if (state.selected === 1) update({ selected: 2 });
  });
  subscribe(["selected"], () => order.push("second"));
  update({ selected: 1 });
  assert.deepEqual(order, ["first 1", "second", "first 2", "second"]);
});

test("an error of one subscriber is reported, and the others are told all the same", (context) => {
  const reports = [];
  context.mock.method(globalThis, "setTimeout", (report) => reports.push(report));
  let calls = 0;
  subscribe(["tool"], () => {
    throw new Error("once");
  });
  subscribe(["tool"], () => calls++);
  update({ tool: "box" });
  update({ tool: null });
  assert.equal(calls, 2);
  assert.throws(reports[0], /once/);
  assert.equal(reports.length, 2);
});
