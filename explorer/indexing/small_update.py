"""Updates the map of a large library after few of its songs have changed, in seconds.

Only the new songs are compared with the others, and only their rows are stored. Old songs keep their places
and clusters. Names of clusters and measures of quality stay as they were: few songs hardly change them, and
they are computed anew when a tenth of the songs has changed.
"""

from __future__ import annotations

import numpy as np

from explorer.database.database import Database
from explorer.database.records import Map
from explorer.indexing.kept_neighbours import LibraryNeighbours
from explorer.indexing.map_request import MapRequest
from explorer.indexing.stored_map import StoredMap
from explorer.mapping.graph_update import update_graph
from explorer.mapping.placement import place_among_neighbours, place_linearly
from explorer.mapping.quality import neighbours_near
from explorer.mapping.unit_rows import unit_rows

_LINEAR_SAMPLE = 3000
"""A PCA map is a linear function of the directions: this many old songs determine it."""

_MAX_UNPLACED_SHARE = 0.5
"""If more songs than this share have no place, all songs get a new layout."""


def is_enough(kept: LibraryNeighbours, stored: StoredMap, request: MapRequest, *, neighbours: int) -> bool:
    """Return whether it is enough to place the songs that have changed since the last map."""
    n_songs = len(stored.song_ids)
    return (
        kept.has_changed
        and kept.kept.indices.shape[1] >= neighbours
        and request.clusters is None
        and bool((stored.labels[kept.rows >= 0] >= 0).any())
        and all(np.isnan(places[:, 0]).mean() <= _MAX_UNPLACED_SHARE for places in stored.positions.values())
        and not any(
            request.needs_layout(method, stored.parameters, n_songs) for method in request.methods(n_songs)
        )
    )


def update_few(
    database: Database, stored: StoredMap, kept: LibraryNeighbours, *, neighbours: int, seed: int
) -> Map | None:
    """Update and store a map, then store the updated neighbours.

    Parameters
    ----------
    neighbours : int
        How many neighbours of a song decide its place.

    Returns
    -------
    Map or None
        None if another program has stored a map meanwhile.
    """
    before, rows = kept.kept, kept.rows
    indices, costs, touched = update_graph(before.indices, before.costs, rows, stored.vectors, before.mean)
    graph = indices[:, :neighbours]
    new = Map(
        song_ids=stored.song_ids,
        positions={},
        parameters=stored.parameters,
        quality={name: projection["quality"] for name, projection in stored.projections.items()},
        labels=joined_labels(np.where(rows < 0, -1, stored.labels), graph),
        cluster_names=stored.cluster_names,
        representatives=stored.representatives,
        neighbourhood=stored.neighbourhood,
        cluster_count=stored.cluster_count,
    )
    has_changed = touched | (stored.labels < 0)
    for name, places in stored.positions.items():
        has_changed |= np.isnan(places[:, 0])
        new.positions[name] = _placed(name, stored, graph, places, before.mean, seed)
    changed = np.flatnonzero(has_changed)
    for name, positions in new.positions.items():
        new.near[name] = neighbours_near(graph, positions, queried=changed)
    if not database.update_map(new, changed, base_revision=stored.revision):
        return None
    kept.store(indices, costs)
    return new


def joined_labels(labels: np.ndarray, graph: np.ndarray) -> np.ndarray:
    """Give each song without a cluster the one that most of its neighbours have; the nearest decides ties."""
    labels = labels.copy()
    is_known = labels >= 0
    for row in np.flatnonzero(~is_known):
        # A neighbour that is new too has no cluster yet.
        near = labels[graph[row]][is_known[graph[row]]]
        if near.size:
            values, first, counts = np.unique(near, return_index=True, return_counts=True)
            labels[row] = values[np.lexsort((first, -counts))[0]]
        else:
            labels[row] = np.bincount(labels[is_known]).argmax()
    return labels


def _placed(
    name: str, stored: StoredMap, graph: np.ndarray, before: np.ndarray, mean: np.ndarray, seed: int
) -> np.ndarray:
    """Give new songs a place on a projection; the others do not move."""
    is_new = np.isnan(before[:, 0])
    if not is_new.any():
        return before
    if name == "pca":
        old, new = np.flatnonzero(~is_new), np.flatnonzero(is_new)
        sample = np.random.default_rng(seed).choice(old, min(len(old), _LINEAR_SAMPLE), replace=False)
        used = np.concatenate([sample, new])
        directions = unit_rows(stored.vectors[used], mean).astype(np.float32)
        placed = before.copy()
        placed[new] = place_linearly(directions, before[used])[len(sample) :]
        return placed
    # The vectors only serve new songs all of whose neighbours are new.
    vectors = stored.vectors
    if not (~is_new)[graph[is_new]].any(axis=1).all():
        vectors = unit_rows(vectors, mean).astype(np.float32)
    return place_among_neighbours(vectors, graph, before, seed=seed)
