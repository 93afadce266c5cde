/** Holding a place: a short press, a drag, and a hold are told apart. */
import assert from "node:assert/strict";
import test from "node:test";
import { HINT_MS, HOLD_MS, makeHold } from "../../../assets/inside/hold.js";

/** @returns What was called, and a hold whose clock the test moves. */
function start(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const log = [];
  const hold = makeHold({ onHint: () => log.push("hint"), onHold: () => log.push("hold"), onEnd: () => log.push("end") });
  return { log, hold, wait: (ms) => t.mock.timers.tick(ms) };
}

test("a place that is pressed for long enough is held once", (t) => {
  const { log, hold, wait } = start(t);
  hold.press(10, 10);
  wait(HINT_MS - 1);
  assert.deepEqual(log, []);
  wait(1);
  assert.deepEqual(log, ["hint"]);
  wait(HOLD_MS - HINT_MS);
  assert.deepEqual(log, ["hint", "end", "hold"]);
  hold.end();
  wait(5000);
  assert.deepEqual(log, ["hint", "end", "hold"]);
});

test("a click is no hold", (t) => {
  const { log, hold, wait } = start(t);
  hold.press(10, 10);
  wait(HOLD_MS - 1);
  hold.end();
  wait(5000);
  assert.deepEqual(log, ["hint", "end"]);
});

test("a pointer that trembles holds, one that drags does not", (t) => {
  const { log, hold, wait } = start(t);
  hold.press(10, 10);
  hold.move(13, 12);
  wait(HOLD_MS);
  assert.equal(log.at(-1), "hold");
  hold.press(10, 10);
  hold.move(20, 10);
  hold.move(10, 10);
  wait(5000);
  assert.equal(log.filter((call) => call === "hold").length, 1);
});

test("a second press begins anew", (t) => {
  const { log, hold, wait } = start(t);
  hold.press(10, 10);
  wait(HOLD_MS - 10);
  hold.press(90, 10);
  wait(HOLD_MS - 10);
  assert.ok(!log.includes("hold"));
  wait(10);
  assert.equal(log.at(-1), "hold");
});
