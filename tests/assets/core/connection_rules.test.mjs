/** What an answer of the server means, and when it is asked again. */
import assert from "node:assert/strict";
import test from "node:test";
import { answerLimit, busyPause, outcome, pauseBeforeAsking } from "../../../assets/core/connection_rules.js";

test("only a request without an answer has failed; an error of the server is an answer", () => {
  for (const status of [200, 204, 304, 404, 413, 500, 503]) assert.equal(outcome({ status }), "answered");
  for (const status of [502, 504]) assert.equal(outcome({ status }), "failed");
  assert.equal(outcome({ error: new TypeError("Failed to fetch") }), "failed");
  assert.equal(outcome({ error: new DOMException("", "TimeoutError") }), "failed");
  assert.equal(outcome({ error: new DOMException("", "AbortError") }), "cancelled");
});

test("a server that does not answer is asked each second, and more rarely after a while", () => {
  assert.deepEqual([1, 29, 30, 1000].map(pauseBeforeAsking), [1000, 1000, 3000, 3000]);
});

test("a question that must wait for other requests may take longer", () => {
  assert.ok(answerLimit(4) < 6000);
  assert.ok(answerLimit(5) > 2 * answerLimit(4));
});

test("a request that the server was too busy for is repeated later each time, but not forever", () => {
  const busy = { status: 503, headers: new Headers({ "Retry-After": "2" }) };
  assert.deepEqual([0, 1, 2, 3].map((attempt) => busyPause(busy, attempt, 3)), [2000, 3000, 4500, null]);
  assert.equal(busyPause({ ...busy, status: 500 }, 0, 3), null);
  assert.equal(busyPause({ ...busy, headers: new Headers() }, 0, 3), null);
});
