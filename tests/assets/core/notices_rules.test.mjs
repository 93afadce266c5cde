/** Which notices are shown, and for how long. */
import assert from "node:assert/strict";
import test from "node:test";
import { MAX_SHOWN, timeShown, withNotice } from "../../../assets/core/notices_rules.js";

let number = 0;
const notice = (text, changes = {}) => ({ number: ++number, text, kind: "info", ...changes });
const texts = (notices) => notices.map(({ text }) => text);
/** Show notices one after another. */
const shown = (...notices) => texts(notices.reduce(withNotice, []));

test("a notice replaces the one with its key, and the same text is not shown twice", () => {
  assert.deepEqual(shown(notice("a", { key: "player" }), notice("b"), notice("c", { key: "player" })), ["b", "c"]);
  assert.deepEqual(shown(notice("a"), notice("b"), notice("a")), ["b", "a"]);
});

test("at most three are shown: errors and what the page waits for stay, and the newest is always shown", () => {
  assert.equal(MAX_SHOWN, 3);
  const error = () => notice("error", { kind: "error", key: "map" });
  const undo = () => notice("undo", { key: "undo", action: { label: "Undo", run: () => {} } });
  const wait = () => notice("wait", { kind: "wait", key: "connection" });
  assert.deepEqual(shown(notice("a"), notice("b"), notice("c"), notice("d")), ["b", "c", "d"]);
  assert.deepEqual(shown(error(), notice("a"), undo(), notice("b")), ["error", "undo", "b"]);
  assert.deepEqual(shown(wait(), error(), undo(), notice("b")), ["wait", "error", "b"]);
});

test("an error and what the page waits for stay; a notice with a button stays longer than one without", () => {
  assert.deepEqual([timeShown({ kind: "error" }), timeShown({ kind: "wait" })], [null, null]);
  assert.ok(timeShown({ kind: "info", action: { label: "Undo", run: () => {} } }) > timeShown({ kind: "good" }));
});

test("a notice can stay until it is closed, whatever its kind", () => {
  assert.equal(timeShown({ kind: "good", stays: true }), null);
});
