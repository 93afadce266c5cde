/** The page's address: how the state of the page is written to it and read from it. */
import assert from "node:assert/strict";
import test from "node:test";
import * as address from "../../../assets/core/address.js";

const DEFAULTS = { projection: "tsne", clusters: 3, mostClusters: 24, colourings: ["cluster", "genre", "artist", "length"] };
const NO_FILTER = { genres: [], clusters: [], artists: [], years: null, duration_s: null, hide: [] };
const PLAIN = { projection: "tsne", clusters: 3, colouring: "cluster", fade: false, filter: NO_FILTER };

const encode = (view, others = {}) => address.encode({ view: { ...PLAIN, ...view }, defaults: DEFAULTS, position: null, song: null, ...others });
const decode = (query) => address.decode(new URLSearchParams(query), DEFAULTS);

test("default values are left out of the address", () => {
  assert.equal(encode({}).toString(), "");
});

test("every other value is written to the address", () => {
  for (const [view, query] of [
    [{ projection: "umap" }, "view=umap"],
    [{ colouring: "genre" }, "colour=genre"],
    [{ clusters: 5 }, "clusters=5"],
    [{ fade: true }, "fade=1"],
    [{ filter: { ...NO_FILTER, genres: ["Waltz", "Drum & Bass"] } }, "genre=Waltz&genre=Drum+%26+Bass"],
    [{ filter: { ...NO_FILTER, clusters: ["Slow"], artists: ["Été"] } }, "cluster=Slow&artist=%C3%89t%C3%A9"],
    [{ filter: { ...NO_FILTER, years: [1970, 1977], duration_s: [21, 481] } }, "years=1970-1977&seconds=21-481"],
    [{ filter: { ...NO_FILTER, hide: ["duplicates", "missing"] } }, "hide=duplicates&hide=missing"],
    [{ colouring: "length" }, "colour=length"],
  ]) {
    assert.equal(encode(view).toString(), query);
  }
  assert.equal(encode({}, { song: "a/b?c.flac" }).toString(), "song=a%2Fb%3Fc.flac");
  assert.equal(encode({}, { position: { x: 1.2345678, y: -0.5, zoom: 2.71828 } }).toString(), "x=1.2346&y=-0.50000&zoom=2.718");
});

test("reading an address returns what was written", () => {
  const filter = { genres: ["Drum & Bass"], clusters: ["A=B"], artists: ["Été"], years: [1970, 1977], duration_s: [21, 481], hide: ["missing"] };
  const view = { projection: "original", colouring: "artist", clusters: 7, fade: true, filter };
  const query = encode(view, { position: { x: 1.5, y: -2.25, zoom: 4 }, song: "009.flac" });
  assert.deepEqual(decode(query.toString()), { ...view, position: { x: 1.5, y: -2.25, zoom: 4 }, song: "009.flac" });
});

test("an empty address means the defaults", () => {
  assert.deepEqual(decode(""), { ...PLAIN, position: null, song: null });
});

test("an invalid value in an address counts as absent", () => {
  for (const query of [
    "view=nonsense&colour=7&clusters=-3&zoom=abc&x=1",
    "only=2&years=x-y&seconds=5",
    // The library has no years.
    "colour=year",
    "years=1970-1980-1990&clusters=0",
    "x=1&y=2&zoom=0",
    "x=1&y=2",
    "x=Infinity&y=2&zoom=1",
    "fade=yes&clusters=many",
  ]) {
    assert.deepEqual(decode(query), { ...PLAIN, position: null, song: null }, query);
  }
});

test("a fraction of clusters is rounded", () => {
  assert.equal(decode("clusters=4.6").clusters, 5);
});

test("an address asks for no more clusters than the library can have", () => {
  assert.equal(decode("clusters=999").clusters, 24);
  assert.equal(decode("clusters=0.2").clusters, 1);
});

test("the song and the map's position are left out when two addresses are compared", () => {
  assert.equal(address.withoutPositionAndSong("view=pca&x=1&y=2&zoom=3&song=a&genre=b"), "view=pca&genre=b");
});
