"""Keep a map stable: place new songs among the old ones, and turn a new layout like the old one."""

from __future__ import annotations

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import cKDTree

from explorer.errors import MappingError
from explorer.mapping.similarity import as_matrix

# A song is placed where most of its neighbours are. The radius of a place is the distance to this many of the
# songs around it.
_CROWD = 30
_ROUNDS = 4
_SHIFTS = 5
# Of UMAP's curve at min_dist 0.1, and of the descent.
_CURVE_A, _CURVE_B = 1.577, 0.895
# The forces are scaled by the distances between neighbours on the map; fewer songs give no reliable scale.
_LEAST_TO_SETTLE = 60
_EPOCHS, _LEARNING_RATE, _MOST_FORCE = 100, 0.5, 4.0
_STRANGERS, _REPULSION = 20, 1.0
_NEIGHBOURHOOD = 15
_JITTER = 0.05
# Maps have a radius of 1. This is the scale of one on which all songs lie in one place.
_LONE_WIDTH = 0.3
_CHUNK_ROWS = 8192


def aligned(positions: np.ndarray, before: np.ndarray, *, scale: bool = False) -> np.ndarray:
    """Turn or mirror a new layout so that it comes nearest to an older one.

    Orthogonal Procrustes (Schönemann, "A generalized solution of the orthogonal Procrustes problem",
    Psychometrika 31, 1966). Every orientation is equally good, but listeners remember the old one.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2)]
        The new layout.
    before : np.ndarray [shape=(n, 2)]
        The older layout; rows of NaN for songs that it did not have.
    scale : bool
        Also shift and size the new layout so that the songs of both have the same centre and spread.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        The new layout unchanged where fewer than two songs are in both.

    Raises
    ------
    MappingError
        If the shapes do not fit.
    """
    positions, before = _checked_pair(positions, before)
    both = ~np.isnan(before[:, 0])
    if both.sum() < 2:
        return positions.astype(np.float32)
    now, then = positions[both], before[both]
    centre, target = now.mean(axis=0), then.mean(axis=0)
    turn, _ = orthogonal_procrustes(now - centre, then - target)
    turned = (positions - centre) @ turn
    if not scale:
        return (turned + centre @ turn).astype(np.float32)
    spread = np.sqrt(((now - centre) ** 2).sum())
    factor = np.sqrt(((then - target) ** 2).sum()) / spread if spread > 0 else 1.0
    return (turned * (factor or 1.0) + target).astype(np.float32)


def place_linearly(reduced: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Place new songs on a PCA map, where its projection would have put them.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        The reduced directions of the whole library, old songs and new.
    before : np.ndarray [shape=(n, 2)]
        The map; rows of NaN for songs that are new.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        Old songs have exactly the places they had.

    Raises
    ------
    MappingError
        If the shapes do not fit, or no song is old.
    """
    before, old, new = _checked_places(reduced, before)
    design = np.hstack([reduced.astype(np.float64), np.ones((len(reduced), 1))])
    # New songs have moved the library's mean a little; least squares finds the map's axes again.
    axes, *_ = np.linalg.lstsq(design[old], before[old], rcond=None)
    placed = before.copy()
    placed[new] = design[new] @ axes
    return _kept(before, placed, new)


def place_among_neighbours(
    reduced: np.ndarray, neighbours: np.ndarray, before: np.ndarray, *, seed: int = 0
) -> np.ndarray:
    """Place new songs on a map where most of their neighbours lie; old songs do not move.

    Neighbours may lie far apart on a map, and their mean position then near none of them. A song therefore
    goes to the place where its neighbours are densest, found by mean shift (Comaniciu & Meer, "Mean shift",
    IEEE PAMI 24, 2002) from each of them. New songs can be neighbours of new songs, so this is repeated.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        The reduced directions of the whole library: songs whose neighbours are all new find the nearest old
        song by them.
    neighbours : np.ndarray [shape=(n, k), int]
        The songs most like each song, the nearest first, as `graph.true_neighbours` gives them.
    before : np.ndarray [shape=(n, 2)]
        The map; rows of NaN for songs that are new.
    seed : int
        Of the random parts: jitter, and the songs that push.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        Old songs have exactly the places they had.

    Raises
    ------
    MappingError
        If the shapes do not fit, or no song is old.
    """
    before, old, new = _checked_places(reduced, before)
    if not len(new) or not neighbours.shape[1]:
        return before.astype(np.float32)
    reach = _Reach(before[old])
    placed = before.copy()
    placed[new] = _beside_an_old_song(reduced, neighbours, before, old, new)
    for _ in range(_ROUNDS):
        placed[new] = _thickest(placed, neighbours[new], reach)
    if len(old) >= _LEAST_TO_SETTLE:
        placed[new] = _settled(placed, neighbours, old, new, seed)
    else:
        beside = _JITTER * _crowd_width(placed[old], _NEIGHBOURHOOD)
        placed[new] += np.random.default_rng(seed).normal(scale=beside, size=(len(new), 2))
    return _kept(before, placed, new)


class _Reach:
    """The radius around a place that holds `_CROWD` old songs of the map."""

    def __init__(self, places: np.ndarray) -> None:
        self._tree = cKDTree(places)
        self._count = min(_CROWD, len(places))
        spread = np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=1).mean())
        self._least = 1e-3 * spread or 1e-3

    def at(self, places: np.ndarray) -> np.ndarray:
        distances, _ = self._tree.query(places.reshape(-1, 2), [self._count], workers=-1)
        return np.maximum(distances[:, 0], self._least).reshape(places.shape[:-1])


def _thickest(placed, neighbours, reach):
    """Return the place of each song [shape=(m, 2)]: where its neighbours are densest."""
    found = np.empty((len(neighbours), 2))
    for start in range(0, len(neighbours), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        found[rows] = _mode(placed[neighbours[rows]], reach)
    return found


def _mode(places, reach):
    widths = reach.at(places)
    gaps = ((places[:, :, None] - places[:, None]) ** 2).sum(axis=3)
    density = _near(gaps, widths[:, :, None]).sum(axis=2)
    rows = np.arange(len(places))
    best = density.argmax(axis=1)
    place, width = places[rows, best], widths[rows, best]
    for _ in range(_SHIFTS):
        pull = _near(((place[:, None] - places) ** 2).sum(axis=2), width[:, None])
        place = (pull[:, :, None] * places).sum(axis=1) / pull.sum(axis=1, keepdims=True)
    return place


def _near(squared_distances, width):
    return (1.0 + squared_distances / width**2) ** -2.0


def _settled(placed, neighbours, old, new, seed):
    """Move new songs: their neighbours pull, random others push, so that they end up side by side.

    The forces are UMAP's (McInnes, Healy & Melville, arXiv:1802.03426), at a scale at which an old song's
    neighbourhood is about as wide as UMAP would make it. Old songs stay where they are.
    """
    rng = np.random.default_rng(seed)
    scale = _crowd_width(placed[old], _NEIGHBOURHOOD)
    everybody = placed / scale
    everybody[new] += rng.normal(scale=_JITTER, size=(len(new), 2))
    for epoch in range(_EPOCHS):
        places = everybody[new]
        force = _pull(places[:, None] - everybody[neighbours[new]])
        others = rng.integers(0, len(placed), (len(new), _STRANGERS))
        push = _push(places[:, None] - everybody[others])
        force += _REPULSION * (push * (others != new[:, None])[:, :, None]).sum(axis=1)
        step = _LEARNING_RATE * (1 - epoch / _EPOCHS) * force / neighbours.shape[1]
        everybody[new] = places + np.clip(step, -1.0, 1.0)
    return everybody[new] * scale


def _pull(gaps):
    squared = np.maximum((gaps**2).sum(axis=2), 1e-12)
    strength = -2 * _CURVE_A * _CURVE_B * squared ** (_CURVE_B - 1) / (1 + _CURVE_A * squared**_CURVE_B)
    return np.clip(strength[:, :, None] * gaps, -_MOST_FORCE, _MOST_FORCE).sum(axis=1)


def _push(gaps):
    squared = (gaps**2).sum(axis=2)
    strength = 2 * _CURVE_B / ((1e-3 + squared) * (1 + _CURVE_A * squared**_CURVE_B))
    return np.clip(strength[:, :, None] * gaps, -_MOST_FORCE, _MOST_FORCE)


def _crowd_width(places, count):
    """Return the median distance from a song to its `count`-th nearest on a map."""
    if len(places) > 1:
        distances, _ = cKDTree(places).query(places, [min(count + 1, len(places))], workers=-1)
        width = float(np.median(distances))
        if width > 0:
            return width
    return _LONE_WIDTH


def _beside_an_old_song(reduced, neighbours, before, old, new):
    """Return the place of each new song's nearest old neighbour; without one, of the nearest old song."""
    from sklearn.metrics import pairwise_distances_argmin

    known = np.isin(neighbours[new], old)
    nearest = neighbours[new, known.argmax(axis=1)]
    strangers = ~known.any(axis=1)
    if strangers.any():
        nearest[strangers] = old[pairwise_distances_argmin(reduced[new[strangers]], reduced[old])]
    return before[nearest]


def _kept(before, placed, new):
    result = before.astype(np.float32)
    result[new] = placed[new]
    return result


def _checked_pair(positions, before):
    positions = as_matrix(positions, name="positions").astype(np.float64)
    before = np.asarray(before, dtype=np.float64)
    if positions.shape != before.shape or positions.shape[1:] != (2,):
        raise MappingError(
            f"positions have shape {positions.shape} and before {before.shape}; both need (n, 2)"
        )
    return positions, before


def _checked_places(rows, before):
    before = np.asarray(before, dtype=np.float64)
    if before.shape != (len(rows), 2):
        raise MappingError(f"before has shape {before.shape}; {len(rows)} songs need ({len(rows)}, 2)")
    is_new = np.isnan(before).any(axis=1)
    if len(rows) and is_new.all():
        raise MappingError("no song has a place yet: lay the whole library out instead")
    return before, np.flatnonzero(~is_new), np.flatnonzero(is_new)
