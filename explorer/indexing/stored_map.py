"""What a library stores about its map: the vectors, positions and clusters that the next map starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.database.database import Database


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


def read_stored_map(
    database: Database, *, full: bool, progress: Callable[[float], None] | None = None
) -> StoredMap:
    """Read the map, in a snapshot of the caller. With `full`, the vectors are always the full ones."""
    is_coarse = database.shows_coarse() and not full
    song_ids, vectors = database.vectors(dtype=np.float32, full=not is_coarse, progress=progress)
    clusters, cluster_names, representatives = database.clusters()
    projections = database.projections()
    return StoredMap(
        song_ids=song_ids,
        vectors=vectors,
        projections=projections,
        positions=database.positions_of(song_ids, projections),
        labels=np.array([clusters.get(song_id, -1) for song_id in song_ids], dtype=np.int64),
        cluster_names=cluster_names,
        representatives=representatives,
        cluster_count=database.cluster_count(),
        neighbourhood=database.neighbourhood(),
        revision=database.map_revision(),
        is_coarse=is_coarse,
    )
