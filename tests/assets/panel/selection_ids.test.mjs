/** A new map with other indices: which songs of the selection are found again. */
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { state, update } from "../../../assets/core/state.js";
import { learnId, mount } from "../../../assets/panel/selection_ids.js";

/** The songs' ids by index, on the server's map. */
let library = [];
let revision = 0;

globalThis.fetch = async (address) => {
  const id = decodeURIComponent(address.split("/by-id/")[1]);
  const index = library.indexOf(id);
  return { ok: index >= 0, text: async () => "The song is not on the map.", json: async () => ({ index }) };
};

/** A map with these songs arrives. @param {string[]} ids @param {Int32Array|null} moved @param {object} changes Of other keys. */
function arrive(ids, moved, changes = {}) {
  library = ids;
  revision += 1;
  update({ map: /** @type {any} */ ({ meta: { revision, order: ids.join() }, count: ids.length }), moved, ...changes });
}

const settle = () => new Promise((resolve) => setTimeout(resolve));

mount();
beforeEach(async () => {
  arrive(["a", "b", "c", "d"], null);
  await settle();
  update({ chosen: [3, 0, 1], chosenPosition: 1, message: "" });
  for (const index of [0, 1, 3]) learnId(index, Promise.resolve({ id: library[index] }));
  await settle();
});

test("on a map with unknown indices the songs are found by their ids, in their order; deleted songs are left out", async () => {
  arrive(["new", "d", "c", "a"], null);
  await settle();
  assert.deepEqual([state.chosen, state.chosenPosition, state.message], [[1, 3], null, ""]);
});

test("the songs are also found if the indices were dropped together with the old map", async () => {
  arrive(["d", "b", "a"], null, { chosen: [] });
  await settle();
  assert.deepEqual(state.chosen, [0, 2, 1]);
});

test("the ids follow the songs to maps with known indices", async () => {
  arrive(["new", "a", "b", "c", "d"], Int32Array.of(1, 2, 3, 4), { chosen: [4, 1, 2] });
  await settle();
  assert.deepEqual([state.chosen, state.chosenPosition], [[4, 1, 2], 1]);
  arrive(["b", "a", "d"], null);
  await settle();
  assert.deepEqual(state.chosen, [2, 1, 0]);
});

test("a map on which the songs have the same indices leaves the selection as it is", async () => {
  const { chosen } = state;
  arrive(["a", "b", "c", "d"], null);
  await settle();
  assert.equal(state.chosen, chosen);
});

test("if the page does not know all ids, it says so and leaves the selection empty", async () => {
  update({ chosen: [0, 2] });
  arrive(["c", "a"], null);
  await settle();
  assert.deepEqual(state.chosen, []);
  assert.match(state.message, /Select the songs again/);
});

test("an answer for an earlier map gives no song of the new map an id", async () => {
  let answer;
  learnId(2, new Promise((resolve) => (answer = resolve)));
  arrive(["c", "x", "y"], Int32Array.of(-1, -1, 0, -1), { chosen: [2] });
  answer({ id: "c" });
  await settle();
  arrive(["c", "y"], null);
  await settle();
  assert.deepEqual(state.chosen, []);
});

test("songs that the user chooses while the others are looked for stay", async () => {
  arrive(["d", "b", "a"], null);
  update({ chosen: [1] });
  await settle();
  assert.deepEqual(state.chosen, [1]);
});
