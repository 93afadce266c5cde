/** The lasso and box tools. */
import assert from "node:assert/strict";
import test from "node:test";
import { state, update } from "../../../assets/core/state.js";
import * as lasso from "../../../assets/map/lasso.js";
import { PIXELS, makeDocument, makeMap } from "./frame.mjs";

makeDocument();

test("Shift draws a lasso without a tool, and adds songs with a tool", () => {
  const shape = (tool, shiftKey) => {
    update({ tool });
    return lasso.shapeFor({ shiftKey });
  };
  assert.equal(shape(null, false), null);
  assert.deepEqual(shape(null, true), { kind: "lasso", adds: false });
  assert.deepEqual(shape("box", false), { kind: "box", adds: false });
  assert.deepEqual(shape("box", true), { kind: "box", adds: true });
});

test("a tool is turned off by turning it on again", () => {
  update({ tool: null });
  lasso.toggleTool("box");
  lasso.toggleTool("lasso");
  assert.equal(state.tool, "lasso");
  lasso.toggleTool("lasso");
  assert.equal(state.tool, null);
});

test("the songs inside the shape are selected, and the tool is turned off", () => {
  update({ map: makeMap([[30, -30], [10, -10], [90, -90]]), viewport: PIXELS, tool: "box", chosen: [2] });
  lasso.beginShape({ kind: "box", adds: false }, 0, 0);
  lasso.extendShape(99, 99);
  // A box that becomes smaller has only two corners.
  lasso.extendShape(50, 50);
  lasso.finishShape({ shiftKey: false });
  assert.deepEqual(state.chosen, [1, 0]);
  assert.deepEqual([state.tool, state.shape], [null, null]);
});

test("songs are added to the selection if Shift was held with a tool, or is held at the end", () => {
  update({ map: makeMap([[30, -30], [90, -90]]), viewport: PIXELS });
  for (const [adds, shiftKey, chosen] of [[false, false, [0]], [true, false, [1, 0]], [false, true, [1, 0]]]) {
    update({ chosen: [1] });
    lasso.beginShape({ kind: "box", adds }, 0, 0);
    lasso.extendShape(50, 50);
    lasso.finishShape({ shiftKey });
    assert.deepEqual(state.chosen, chosen);
  }
});

test("a cancelled shape selects nothing", () => {
  update({ chosen: [2] });
  lasso.beginShape({ kind: "lasso", adds: false }, 0, 0);
  lasso.cancelShape();
  lasso.finishShape({ shiftKey: false });
  assert.deepEqual(state.chosen, [2]);
});
