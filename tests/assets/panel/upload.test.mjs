/** Which files the page refuses to upload. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const { upload } = load("panel/upload");

test("an empty or too large file is refused with a message", () => {
  const limit = upload.MAX_BYTES;
  assert.match(upload.problemOf({ name: "big.wav", size: limit + 1 }), /big\.wav is too large.* 50 MB/);
  assert.match(upload.problemOf({ name: "none.mp3", size: 0 }), /none\.mp3 is empty/);
  assert.equal(upload.problemOf({ name: "song.mp3", size: limit }), "");
  assert.equal(upload.problemOf({ name: "song.mp3", size: 1 }), "");
});

test("the page tells how many uploads come first", () => {
  assert.equal(upload.describeState({ phase: "embedding", ahead: 0 }), "Analysing the song…");
  assert.match(upload.describeState({ phase: "waiting", ahead: 1 }), /another upload/);
  assert.match(upload.describeState({ phase: "waiting", ahead: 3 }), /3 other uploads/);
});

/** Replace what needs a page or a server. @returns {string[]} The requests that are sent, as they come. */
function isolate(upload) {
  const requests = [];
  globalThis.document = /** @type {any} */ ({ getElementById: () => null });
  globalThis.explorer.player = { showMessage() {} };
  Object.assign(upload, { showWaiting() {}, showPanel() {}, restorePanel() {}, play() {}, POLL_MS: 0 });
  Object.assign(globalThis.explorer, {
    map: { isHidden: () => false },
    walk: { beginAtUpload() {} },
    url: { write() {} },
    overlays: { selectUpload() {}, uploadPlace: () => null },
    announce() {},
  });
  globalThis.fetch = /** @type {any} */ (async (address, { method }) => requests.push(`${method} ${address}`));
  return requests;
}

test("to cancel a file that is being sent does not remove the song before, and a shown song does", async () => {
  const requests = isolate(upload);
  upload.request = async () => ({ token: "first", phase: "ready", title: "", neighbours: [] });
  await upload.placeFile({ name: "a.mp3", size: 1 });
  assert.equal(upload.song.token, "first");
  let answer;
  upload.request = () => new Promise((resolve) => (answer = resolve));
  const sending = upload.placeFile({ name: "b.mp3", size: 1 });
  upload.cancel();
  assert.deepEqual(requests, []);
  answer({ token: "second" });
  await sending;
  assert.deepEqual(requests, ["DELETE uploads/second"]);
  upload.request = async () => ({ token: "third", phase: "ready", title: "", neighbours: [] });
  await upload.placeFile({ name: "c.mp3", size: 1 });
  assert.deepEqual(requests, ["DELETE uploads/second", "DELETE uploads/first"]);
});
