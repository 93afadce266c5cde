/** Requests to the server: repeated while it is busy, and cached. */
import assert from "node:assert/strict";
import test from "node:test";
import * as api from "../../../assets/core/api.js";

test("an answer is requested once, and again after a failure", async () => {
  const cache = new Map();
  let requests = 0;
  const request = async () => {
    requests += 1;
    if (requests === 1) throw new Error("busy");
    return "a song";
  };
  await assert.rejects(api.fetchOnce(cache, 4, request), /busy/);
  assert.equal(await api.fetchOnce(cache, 4, request), "a song");
  assert.equal(await api.fetchOnce(cache, 4, request), "a song");
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
  context.mock.method(globalThis, "setTimeout", (resolve) => resolve());
  const requests = serve([503, "1"]);
  assert.equal((await api.fetchPatiently("waveform/a")).status, 503);
  assert.equal(requests.length, 9);
  const signal = AbortSignal.abort();
  await assert.rejects(api.fetchPatiently("waveform/a", { signal }), { name: "AbortError" });
});

test("a full cache drops its oldest answer", async () => {
  const cache = new Map();
  for (let index = 0; index < 5001; index++) await api.fetchOnce(cache, index, async () => index);
  assert.equal(cache.size, 5000);
  assert.ok(!cache.has(0) && cache.has(1) && cache.has(5000));
});
