/** Requests for songs: texts about them, and the cache of the server's answers. */
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "../page.mjs";

const TODAY = new Date("2026-11-26T12:00:00Z");

test("a text names the artist and the genres; what is unknown is left out", () => {
  const { api } = load("core/api");
  assert.equal(api.artistAndGenres({ artist: "One", genres: ["Waltz", "Slow"] }), "One · Waltz, Slow");
  assert.equal(api.artistAndGenres({ artist: "", genres: ["Waltz"] }), "Waltz");
  assert.equal(api.artistAndGenres({ artist: "One", genres: [] }), "One");
  assert.equal(api.artistAndGenres({ artist: "", genres: [] }), "");
});

test("the date since when a file is missing has a year only if it is not the current year", () => {
  const { api } = load("core/api");
  assert.equal(api.missingSince({ gone_since: "2026-02-03T12:00:00+00:00" }, TODAY), "3 February");
  assert.equal(api.missingSince({ gone_since: "2025-11-03T12:00:00+00:00" }, TODAY), "3 November 2025");
});

test("a text says how many other songs have the same sound", () => {
  const { api } = load("core/api");
  assert.equal(api.sameSoundText({ same_sound_count: 0 }), "");
  assert.equal(api.sameSoundText({ same_sound_count: 1 }), "1 other song has the same sound");
  assert.equal(api.sameSoundText({ same_sound_count: 1200 }), "1,200 other songs have the same sound");
});

test("an answer is requested once, and again after a failure", async () => {
  const { api } = load("core/api");
  let requests = 0;
  const request = async () => {
    requests += 1;
    if (requests === 1) throw new Error("busy");
    return "a song";
  };
  await assert.rejects(api.fetchOnce(api.songCache, 4, request), /busy/);
  assert.equal(await api.fetchOnce(api.songCache, 4, request), "a song");
  assert.equal(await api.fetchOnce(api.songCache, 4, request), "a song");
  assert.equal(requests, 2);
});

/** Answer each request with the next of these [status, Retry-After], and count the requests. */
function serve(...answers) {
  const requests = [];
  globalThis.fetch = async (address) => {
    const [status, retryAfter] = answers[Math.min(requests.push(address), answers.length) - 1];
    return { status, ok: status < 300, headers: new Headers(retryAfter ? { "Retry-After": retryAfter } : {}) };
  };
  return requests;
}

test("a busy server is asked again until it answers, and a refusal is not repeated", async (context) => {
  const { api } = load("core/api");
  const waits = [];
  context.mock.method(globalThis, "setTimeout", (resolve, ms) => waits.push(ms) && resolve());
  const requests = serve([503, "2"], [503, "2"], [200]);
  assert.equal((await api.fetchPatiently("waveform/a")).status, 200);
  assert.equal(requests.length, 3);
  assert.deepEqual(waits, [2000, 3000]);
  for (const answer of [[415], [404], [503], [503, "later"]]) {
    const again = serve(answer);
    assert.equal((await api.fetchPatiently("waveform/a")).status, answer[0]);
    assert.equal(again.length, 1);
  }
});

test("a server that stays busy is given up, and a request that is not wanted any more is not repeated", async (context) => {
  const { api } = load("core/api");
  context.mock.method(globalThis, "setTimeout", (resolve) => resolve());
  const requests = serve([503, "1"]);
  assert.equal((await api.fetchPatiently("waveform/a")).status, 503);
  assert.equal(requests.length, api.MAX_RETRIES + 1);
  const signal = AbortSignal.abort();
  await assert.rejects(api.fetchPatiently("waveform/a", { signal }), { name: "AbortError" });
});

test("a full cache drops its oldest answer", async () => {
  const { api } = load("core/api");
  api.MAX_CACHED = 3;
  for (const index of [0, 1, 2, 3]) await api.fetchOnce(api.songCache, index, async () => index);
  assert.deepEqual([...api.songCache.keys()], [1, 2, 3]);
});

test("a new map revision clears the cache", () => {
  const { api } = load("core/api");
  assert.equal(api.setRevision(1), false);
  api.songCache.set(4, "a song");
  assert.equal(api.setRevision(1), false);
  assert.equal(api.songCache.size, 1);
  assert.equal(api.setRevision(2), true);
  assert.equal(api.songCache.size, 0);
});
