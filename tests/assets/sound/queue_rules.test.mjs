/** What plays after a song, and the modes of the button that sets it. */
import assert from "node:assert/strict";
import test from "node:test";
import { afterEnd, modeNow, modeOf, nextMode, repeatLabel } from "../../../assets/sound/queue_rules.js";

test("after a song, the same song, another song, or nothing plays", () => {
  for (const [repeat, isList, hasNext, expected] of [
    ["on", false, true, "nearby"],
    ["all", false, true, "nearby"],
    ["one", false, true, "again"],
    ["stop", false, true, "stop"],
    ["on", true, true, "list"],
    ["on", true, false, "stop"],
    ["all", true, true, "list"],
    ["one", true, true, "again"],
    ["stop", true, true, "stop"],
  ]) {
    assert.equal(afterEnd({ repeat, isList, hasNext }), expected, `${repeat} ${isList} ${hasNext}`);
  }
});

test("the button cycles through the modes; only a selection can begin again", () => {
  const cycle = (first, isList) => {
    const modes = [first];
    for (let mode = nextMode(first, isList); mode !== first; mode = nextMode(mode, isList)) modes.push(mode);
    return modes;
  };
  assert.deepEqual(cycle("on", false), ["on", "one", "stop"]);
  assert.deepEqual(cycle("on", true), ["on", "all", "one", "stop"]);
  assert.equal(nextMode("all", false), "one");
  assert.deepEqual([modeNow("all", false), modeNow("all", true)], ["on", "all"]);
});

test("each mode has another label, and a selection is not called nearby songs", () => {
  const labels = (isList) => new Set(["on", "all", "one", "stop"].map((mode) => repeatLabel(mode, isList)));
  assert.deepEqual([...labels(false)], ["Go on with nearby songs (r)", "Repeat this song (r)", "Stop after this song (r)"]);
  assert.equal(labels(true).size, 4);
  assert.ok(![...labels(true)].some((label) => label.includes("nearby")));
});

test("a stored mode is used again; without one, also after an earlier version's, the music goes on", () => {
  assert.deepEqual([null, "", "off", "one", "all", "stop"].map(modeOf), ["on", "on", "on", "one", "all", "stop"]);
});
