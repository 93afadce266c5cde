/** Walks: through a song and its neighbours. */
import assert from "node:assert/strict";
import test from "node:test";
import { state, update } from "../../../assets/core/state.js";
import { beginAtUpload, goTowards, step } from "../../../assets/map/walk.js";
import { fakeElement, makeDocument, makeMap } from "./frame.mjs";

test("a walk at an uploaded song begins with this song, and no song of the map is selected", () => {
  const neighbours = [{ index: 4 }, { index: 2 }];
  update({ selected: 1, selectedId: "a", linesFrom: 1, walkPosition: 3, isUploading: true });
  beginAtUpload({ token: "t", neighbours, places: {} });
  assert.deepEqual([state.walk, state.walkPosition], [[null, 4, 2], 0]);
  assert.deepEqual([state.selected, state.selectedId, state.linesFrom], [null, null, null]);
  assert.deepEqual([state.upload.token, state.isUploading, state.lineEnds, state.neighbours], ["t", false, neighbours, neighbours]);
});

test("a walk of a single song has no next song", async () => {
  update({ walk: [3], walkPosition: 0, requested: 3 });
  await step(1);
  assert.deepEqual([state.walkPosition, state.requested], [0, 3]);
});

test("if there is no song in a direction, screen readers say so", () => {
  const announcer = fakeElement();
  makeDocument({ announcer });
  update({ map: makeMap([[0, 0], [-5, 0]]), requested: 0 });
  goTowards("ArrowRight");
  assert.match(announcer.textContent, /no song/);
  assert.equal(state.requested, 0);
});
