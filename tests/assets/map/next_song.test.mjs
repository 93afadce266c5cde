/** Which song plays next, and which one first. */
import assert from "node:assert/strict";
import test from "node:test";
import { firstSong, nextPosition, nextSong } from "../../../assets/map/next_song.js";
import { makeMap } from "./frame.mjs";

const MISSING = 4;

/** Songs in a row, at 0, 1, 2 and so on. */
function row(count, options) {
  return makeMap(Array.from({ length: count }, (_, i) => [i, 0]), options);
}

function next({ neighbours = [], place = [0, 0], map = row(6), heard = [] }) {
  return nextSong({ neighbours, place, map, isHeard: (index) => heard.includes(index) });
}

test("after a song, the song that sounds most like it plays, wherever it is on the map", () => {
  assert.equal(next({ neighbours: [5, 1], heard: [0] }), 5);
});

test("songs that were heard, do not match the filter, are hidden or have no file are skipped", () => {
  const neighbours = [1, 2, 3, 4, 5];
  const map = row(6, { filteredOut: [2], hidden: [3] });
  map.flags[4] |= MISSING;
  assert.equal(next({ neighbours, map, heard: [0, 1] }), 5);
});

test("if none of the similar songs may play, the nearest song on the map does", () => {
  const map = row(6, { filteredOut: [3] });
  assert.equal(next({ neighbours: [1, 2], place: [2, 0], map, heard: [0, 1, 2] }), 4);
});

test("nothing plays if all songs were heard, or the song is not on the map and has no similar songs", () => {
  assert.equal(next({ neighbours: [1], heard: [0, 1, 2, 3, 4, 5] }), null);
  assert.equal(next({ place: null }), null);
});

test("next and previous skip songs that are not wanted, and go on at the other end of the list", () => {
  const list = [7, 8, 9, 10];
  for (const [position, by, unwanted, expected] of [
    [0, 1, [], 1],
    [0, 1, [8], 2],
    [3, 1, [7], 1],
    [0, -1, [], 3],
    [0, -1, [10, 9], 1],
    [1, 1, [7, 9, 10], null],
  ]) {
    assert.equal(nextPosition(list, position, by, (song) => !unwanted.includes(song)), expected, `${position} ${by} ${unwanted}`);
  }
  assert.equal(nextPosition([7], 0, 1, () => true), null);
  assert.equal(nextPosition([], 0, 1, () => true), null);
});

test("the first song is in the middle of the most common group that matches the filter", () => {
  const map = row(8);
  map.groups.set([0, 0, 0, 1, 1, 1, 1, 1]);
  assert.equal(firstSong(map), 5);
  map.flags[5] = 0;
  assert.notEqual(firstSong(map), 5);
  for (const i of [3, 4, 6, 7]) map.flags[i] |= MISSING;
  assert.equal(firstSong(map), 1);
  assert.equal(firstSong(row(2, { filteredOut: [0, 1] })), null);
});
