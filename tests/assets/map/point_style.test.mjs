/** How large, opaque and bright points are. */
import assert from "node:assert/strict";
import test from "node:test";
import { glowStyle, markerSize, parseColour, pointStyle, ringRadius, ringStyle, sampleStyle } from "../../../assets/map/point_style.js";
import { isNear } from "../page.mjs";

const style = (count, zoom = 1, rest = {}) => pointStyle({ count, zoom, isNarrow: false, isOnRegions: false, ...rest });

test("the more songs, the smaller and the fainter the points", () => {
  assert.deepEqual([1, 24, 100_000].map(markerSize), [11, 11, 3]);
  assert.ok(isNear(markerSize(2000), 15 - 2.6 * Math.log10(2000)));
  assert.equal(markerSize(10_000_000), 2);
  assert.deepEqual([4999, 5000, 100_000, 1_000_000].map((count) => style(count).opacity), [0.92, 0.75, 0.75, 0.6]);
});

test("points grow when one zooms in, but less than the map; they never shrink below their size on the whole map", () => {
  assert.ok(style(100_000, 20).diameter > 6 && style(100_000, 20).diameter < 9);
  assert.ok(isNear(style(100_000, 20).opacity, 0.92));
  assert.equal(style(100_000, 0.4).diameter, 3);
  const sizes = [1, 2, 4, 8, 16, 400].map((zoom) => style(2000, zoom).diameter);
  assert.ok(sizes.every((size, i) => i === 0 || (size >= sizes[i - 1] && size <= 11)), String(sizes));
});

test("points are smaller on a phone, and on the regions of the original view, which they do not hide", () => {
  assert.ok(isNear(style(187, 1, { isNarrow: true }).diameter, 0.72 * markerSize(187)));
  const { diameter, opacity } = style(187, 1, { isOnRegions: true });
  assert.ok(isNear(diameter, 0.62 * markerSize(187)) && opacity === 1);
  assert.ok(isNear(style(100_000, 1, { isOnRegions: true }).diameter, 0.62 * 3));
  assert.ok(isNear(style(100_000, 1, { isOnRegions: true }).opacity, 0.6));
  assert.equal(style(100_000, 20, { isOnRegions: true }).opacity, 1);
});

test("the points of a sample are larger and more opaque, within limits", () => {
  const all = { diameter: 3, opacity: 0.75 };
  assert.deepEqual(sampleStyle(all, 1), all);
  const [half, few] = [sampleStyle(all, 0.5), sampleStyle(all, 0.01)];
  assert.ok(half.diameter > 3 && half.opacity > 0.75 && few.diameter > half.diameter);
  assert.ok(few.diameter < 6 && few.opacity <= 1);
});

test("the more songs are in the frame, the less each one glows", () => {
  const glow = (lit, zoom = 1, height = 800) => glowStyle({ lit, zoom, width: 1280, height, theme: "dark" });
  assert.equal(glow(24).strength, glow(200).strength);
  assert.ok(glow(200).strength > glow(2000).strength && glow(2000).strength > glow(100_000).strength);
  assert.ok(isNear(glow(3000).strength, glow(3001).strength, 1e-4));
  // Of 100,000 songs the frame shows 1,000, and each glows on 4.84 times the area.
  assert.ok(isNear(glow(100_000, 10).strength, glow(4840).strength));
  assert.ok(glow(200).maxOpacity > glow(1000).maxOpacity && glow(3000).maxOpacity === glow(100_000).maxOpacity);
  assert.ok(glow(200, 2).sigma_px > glow(200).sigma_px && glow(200, 100).sigma_px === glow(200, 2.2).sigma_px);
  assert.ok(glow(200, 1, 350).sigma_px < glow(200).sigma_px);
});

test("colours are read as the server writes them", () => {
  assert.deepEqual(parseColour("#ff0033"), [1, 0, 0.2, 1]);
  assert.deepEqual(parseColour(" rgba(0, 255, 51, 0.5)"), [0, 1, 0.2, 0.5]);
  assert.deepEqual(parseColour("rgb(255, 0, 0)"), [1, 0, 0, 1]);
  assert.throws(() => parseColour("blue"), /blue/);
});

test("rings become thinner and fainter, step by step, the more songs are chosen; around very many there are none", () => {
  assert.deepEqual(ringStyle(1, false), { width_px: 1.5, opacity: 1, othersFade: false });
  assert.deepEqual(ringStyle(100, false), ringStyle(1, false));
  let before = ringStyle(100, false);
  for (let count = 120; count <= 3000; count *= 1.2) {
    const style = ringStyle(count, false);
    assert.ok(style.width_px < before.width_px && style.opacity < before.opacity, String(count));
    assert.ok(before.opacity - style.opacity < 0.1, String(count));
    before = style;
  }
  assert.deepEqual(ringStyle(6000, false), { width_px: 0.5, opacity: 0, othersFade: true });
  // Where rings are faint, the other songs fade.
  assert.deepEqual([300, 1000].map((count) => ringStyle(count, false).othersFade), [false, true]);
});

test("on regions, where songs do not fade, the chosen ones always have a ring", () => {
  const { width_px, opacity, othersFade } = ringStyle(1_000_000, true);
  assert.equal(width_px, 0.5);
  assert.ok(opacity > 0.5);
  assert.equal(othersFade, false);
});

test("a ring lies outside of its point, and is not too small to see", () => {
  for (const radius of [1, 2, 5]) {
    for (const count of [1, 1000, 3000]) {
      const style = ringStyle(count, true);
      assert.ok(ringRadius(radius, style) - style.width_px / 2 >= Math.max(radius, 2));
    }
  }
});
