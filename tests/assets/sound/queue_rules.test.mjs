/** What plays after a song, and the repeat modes. */
import assert from "node:assert/strict";
import test from "node:test";
import { afterEnd, modeOf, nextMode, repeatLabel } from "../../../assets/sound/queue_rules.js";

test("after a song, the same song, another song, or nothing plays", () => {
  for (const [repeat, isList, hasNext, expected] of [
    ["off", false, true, "stop"],
    ["one", false, true, "again"],
    ["all", false, true, "neighbours"],
    ["off", true, true, "list"],
    ["off", true, false, "stop"],
    ["one", true, true, "again"],
    ["all", true, true, "list"],
  ]) {
    assert.equal(afterEnd({ repeat, isList, hasNext }), expected, `${repeat} ${isList} ${hasNext}`);
  }
});

test("the button cycles through the three repeat modes, and each has another label", () => {
  assert.deepEqual(["off", "one", "all"].map(nextMode), ["one", "all", "off"]);
  assert.equal(new Set(["off", "one", "all"].map(repeatLabel)).size, 3);
});

test("a stored mode is used again; anything else is off", () => {
  assert.deepEqual([null, "", "always", "one", "all"].map(modeOf), ["off", "off", "off", "one", "all"]);
});
