/** Which files the page refuses to upload, and which uploads it deletes from the server. */
import assert from "node:assert/strict";
import test from "node:test";
import { MAX_BYTES, abandon, describeProgress, problemOf, send } from "../../../assets/panel/upload_requests.js";

test("an empty or too large file is refused with a message", () => {
  assert.match(problemOf({ name: "big.wav", size: MAX_BYTES + 1 }), /big\.wav is too large.* 50 MB/);
  assert.match(problemOf({ name: "none.mp3", size: 0 }), /none\.mp3 is empty/);
  assert.equal(problemOf({ name: "song.mp3", size: MAX_BYTES }), "");
  assert.equal(problemOf({ name: "song.mp3", size: 1 }), "");
});

test("the page tells how many uploads come first", () => {
  assert.equal(describeProgress({ phase: "embedding", ahead: 0 }), "Analysing the song…");
  assert.match(describeProgress({ phase: "waiting", ahead: 1 }), /another upload/);
  assert.match(describeProgress({ phase: "waiting", ahead: 3 }), /3 other uploads/);
});

/** Answer each request that is not a deletion with the next of these. @returns {string[]} The deletions, as they come. */
function answerWith(...answers) {
  const deleted = [];
  globalThis.fetch = async (address, { method } = {}) => {
    if (method === "DELETE") deleted.push(address);
    const answer = method === "DELETE" ? {} : await answers.shift();
    return { ok: !answer.problem, status: answer.problem ? 500 : 200, json: async () => answer, text: async () => answer.problem };
  };
  return deleted;
}

const ready = (token) => ({ token, phase: "ready" });
const sendNamed = (name) => send(/** @type {any} */ ({ name, size: 1 }), () => {});

test("to cancel a file that is being sent does not remove the song before, and a song that is ready does", async () => {
  let answer;
  const sending = new Promise((resolve) => (answer = resolve));
  const deleted = answerWith({ token: "first" }, ready("first"), sending, { token: "third" }, ready("third"));
  assert.equal((await sendNamed("a.mp3")).token, "first");
  assert.equal(abandon(), false);
  const second = sendNamed("b.mp3");
  assert.equal(abandon(), true);
  assert.deepEqual(deleted, []);
  answer({ token: "second" });
  assert.equal(await second, null);
  assert.deepEqual(deleted, ["uploads/second"]);
  assert.equal((await sendNamed("c.mp3")).token, "third");
  assert.deepEqual(deleted, ["uploads/second", "uploads/first"]);
});

test("an upload that is being analysed is deleted when it is cancelled", async () => {
  let answer;
  const analysing = new Promise((resolve) => (answer = resolve));
  const deleted = answerWith({ token: "fourth" }, analysing);
  const fourth = sendNamed("d.mp3");
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(abandon(), true);
  assert.deepEqual(deleted, ["uploads/fourth"]);
  answer(ready("fourth"));
  assert.equal(await fourth, null);
});

test("a failure is told with the server's words, but not if the upload was cancelled", async () => {
  answerWith({ problem: "This is no music." });
  await assert.rejects(sendNamed("e.mp3"), /no music/);
  answerWith({ problem: "This is no music." });
  const cancelled = sendNamed("f.mp3");
  abandon();
  assert.equal(await cancelled, null);
});
