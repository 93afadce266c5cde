/** How a moment lights songs. */
import assert from "node:assert/strict";
import test from "node:test";
import { countLit, litFlags, renumberedMoment, strengthsOf } from "../../../assets/inside/lights.js";
import { FADED, HIDDEN, LIT, MISSING, VERY_FADED } from "../../../assets/map/flags.js";

test("lit songs keep their colours and do not fade; all others look filtered out", () => {
  const flags = Uint8Array.of(LIT, LIT | VERY_FADED | MISSING, LIT | FADED, 0, LIT | HIDDEN);
  const drawn = litFlags(flags, new Map([[1, 0.9], [2, 0.8], [3, 0.7], [4, 0.6]]));
  assert.deepEqual([...drawn], [0, LIT | MISSING, LIT, 0, LIT | HIDDEN]);
  // The map's own flags are never changed.
  assert.equal(flags[0], LIT);
});

test("the most similar song is lit most, the least similar one still visibly", () => {
  const strengths = strengthsOf(new Map([[4, 0.95], [7, 0.85], [2, 0.9]]));
  assert.equal(strengths.get(4), 1);
  assert.ok(strengths.get(7) > 0.1 && strengths.get(7) < 0.2);
  assert.ok(strengths.get(2) > strengths.get(7) && strengths.get(2) < 1);
  assert.equal(strengthsOf(new Map([[1, 0.5]])).get(1), 1);
  assert.equal(strengthsOf(new Map()).size, 0);
});

test("songs that do not match the filter, or are hidden, are not lit", () => {
  assert.equal(countLit(Uint8Array.of(LIT, 0, LIT | HIDDEN, LIT), new Map([[0, 1], [1, 1], [2, 1]])), 1);
});

test("on a map with other indices, the moment stays with its songs", () => {
  const moment = { index: 2, atS: 3, seconds: 5, title: "Rain", lit: new Map([[0, 0.9], [1, 0.8]]), moments: [{ index: 1, startS: 4 }, { index: 0 }] };
  const moved = [null, 5, 7];
  const after = renumberedMoment(moment, (index) => moved[index]);
  assert.deepEqual([after.index, [...after.lit], after.moments], [7, [[5, 0.8]], [{ index: 5, startS: 4 }]]);
  assert.equal(renumberedMoment({ ...moment, index: 0 }, (index) => moved[index]), null);
  assert.equal(renumberedMoment(null, () => 1), null);
});
