import assert from "node:assert/strict";
import { test } from "node:test";

import { drawSprite, makeSprite, unmultiply } from "../../../assets/map/sprites.js";

const [WIDTH, HEIGHT] = [20, 12];
const LOOK = { colour: [1, 0, 0], opacity: 1, radius: 3, centre: null, ring: null };
const alphas = (pixels) => Array.from(pixels, (pixel) => pixel >>> 24);

function drawn(look, ...points) {
  const pixels = new Int32Array(WIDTH * HEIGHT);
  for (const [x, y] of points) drawSprite(pixels, WIDTH, HEIGHT, makeSprite(look, WIDTH), x, y);
  return pixels;
}

test("a disc covers its area, wherever in a pixel its centre lies", () => {
  for (const [x, y] of [[6, 6], [6.3, 5.9], [6.99, 6.5]]) {
    const covered = alphas(drawn(LOOK, [x, y])).map((alpha) => alpha / 255);
    const sum = covered.reduce((total, share) => total + share, 0);
    assert.ok(Math.abs(sum - Math.PI * 9) < 1, `${sum} at ${x}, ${y}`);
    const middle = covered.reduce((total, share, i) => total + share * ((i % WIDTH) + 0.5), 0) / sum;
    assert.ok(Math.abs(middle - x) < 0.15, `${middle} for ${x}`);
  }
});

test("a point at an edge is cut off, and does not appear at the other side", () => {
  const rows = (pixels) => Array.from({ length: HEIGHT }, (_, y) => alphas(pixels.subarray(y * WIDTH, (y + 1) * WIDTH)));
  const left = rows(drawn(LOOK, [0, 6]));
  assert.ok(left[6][0] === 255 && left[6][WIDTH - 1] === 0 && left[5][WIDTH - 1] === 0);
  const below = rows(drawn(LOOK, [10, HEIGHT + 2]));
  assert.ok(below[HEIGHT - 1][10] > 0 && below[0][10] === 0);
  for (const place of [[-1000, 6], [WIDTH + 9, 6], [10, -9], [NaN, 6]]) assert.ok(drawn(LOOK, place).every((pixel) => pixel === 0));
});

test("a point lies over the points before it", () => {
  const half = { ...LOOK, opacity: 0.5 };
  const once = alphas(drawn(half, [6, 6]))[6 * WIDTH + 6];
  const twice = alphas(drawn(half, [6, 6], [6, 6]))[6 * WIDTH + 6];
  assert.ok(Math.abs(once - 128) <= 1 && Math.abs(twice - 191) <= 2, `${once}, ${twice}`);
});

test("colours that were multiplied by their opacity come back", () => {
  const pixels = drawn({ ...LOOK, colour: [0.9, 0.5, 0.1], opacity: 0.3 }, [6, 6]);
  unmultiply(pixels);
  const pixel = pixels[6 * WIDTH + 6];
  const colour = [pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255];
  [230, 128, 26].forEach((value, i) => assert.ok(Math.abs(colour[i] - value) <= 3, String(colour)));
  assert.equal(pixel >>> 24, 77);
});
