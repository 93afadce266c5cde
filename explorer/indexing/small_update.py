"""Updates the map of a large library after few of its songs have changed, in seconds.

Only the new songs are compared with the others, and only their rows are stored. Old songs keep their places
and clusters. Names of clusters and measures of quality stay as they were: few songs hardly change them, and
they are computed anew when a tenth of the songs has changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from explorer.database.database import Database
from explorer.database.records import Map
from explorer.indexing.kept_neighbours import KeptNeighbours
from explorer.mapping.graph_update import update_graph
from explorer.mapping.placement import place_among_neighbours, place_linearly
from explorer.mapping.quality import neighbours_near
from explorer.mapping.similarity import unit_rows

_LINEAR_SAMPLE = 3000
"""A PCA map is a linear function of the directions: this many old songs determine it."""


@dataclass(frozen=True)
class StoredMap:
    """What a library stores about its map, read in one snapshot.

    Attributes
    ----------
    song_ids : list of str, length n
        The songs with a vector.
    vectors : np.ndarray [shape=(n, 512), float32]
    projections : dict of str to dict
        Projection name to "parameters" and "quality".
    positions : dict of str to np.ndarray [shape=(n, 2)]
        Projection name to positions, NaN for songs without a place.
    labels : np.ndarray [shape=(n,), int]
        The cluster of each song; -1 for songs in none.
    cluster_names, representatives : list of str
    cluster_count : int or None
        The number of clusters that the user chose earlier.
    neighbourhood : dict
    revision : int
        Raised by each map that is stored.
    is_coarse : bool
        Whether the vectors are coarse ones.
    """

    song_ids: list[str]
    vectors: np.ndarray
    projections: dict[str, dict]
    positions: dict[str, np.ndarray]
    labels: np.ndarray
    cluster_names: list[str]
    representatives: list[str]
    cluster_count: int | None
    neighbourhood: dict
    revision: int
    is_coarse: bool

    @property
    def parameters(self) -> dict[str, dict]:
        """Projection name to its parameters, for each projection on the map."""
        return {name: projection["parameters"] for name, projection in self.projections.items()}


def update_few(
    database: Database,
    stored: StoredMap,
    kept: KeptNeighbours,
    rows: np.ndarray,
    digests: np.ndarray,
    *,
    neighbours: int,
    seed: int,
) -> tuple[Map, KeptNeighbours] | None:
    """Update and store a map, and return it with its updated neighbours.

    Parameters
    ----------
    rows : np.ndarray [shape=(n,), int]
        The row of each song in `kept`; -1 for songs that are new or have another vector.
    digests : np.ndarray [shape=(n,), uint64]
        The digest of each song now.
    neighbours : int
        How many neighbours of a song decide its place.

    Returns
    -------
    tuple or None
        None if another program has stored a map meanwhile.
    """
    indices, costs, touched = update_graph(kept.indices, kept.costs, rows, stored.vectors, kept.mean)
    graph = indices[:, :neighbours]
    new = Map(
        song_ids=stored.song_ids,
        positions={},
        parameters=stored.parameters,
        quality={name: projection["quality"] for name, projection in stored.projections.items()},
        labels=_labels(np.where(rows < 0, -1, stored.labels), graph),
        cluster_names=stored.cluster_names,
        representatives=stored.representatives,
        neighbourhood=stored.neighbourhood,
        cluster_count=stored.cluster_count,
    )
    has_changed = touched | (stored.labels < 0)
    for name, before in stored.positions.items():
        has_changed |= np.isnan(before[:, 0])
        new.positions[name] = _placed(name, stored, graph, before, kept.mean, seed)
    changed = np.flatnonzero(has_changed)
    for name, positions in new.positions.items():
        new.near[name] = neighbours_near(graph, positions, queried=changed)
    if not database.update_map(new, changed, base_revision=stored.revision):
        return None
    n_changed = kept.changed + kept.count_changes(rows)
    return new, replace(kept, digests=digests, indices=indices, costs=costs, changed=n_changed)


def _labels(labels: np.ndarray, graph: np.ndarray) -> np.ndarray:
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
