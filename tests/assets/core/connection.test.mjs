/** All requests are seen: a failure leads to the question whether the server answers, and that goes on until it does. */
import assert from "node:assert/strict";
import test from "node:test";
import { callbackFor, mount, observe, watchRequests } from "../../../assets/core/connection.js";
import { state, subscribe, update } from "../../../assets/core/state.js";

/** @type {(address: string) => Response|Promise<Response>} */
let server;
let asked = [];
const later = [];
globalThis.window = new EventTarget();
window.fetch = async (address) => {
  asked.push(String(address));
  return server(String(address));
};
watchRequests();
mount();

const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const refuse = () => Promise.reject(new TypeError("Failed to fetch"));
const lines = () => state.notices.filter(({ key }) => key === "connection").map(({ text }) => text);

test("the page says once that the server is gone, and that ends by itself", async (context) => {
  context.mock.method(globalThis, "setTimeout", (run, ms) => (later.push([run, ms]), later.length));
  const changes = [];
  subscribe(["serverAnswers"], () => changes.push(state.serverAnswers));
  server = refuse;
  for (let i = 0; i < 3; i++) await assert.rejects(window.fetch(`songs/${i}`), /Failed/);
  await settled();
  assert.deepEqual([state.serverAnswers, lines()], [false, ["The server does not answer; trying again"]]);
  // It asks again, in vain, and then with success.
  const again = () => later.filter(([, ms]) => ms === 1000).at(-1)[0]();
  again();
  await settled();
  assert.deepEqual([state.serverAnswers, lines().length], [false, 1]);
  server = () => new Response("{}");
  again();
  await settled();
  assert.deepEqual([state.serverAnswers, lines(), changes], [true, [], [false, true]]);
});

test("a single request that fails while the server answers is no outage, and neither is one that was cancelled", async () => {
  server = (address) => (address === "healthz" ? new Response("{}") : refuse());
  await assert.rejects(window.fetch("uploads"), /Failed/);
  await settled();
  assert.equal(state.serverAnswers, true);
  asked = [];
  server = () => Promise.reject(new DOMException("", "AbortError"));
  await assert.rejects(window.fetch("preview/a"), { name: "AbortError" });
  await settled();
  assert.deepEqual([state.serverAnswers, asked], [true, ["preview/a"]]);
});

test("an answer from the cache does not end an outage", async () => {
  update({ serverAnswers: false });
  server = () => new Response("cached");
  await window.fetch("songs/1");
  assert.equal(state.serverAnswers, false);
  update({ serverAnswers: true });
});

test("a callback that the server was too busy for is sent again", async (context) => {
  context.mock.method(globalThis, "setTimeout", (run) => (run(), 0));
  const answers = [503, 503, 200];
  const seen = [];
  observe((_request, answer) => answer.then(({ status }) => seen.push(status)));
  asked = [];
  server = () => new Response("", { status: answers.shift(), headers: { "Retry-After": "1" } });
  const response = await window.fetch("/_dash-update-component", { method: "POST", body: "{}" });
  await settled();
  assert.deepEqual([response.status, asked.length, seen], [200, 3, [200]]);
});

test("a callback is known by what it fills", () => {
  const address = "/_dash-update-component";
  const several = JSON.stringify({ output: "..drawing.data...legend.children..", inputs: [] });
  assert.ok(callbackFor({ address, body: several }, "drawing.data"));
  assert.ok(callbackFor({ address, body: JSON.stringify({ output: "search.data" }) }, "search.data"));
  assert.equal(callbackFor({ address, body: JSON.stringify({ output: "research.data" }) }, "search.data"), null);
  assert.equal(callbackFor({ address, body: JSON.stringify({ output: "x.y", state: "search.data" }) }, "search.data"), null);
  assert.equal(callbackFor({ address: "map/1/flags", body: several }, "drawing.data"), null);
});
