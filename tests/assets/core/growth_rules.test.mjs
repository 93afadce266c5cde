/** When a new map is shown by itself. */
import assert from "node:assert/strict";
import test from "node:test";
import * as growth from "../../../assets/core/growth_rules.js";

const idle = { isPressed: false, usesGroups: false, elapsedMs: 3000, songCount: 240 };

test("a new map is shown, but not while the user drags, nor too often for its size", () => {
  assert.equal(growth.decide(idle), "show");
  assert.equal(growth.decide({ ...idle, isPressed: true }), "wait");
  assert.equal(growth.decide({ ...idle, elapsedMs: 1000 }), "wait");
  assert.equal(growth.decide({ ...idle, songCount: 10_000 }), "wait");
  assert.equal(growth.decide({ ...idle, songCount: 10_000, elapsedMs: 10_001 }), "show");
  assert.equal(growth.decide({ ...idle, songCount: 1_000_000, elapsedMs: 60_001 }), "show");
});

test("while only some clusters are shown, the user is asked: the new map has others", () => {
  assert.equal(growth.decide({ ...idle, usesGroups: true }), "ask");
  assert.equal(growth.decide({ ...idle, usesGroups: true, isPressed: true }), "ask");
});
