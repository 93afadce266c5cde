"""Where a song lies that is not in the library: where the map would place it if it were."""

from __future__ import annotations

import numpy as np

from explorer.mapping.placement import place_among_neighbours, place_linearly
from explorer.mapping.similarity import Neighbours

NEIGHBOURS = 10

# Of fewer songs, most are everybody's neighbours: the forces that settle many newcomers side by side would
# drive a single one off the map.
_LEAST_SONGS = 60
_ENOUGH_SONGS = 5_000
# The same sound, but for rounding: a copy, or the song itself in another format.
_SAME = 0.9999
# Beside a song, not on it; maps have a radius of 1.
_BESIDE = np.array([0.02, 0.0])


def place_song(
    space: Neighbours, reduced: np.ndarray, maps: dict[str, np.ndarray], vector: np.ndarray
) -> dict[str, np.ndarray]:
    """Place one song on each of a library's maps.

    Parameters
    ----------
    space : Neighbours
        The library's songs, n of them.
    reduced : np.ndarray [shape=(n, d), float32]
        What `projection.reduce` makes of `space.rows`.
    maps : dict of str to np.ndarray [shape=(n, 2)]
        The songs' places, by the projection's name.
    vector : np.ndarray [shape=(512,)]
        The song's, as embedded.

    Returns
    -------
    dict of str to np.ndarray [shape=(2,), float32]
        Nothing where the library has no songs.

    Raises
    ------
    MappingError
        If the vector's length or values do not fit.
    """
    if not len(space):
        return {}
    numbers, similarities = space.nearest_to(vector, NEIGHBOURS)
    same = numbers[similarities > _SAME]
    few = numbers[: max(1, len(space) // 6)]
    everybody = np.vstack([reduced, _reduced_like(space, reduced, space.direction(vector))])
    neighbours = np.zeros((len(everybody), len(numbers)), dtype=np.int64)
    neighbours[-1] = numbers
    places = {}
    for name, positions in maps.items():
        before = np.vstack([positions, np.full((1, 2), np.nan, dtype=np.float32)])
        if name == "pca":
            # The map's axes are the same whichever songs they are found by.
            some = np.r_[0 : len(space) : max(1, len(space) // _ENOUGH_SONGS), len(space)]
            place = place_linearly(everybody[some], before[some])[-1]
        elif len(same) or len(space) < _LEAST_SONGS:
            place = _beside_the_middlemost(positions[same if len(same) else few])
        else:
            place = place_among_neighbours(everybody, neighbours, before)[-1]
        places[name] = place.astype(np.float32)
    return places


def _beside_the_middlemost(places: np.ndarray) -> np.ndarray:
    """Return a place beside the one of some [shape=(k, 2)] that is the nearest to all others together."""
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
    return places[gaps.sum(axis=1).argmin()] + _BESIDE


def _reduced_like(space: Neighbours, reduced: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Apply to one more row what PCA did to the others [shape=(1, d), float32]."""
    # Components are orthogonal over the songs, so each is the rows' sum weighted by its own values.
    weights = np.square(reduced, dtype=np.float64).sum(axis=0)
    components = (space.rows.T @ reduced).astype(np.float64)
    components = np.divide(components, weights, out=np.zeros_like(components), where=weights > 0)
    mean = space.rows.mean(axis=0, dtype=np.float64)
    return ((direction - mean) @ components)[None].astype(np.float32)
