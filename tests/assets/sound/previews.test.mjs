/** The previews for hover to hear: what is loaded, and the cache. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import { cache, decoded, failed, loading, MAX_DECODED, MAX_LOADING, prefetch, prepare, renumber, take } from "../../../assets/sound/previews.js";
import { mapOf, serve, settled } from "./fake_page.mjs";

const ready = [];

beforeEach(() => {
  renumber(() => null);
  ready.length = 0;
  update({ map: mapOf(1) });
  prepare(
    async (bytes) => `preview of ${bytes.byteLength} bytes`,
    (index) => ready.push(index),
  );
});

/** @returns {string[]} The previews that were asked for. @param {(id: string) => Response|Promise<Response>} answer */
function servePreviews(answer) {
  const asked = [];
  serve((address) => {
    if (address.startsWith("songs/")) return { id: address.split("/")[2] };
    const id = address.replace("preview/", "");
    asked.push(id);
    return answer(id);
  });
  return asked;
}

test("the cache keeps the most recently used previews, up to its limit", () => {
  for (let index = 0; index < MAX_DECODED; index++) cache(index, `preview ${index}`);
  assert.equal(take(0), "preview 0");
  cache(99, "preview 99");
  assert.equal(decoded.size, MAX_DECODED);
  assert.deepEqual([0, 1, 2, 99].map((index) => decoded.has(index)), [true, false, true, true]);
});

test("previews are loaded once each, a few at a time; those that cannot be loaded are not asked for again", async () => {
  let most = 0;
  const asked = servePreviews((id) => {
    most = Math.max(most, loading.size);
    return id === "3" ? new Response("gone", { status: 410 }) : new Response("sound");
  });
  prefetch([1, 2, 3, 4, 5, 6, 7, 2]);
  await settled();
  assert.deepEqual(asked.toSorted(), ["1", "2", "3", "4", "5", "6", "7"]);
  assert.equal(most, MAX_LOADING);
  assert.deepEqual([ready.toSorted(), [...failed], loading.size], [[1, 2, 4, 5, 6, 7], [3], 0]);
  assert.equal(take(1), "preview of 5 bytes");
  prefetch([3, 1]);
  await settled();
  assert.equal(asked.length, 7);
});

test("what is not needed any more is not loaded", async () => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const asked = servePreviews(() => held.then(() => new Response("sound")));
  prefetch([10, 11, 12, 13, 14, 15]);
  await settled();
  const requests = new Map(loading);
  prefetch([12, 20]);
  assert.deepEqual([10, 11, 12, 13].map((index) => requests.get(index).signal.aborted), [true, true, false, true]);
  release();
  await settled();
  assert.deepEqual(asked, ["10", "11", "12", "13", "20"]);
});

test("a busy server is asked again only for the preview that is needed now", async () => {
  const answers = { 30: [503, 200], 31: [503, 200] };
  const asked = servePreviews((id) => new Response("sound", { status: answers[id].shift() }));
  prefetch([30, 31]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await settled();
  assert.deepEqual(asked, ["30", "31", "30"]);
  assert.deepEqual(ready, [30]);
});

test("on a map with other indices the cached previews stay those of their songs", async () => {
  cache(40, "preview 40");
  cache(41, "preview 41");
  failed.add(42);
  let release;
  const held = new Promise((resolve) => (release = resolve));
  servePreviews(() => held.then(() => new Response("sound")));
  prefetch([43]);
  await settled();
  renumber((index) => (index === 41 ? null : index + 100));
  release();
  await settled();
  assert.deepEqual([[...decoded], [...failed], loading.size, ready], [[[140, "preview 40"]], [142], 0, []]);
  assert.equal(state.map.meta.revision, 1);
});
