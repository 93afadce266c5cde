"""Finds the position on a map of one song that is not in the library."""

from __future__ import annotations

import numpy as np

from explorer.mapping.placement import place_among_neighbours, place_linearly
from explorer.mapping.similarity import Search

NEIGHBOURS = 10

# In a library of fewer songs, most songs are neighbours of each other. The forces of `place_among_neighbours`
# are made for many new songs; there, they would push a single new song off the map.
_MIN_SONGS_FOR_FORCES = 60
# The axes of a PCA map are found from about this many songs; more songs give the same axes.
_SONGS_FOR_AXES = 5_000
# From this similarity on, two songs are the same sound: a copy, or another file format.
_MIN_SIMILARITY_OF_COPIES = 0.9999
# A song is shown this far beside another one, not on top of it. Maps have a radius of 1.
_BESIDE = np.array([0.02, 0.0])


def place_song(
    search: Search, reduced: np.ndarray, maps: dict[str, np.ndarray], vector: np.ndarray
) -> dict[str, np.ndarray]:
    """Find the position of one new song on each of a library's maps.

    Parameters
    ----------
    search : Search
        The search for similar songs among the library's n songs.
    reduced : np.ndarray [shape=(n, d), float32]
        The rows of the library, reduced as `projection.reduce` does.
    maps : dict of str to np.ndarray [shape=(n, 2)]
        The positions of the library's songs, by the projection's name.
    vector : np.ndarray [shape=(512,)]
        The new song's vector, as embedded.

    Returns
    -------
    dict of str to np.ndarray [shape=(2,), float32]
        The new song's position, by the projection's name. Empty if the library has no songs.

    Raises
    ------
    MappingError
        If the vector has another length than the library's, or a value is not finite.
    """
    if not len(search):
        return {}
    nearest, similarities = search.nearest_to(vector, NEIGHBOURS)
    copies = nearest[similarities > _MIN_SIMILARITY_OF_COPIES]
    all_reduced = np.vstack([reduced, _reduced_direction(search, reduced, search.direction(vector))])
    neighbours = np.zeros((len(all_reduced), len(nearest)), dtype=np.int64)
    neighbours[-1] = nearest
    new_positions = {}
    for name, positions in maps.items():
        before = np.vstack([positions, np.full((1, 2), np.nan, dtype=np.float32)])
        if name == "pca":
            sample = np.r_[0 : len(search) : max(1, len(search) // _SONGS_FOR_AXES), len(search)]
            position = place_linearly(all_reduced[sample], before[sample])[-1]
        elif len(copies):
            position = _beside_the_medoid(positions[copies])
        elif len(search) < _MIN_SONGS_FOR_FORCES:
            position = _beside_the_medoid(positions[nearest[: max(1, len(search) // 6)]])
        else:
            position = place_among_neighbours(all_reduced, neighbours, before)[-1]
        new_positions[name] = position.astype(np.float32)
    return new_positions


def _beside_the_medoid(positions: np.ndarray) -> np.ndarray:
    """Return a position beside the medoid of `positions` [shape=(k, 2)].

    The medoid is the position with the smallest sum of distances to all others.
    """
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    return positions[distances.sum(axis=1).argmin()] + _BESIDE


def _reduced_direction(search: Search, reduced: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Apply the library's PCA to one more direction [shape=(1, d), float32]."""
    mean, components = search.components_of(reduced)
    return ((direction - mean) @ components)[None].astype(np.float32)
