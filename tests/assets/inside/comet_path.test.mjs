/** The comet's path. */
import assert from "node:assert/strict";
import test from "node:test";
import { placeAt, trailOf } from "../../../assets/inside/comet_path.js";
import { isNear, makeRandom } from "../page.mjs";

const random = makeRandom(3);
const WINDING = { places: Float32Array.from({ length: 240 }, () => random() * 40 - 20), stepS: 1 };

test("the light passes each place at its second", () => {
  for (const second of [0, 1, 17, 118, 119]) {
    const [x, y] = placeAt(WINDING, second);
    assert.ok(isNear(x, WINDING.places[2 * second], 1e-5) && isNear(y, WINDING.places[2 * second + 1], 1e-5), `${second}`);
  }
  const half = { ...WINDING, stepS: 0.5 };
  assert.ok(isNear(placeAt(half, 8.5)[0], WINDING.places[34], 1e-5));
});

test("between the places the light moves evenly on a straight line, and without jumps on any path", () => {
  const straight = { places: Float32Array.of(0, 0, 2, 4, 4, 8, 6, 12), stepS: 1 };
  assert.deepEqual(placeAt(straight, 1.25), [2.5, 5]);
  for (let second = 0; second < 119; second += 0.01) {
    const [[x, y], [laterX, laterY]] = [placeAt(WINDING, second), placeAt(WINDING, second + 0.01)];
    assert.ok(Math.hypot(laterX - x, laterY - y) < 1.5);
  }
});

test("before the first and after the last place the light stands still", () => {
  assert.deepEqual(placeAt(WINDING, -3), placeAt(WINDING, 0));
  assert.deepEqual(placeAt(WINDING, 500), placeAt(WINDING, 119));
  assert.equal(placeAt({ places: new Float32Array(0), stepS: 1 }, 1), null);
  assert.deepEqual(placeAt({ places: Float32Array.of(3, 4), stepS: 1 }, 9), [3, 4]);
  assert.equal(placeAt({ places: Float32Array.of(NaN, 4, NaN, 4), stepS: 1 }, 0.5), null);
});

test("the trail leads from the song's beginning to the light without gaps, and older parts are fainter", () => {
  for (const second of [0.4, 12, 75.3]) {
    const trail = trailOf(WINDING, second);
    assert.deepEqual(trail[0].places[0], placeAt(WINDING, 0));
    assert.deepEqual(trail.at(-1).places.at(-1), placeAt(WINDING, second));
    for (let i = 1; i < trail.length; i++) {
      assert.deepEqual(trail[i].places[0], trail[i - 1].places.at(-1));
      assert.ok(trail[i].opacity > trail[i - 1].opacity);
    }
    assert.ok(trail[0].opacity > 0.1 && trail.at(-1).opacity > 0.5 && trail.at(-1).opacity <= 1);
  }
});

test("there is no trail before a song has played", () => {
  assert.deepEqual(trailOf(WINDING, 0), []);
  assert.deepEqual(trailOf({ places: Float32Array.of(3, 4), stepS: 1 }, 9), []);
});
