/** The page's address: how the state of the page is written as a query, and read from it. Pure functions. */

/** @typedef {import("./types.js").View} View */
/** @typedef {{x: number, y: number, zoom: number}} Position The centre of the free area in map units; a zoom of 1 shows all songs. */
/** @typedef {{projection: string, clusters: number, mostClusters: number, colourings: string[]}} Defaults */

/** The parts of a query that do not change what is drawn. */
const POSITION_AND_SONG = ["x", "y", "zoom", "song"];

/**
 * Write the state of the page as a query. Default values are left out.
 * @param {object} shown
 * @param {Pick<View, "projection"|"colouring"|"clusters"|"fade"|"filter">} shown.view
 * @param {Defaults} shown.defaults
 * @param {Position|null} shown.position The part of the map that is shown; null for all of it.
 * @param {string|null} shown.song The selected song's id.
 * @returns {URLSearchParams}
 */
export function encode({ view, defaults, position, song }) {
  const query = new URLSearchParams();
  if (view.projection !== defaults.projection) query.set("view", view.projection);
  if (view.colouring !== "cluster") query.set("colour", view.colouring);
  if (view.clusters && view.clusters !== defaults.clusters) query.set("clusters", String(view.clusters));
  if (view.fade) query.set("fade", "1");
  const { filter } = view;
  for (const name of filter.genres ?? []) query.append("genre", name);
  for (const name of filter.clusters ?? []) query.append("cluster", name);
  for (const name of filter.artists ?? []) query.append("artist", name);
  if (filter.years) query.set("years", filter.years.join("-"));
  if (filter.duration_s) query.set("seconds", filter.duration_s.join("-"));
  for (const kind of filter.hide ?? []) query.append("hide", kind);
  if (position) {
    query.set("x", position.x.toPrecision(5));
    query.set("y", position.y.toPrecision(5));
    query.set("zoom", position.zoom.toPrecision(4));
  }
  if (song !== null) query.set("song", song);
  return query;
}

/**
 * Read a query that `encode` wrote. An invalid value counts as absent.
 * @param {URLSearchParams} query
 * @param {Defaults} defaults
 */
export function decode(query, defaults) {
  const [projection, colouring] = [query.get("view") ?? "", query.get("colour") ?? ""];
  const clusters = Number(query.get("clusters"));
  const [x, y, zoom] = ["x", "y", "zoom"].map((name) => Number(query.get(name) ?? NaN));
  return {
    projection: ["tsne", "umap", "pca", "original"].includes(projection) ? projection : defaults.projection,
    colouring: defaults.colourings.includes(colouring) ? colouring : "cluster",
    clusters: clusters > 0 ? Math.max(1, Math.min(Math.round(clusters), defaults.mostClusters)) : defaults.clusters,
    fade: query.get("fade") === "1",
    filter: {
      genres: query.getAll("genre"),
      clusters: query.getAll("cluster"),
      artists: query.getAll("artist"),
      years: pairIn(query, "years"),
      duration_s: pairIn(query, "seconds"),
      hide: query.getAll("hide"),
    },
    position: [x, y, zoom].every(Number.isFinite) && zoom > 0 ? { x, y, zoom } : null,
    song: query.get("song") || null,
  };
}

/** @param {URLSearchParams} query @param {string} name @returns {number[]|null} Null if these are not two numbers. */
function pairIn(query, name) {
  const values = (query.get(name) || "").split("-").map(Number);
  return values.length === 2 && values.every(Number.isFinite) ? values : null;
}

/** @param {string} text A query. @returns {string} The query without the map's position and the song. */
export function withoutPositionAndSong(text) {
  const query = new URLSearchParams(text);
  for (const name of POSITION_AND_SONG) query.delete(name);
  return query.toString();
}
