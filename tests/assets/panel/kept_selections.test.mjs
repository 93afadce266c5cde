/** The user's selections, and how the browser keeps them. */
import assert from "node:assert/strict";
import test from "node:test";
import * as kept from "../../../assets/panel/kept_selections.js";

const idOf = (index) => `song ${index}`;

/** A storage that holds no more than `room` characters. */
function makeStore(room = Infinity) {
  const values = new Map();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem(key, value) {
      if (value.length > room) throw new Error("QuotaExceededError");
      values.set(key, value);
    },
    removeItem: (key) => values.delete(key),
    key: (i) => [...values.keys()][i] ?? null,
    get length() {
      return values.size;
    },
  };
}

const desk = () => ({ open: "b", selections: [{ key: "a", name: "Friday", songs: ["x", 3] }, { key: "b", name: "Selection", songs: [1] }] });

test("selections are kept by the songs' ids, and are read again with the one that was open; each library has its own", () => {
  const store = makeStore();
  assert.equal(kept.keep(store, "lib", null, desk(), idOf), "kept");
  const read = kept.readDesk(store, "lib");
  assert.deepEqual(read, {
    open: "b",
    selections: [{ key: "a", name: "Friday", songs: ["x", "song 3"] }, { key: "b", name: "Selection", songs: ["song 1"] }],
  });
  const other = kept.readDesk(store, "other");
  assert.deepEqual(other.selections.map(({ name, songs }) => [name, songs]), [["Selection", []]]);
  assert.equal(other.open, other.selections[0].key);
});

test("only what has changed is written; what was deleted or has nothing to lose is removed", () => {
  const store = makeStore();
  const before = desk();
  kept.keep(store, "lib", null, before, idOf);
  store.values.set("selection lib a", "written by another window");
  const after = { open: "b", selections: [before.selections[0], { ...before.selections[1], songs: [] }] };
  kept.keep(store, "lib", before, after, idOf);
  assert.deepEqual([...store.values.keys()].sort(), ["open-selection lib", "selection lib a"]);
  assert.equal(store.values.get("selection lib a"), "written by another window");
  kept.keep(store, "lib", after, kept.without(after, "a"), idOf);
  assert.deepEqual([...store.values.keys()], ["open-selection lib"]);
});

test("a full storage, a song whose id is not known yet, and a very large selection are told of; the others are kept", () => {
  assert.equal(kept.keep(makeStore(30), "lib", null, { ...desk(), selections: [{ key: "a", name: "A", songs: [..."abcdefgh"] }] }, idOf), "full");
  assert.equal(kept.keep(makeStore(), "lib", null, desk(), () => undefined), "unknown");
  const store = makeStore();
  const large = { key: "l", name: "Large", songs: Array.from({ length: kept.MAX_KEPT_SONGS + 1 }, (_, i) => i) };
  assert.equal(kept.keep(store, "lib", null, { open: "b", selections: [large, ...desk().selections] }, idOf), "large");
  assert.deepEqual(kept.readDesk(store, "lib").selections.map(({ key }) => key), ["a", "b"]);
});

test("damaged entries are left out", () => {
  const store = makeStore();
  kept.keep(store, "lib", null, desk(), idOf);
  for (const text of ["", "{", "null", "[]", '{"name": 1, "songs": []}', '{"name": "A", "songs": [1]}', '{"name": "A"}']) {
    store.values.set("selection lib b", text);
    assert.deepEqual(kept.readDesk(store, "lib").selections.map(({ key }) => key), ["a"], text);
  }
});

test("songs that are not shown stay behind the song that they followed", () => {
  const songs = ["gone", 1, 2, "away", 9, 3];
  const shown = [1, 2, 3];
  assert.deepEqual(kept.merged(songs, shown, [1, 2, 3, 4]), ["gone", 1, 2, "away", 9, 3, 4]);
  assert.deepEqual(kept.merged(songs, shown, [2, 1, 3]), ["gone", 2, "away", 9, 1, 3]);
  assert.deepEqual(kept.merged(songs, shown, [1, 3]), ["gone", 1, "away", 9, 3]);
  assert.deepEqual(kept.merged(songs, shown, [3]), ["gone", "away", 9, 3]);
  assert.deepEqual(kept.merged([1, 2], [1, 2], [2]), [2]);
});

test("a new selection has a free name, and the one before is kept unless nothing is lost with it", () => {
  const withNew = kept.withNew(desk());
  assert.deepEqual(withNew.selections.map(({ name }) => name), ["Friday", "Selection", "Selection 2"]);
  assert.equal(kept.openOf(withNew).name, "Selection 2");
  assert.deepEqual(kept.opened(withNew, "a").selections.map(({ name }) => name), ["Friday", "Selection"]);
  assert.equal(kept.withNew({ open: "c", selections: [{ key: "c", name: "Mine", songs: [] }] }).selections.length, 2);
});

test("if the open selection is deleted, another one is open, or a new one", () => {
  const left = kept.without(desk(), "b");
  assert.equal(left.open, "a");
  assert.equal(kept.without(desk(), "a").open, "b");
  assert.deepEqual(kept.openOf(kept.without(left, "a")).songs, []);
});

test("a name is one line of limited length", () => {
  assert.equal(kept.cleanName("  For \n Friday  "), "For Friday");
  assert.equal(kept.cleanName(" "), "");
  assert.equal(kept.cleanName("x".repeat(200)).length, 80);
});

test("other indices change only the selections that have such songs", () => {
  const before = desk();
  const after = kept.renumbered(before, (song) => (song === 3 ? null : song));
  assert.deepEqual(after.selections[0].songs, ["x"]);
  assert.equal(after.selections[1], before.selections[1]);
});

test("a name that another selection has gets a number, and names stay short", () => {
  const selections = [["a", "Friday night"], ["b", "Selection"], ["c", "friday night 2"], ["d", "x".repeat(80)]].map(([key, name]) => ({ key, name, songs: [] }));
  assert.equal(kept.ownName({ open: "b", selections }, "Friday night"), "Friday night 3");
  assert.equal(kept.ownName({ open: "b", selections }, "Monday"), "Monday");
  assert.equal(kept.ownName({ open: "a", selections }, "Friday night"), "Friday night");
  assert.equal(kept.ownName({ open: "b", selections }, "x".repeat(80)), `${"x".repeat(78)} 2`);
});

test("the selection that a change brought back, removed or altered is found; blank ones do not count", () => {
  const [friday, blank] = [{ key: "a", name: "Friday", songs: [1] }, { key: "b", name: "Selection", songs: [] }];
  const [one, both] = [{ open: "b", selections: [blank] }, { open: "b", selections: [friday, blank] }];
  assert.deepEqual(kept.difference(one, both), { selection: friday, change: "back" });
  assert.deepEqual(kept.difference(both, one), { selection: friday, change: "gone" });
  const renamed = { ...friday, name: "Later" };
  assert.deepEqual(kept.difference(both, { open: "b", selections: [renamed, blank] }), { selection: renamed, change: "other" });
  assert.deepEqual(kept.difference({ open: "a", selections: [friday] }, both), { selection: blank, change: "other" });
});
