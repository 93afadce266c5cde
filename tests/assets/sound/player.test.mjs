/** The player: times as text, and what plays after a song. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { player } = load("sound/player");

test("times have minutes and seconds, and hours from one hour on", () => {
  for (const [seconds, text] of [
    [0, "0:00"],
    [NaN, "0:00"],
    [undefined, "0:00"],
    [9.99, "0:09"],
    [61, "1:01"],
    [187, "3:07"],
    [3599.9, "59:59"],
    [3600, "1:00:00"],
    [3723, "1:02:03"],
    [360000, "100:00:00"],
  ]) {
    assert.equal(player.formatTime(seconds), text);
  }
});

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
    assert.equal(player.afterEnd({ repeat, isList, hasNext }), expected, `${repeat} ${isList} ${hasNext}`);
  }
});

test("the button cycles through the three repeat modes", () => {
  assert.deepEqual(["off", "one", "all"].map((repeat) => player.nextRepeatMode(repeat)), ["one", "all", "off"]);
});
