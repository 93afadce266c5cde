"""Keeps a map stable: places new songs among the old ones, and rotates a new layout to match the old one."""

from __future__ import annotations

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import cKDTree

from explorer.errors import MappingError
from explorer.mapping.unit_rows import as_matrix

# The bandwidth of the mean shift at a position is the distance to the 30th nearest old song.
_BANDWIDTH_SONGS = 30
# Rounds of mean shift over all new songs, and steps of each mean shift.
_ROUNDS, _SHIFTS = 4, 5
# The parameters a and b of UMAP's curve at min_dist 0.1.
_CURVE_A, _CURVE_B = 1.577, 0.895
# The forces are scaled by the distances between neighbours on the map. Fewer songs give no reliable scale.
_MIN_SONGS_FOR_FORCES = 60
_EPOCHS, _LEARNING_RATE, _MAX_FORCE = 100, 0.5, 4.0
# In each epoch this many random songs push each new song.
_PUSHING_SONGS, _REPULSION = 20, 1.0
# The scale of a map is the median distance from a song to its 15th nearest.
_SCALE_NEIGHBOURS = 15
# The median is that of about this many songs.
_SCALE_SAMPLE = 10_000
_JITTER = 0.05
# The scale of a map on which all songs have the same position. Maps have a radius of 1.
_DEFAULT_SCALE = 0.3
_CHUNK_ROWS = 8192


def aligned(positions: np.ndarray, before: np.ndarray, *, scale: bool = False) -> np.ndarray:
    """Rotate or mirror a new layout so that it matches an old one as closely as possible.

    Orthogonal Procrustes (Schönemann, "A generalized solution of the orthogonal Procrustes problem",
    Psychometrika 31, 1966). Every orientation is equally good, but users remember the old one.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2)]
        The new layout.
    before : np.ndarray [shape=(n, 2)]
        The old layout; rows of NaN for songs that are not on it.
    scale : bool
        Also shift and scale the new layout, so that the songs on both have the same centre and spread.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        The transformed layout. It is unchanged if fewer than two songs are on both layouts.

    Raises
    ------
    MappingError
        If one of the arrays does not have the shape (n, 2).
    """
    positions, before = _checked_pair(positions, before)
    both = ~np.isnan(before[:, 0])
    if both.sum() < 2:
        return positions.astype(np.float32)
    new, old = positions[both], before[both]
    new_centre, old_centre = new.mean(axis=0), old.mean(axis=0)
    rotation, _ = orthogonal_procrustes(new - new_centre, old - old_centre)
    rotated = (positions - new_centre) @ rotation
    if not scale:
        return (rotated + new_centre @ rotation).astype(np.float32)
    new_spread = np.sqrt(((new - new_centre) ** 2).sum())
    factor = np.sqrt(((old - old_centre) ** 2).sum()) / new_spread if new_spread > 0 else 1.0
    return (rotated * (factor or 1.0) + old_centre).astype(np.float32)


def place_linearly(reduced: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Place new songs on a PCA map with the projection that made the map.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        The reduced directions of the whole library: old and new songs.
    before : np.ndarray [shape=(n, 2)]
        The map; rows of NaN for new songs.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        The positions of all songs; old songs keep exactly their positions.

    Raises
    ------
    MappingError
        If `before` does not have the shape (n, 2), or all songs are new.
    """
    before, old, new = _checked_map(reduced, before)
    design = np.hstack([reduced.astype(np.float64), np.ones((len(reduced), 1))])
    # The new songs changed the library's mean, and with it all reduced vectors, a little. So the axes of the
    # existing map are found by least squares.
    # The normal equations are small: a hundred times faster than decomposing the whole design.
    axes, *_ = np.linalg.lstsq(design[old].T @ design[old], design[old].T @ before[old], rcond=None)
    placed = before.copy()
    placed[new] = design[new] @ axes
    return _with_new(before, placed, new)


def place_among_neighbours(
    reduced: np.ndarray, neighbours: np.ndarray, before: np.ndarray, *, seed: int = 0
) -> np.ndarray:
    """Place new songs on a map where most of their neighbours are; old songs do not move.

    The neighbours of a song can be far apart on the map; their mean position is then near none of them. So a
    new song goes to the position where its neighbours are densest. Mean shift (Comaniciu & Meer, "Mean
    shift", IEEE PAMI 24, 2002) finds it. New songs can be neighbours of each other, so it is
    repeated with their new positions.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        The reduced directions of the whole library. A new song without an old neighbour starts at the old
        song that is nearest by these.
    neighbours : np.ndarray [shape=(n, k), int]
        The neighbours of each song, the nearest first: the result of `knn_graph.true_neighbours`.
    before : np.ndarray [shape=(n, 2)]
        The map; rows of NaN for new songs.
    seed : int
        The seed of the jitter and of the choice of songs that push.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        The positions of all songs; old songs keep exactly their positions.

    Raises
    ------
    MappingError
        If `before` does not have the shape (n, 2), or all songs are new.
    """
    before, old, new = _checked_map(reduced, before)
    if not len(new) or not neighbours.shape[1]:
        return before.astype(np.float32)
    bandwidth = _Bandwidth(before[old])
    placed = before.copy()
    placed[new] = _nearest_old_positions(reduced, neighbours, before, old, new)
    for _ in range(_ROUNDS):
        placed[new] = _densest_positions(placed, neighbours[new], bandwidth)
    if len(old) >= _MIN_SONGS_FOR_FORCES:
        placed[new] = _moved_by_forces(placed, neighbours, old, new, seed)
    else:
        jitter = _JITTER * _map_scale(placed[old])
        placed[new] += np.random.default_rng(seed).normal(scale=jitter, size=(len(new), 2))
    return _with_new(before, placed, new)


def densest_places(positions: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Return for each of m sounds the position where its neighbours are densest, by the same mean shift.

    The sounds are single moments, which need not be beside each other: no forces move them.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2)]
        The map.
    neighbours : np.ndarray [shape=(m, k), int]
        The songs that each sound is most like; at least one.

    Returns
    -------
    np.ndarray [shape=(m, 2), float32]
    """
    positions = as_matrix(positions, name="positions").astype(np.float64)
    return _densest_positions(positions, neighbours, _Bandwidth(positions)).astype(np.float32)


class _Bandwidth:
    """The bandwidth of the mean shift: the radius around a position with `_BANDWIDTH_SONGS` old songs."""

    def __init__(self, old_positions: np.ndarray) -> None:
        self._tree = cKDTree(old_positions)
        self._count = min(_BANDWIDTH_SONGS, len(old_positions))
        spread = np.sqrt(((old_positions - old_positions.mean(axis=0)) ** 2).sum(axis=1).mean())
        self._minimum = 1e-3 * spread or 1e-3

    def at(self, positions: np.ndarray) -> np.ndarray:
        """Return the bandwidth at each position [shape of positions without the last axis]."""
        distances, _ = self._tree.query(positions.reshape(-1, 2), [self._count], workers=-1)
        return np.maximum(distances[:, 0], self._minimum).reshape(positions.shape[:-1])


def _densest_positions(placed, neighbours, bandwidth):
    """Return for each of m songs the position where its neighbours are densest [shape=(m, 2)]."""
    densest = np.empty((len(neighbours), 2))
    for start in range(0, len(neighbours), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        densest[rows] = _mean_shift(placed[neighbours[rows]], bandwidth)
    return densest


def _mean_shift(positions, bandwidth):
    """Run a mean shift for each row of positions [shape=(m, k, 2)], starting at the densest position."""
    widths = bandwidth.at(positions)
    squared_distances = ((positions[:, :, None] - positions[:, None]) ** 2).sum(axis=3)
    density = _kernel(squared_distances, widths[:, :, None]).sum(axis=2)
    rows = np.arange(len(positions))
    best = density.argmax(axis=1)
    centre, width = positions[rows, best], widths[rows, best]
    for _ in range(_SHIFTS):
        weights = _kernel(((centre[:, None] - positions) ** 2).sum(axis=2), width[:, None])
        centre = (weights[:, :, None] * positions).sum(axis=1) / weights.sum(axis=1, keepdims=True)
    return centre


def _kernel(squared_distances, width):
    return (1.0 + squared_distances / width**2) ** -2.0


def _moved_by_forces(placed, neighbours, old, new, seed):
    """Move new songs by forces so that they do not overlap: neighbours pull, random songs push.

    The forces are UMAP's (McInnes, Healy & Melville, arXiv:1802.03426). The map is scaled so that an old
    song's neighbourhood is about as wide as UMAP would make it. Old songs do not move.
    """
    rng = np.random.default_rng(seed)
    scale = _map_scale(placed[old])
    scaled = placed / scale
    scaled[new] += rng.normal(scale=_JITTER, size=(len(new), 2))
    for epoch in range(_EPOCHS):
        positions = scaled[new]
        force = _pull(positions[:, None] - scaled[neighbours[new]])
        others = rng.integers(0, len(placed), (len(new), _PUSHING_SONGS))
        push = _push(positions[:, None] - scaled[others])
        force += _REPULSION * (push * (others != new[:, None])[:, :, None]).sum(axis=1)
        step = _LEARNING_RATE * (1 - epoch / _EPOCHS) * force / neighbours.shape[1]
        scaled[new] = positions + np.clip(step, -1.0, 1.0)
    return scaled[new] * scale


def _pull(differences):
    """Return the sum of UMAP's attractive forces on each song [shape=(m, 2)]."""
    squared = np.maximum((differences**2).sum(axis=2), 1e-12)
    strength = -2 * _CURVE_A * _CURVE_B * squared ** (_CURVE_B - 1) / (1 + _CURVE_A * squared**_CURVE_B)
    return np.clip(strength[:, :, None] * differences, -_MAX_FORCE, _MAX_FORCE).sum(axis=1)


def _push(differences):
    """Return UMAP's repulsive force of each random song on each new song [shape=(m, p, 2)]."""
    squared = (differences**2).sum(axis=2)
    strength = 2 * _CURVE_B / ((1e-3 + squared) * (1 + _CURVE_A * squared**_CURVE_B))
    return np.clip(strength[:, :, None] * differences, -_MAX_FORCE, _MAX_FORCE)


def _map_scale(positions):
    """Return the median distance from a song to its `_SCALE_NEIGHBOURS`-th nearest on a map."""
    if len(positions) > 1:
        count = min(_SCALE_NEIGHBOURS + 1, len(positions))
        queried = positions[:: -(-len(positions) // _SCALE_SAMPLE)]
        distances, _ = cKDTree(positions).query(queried, [count], workers=-1)
        scale = float(np.median(distances))
        if scale > 0:
            return scale
    return _DEFAULT_SCALE


def _nearest_old_positions(reduced, neighbours, before, old, new):
    """Return the position of each new song's nearest old neighbour, or else of the nearest old song."""
    from sklearn.metrics import pairwise_distances_argmin

    is_old = np.isin(neighbours[new], old)
    nearest = neighbours[new, is_old.argmax(axis=1)]
    without_old = ~is_old.any(axis=1)
    if without_old.any():
        nearest[without_old] = old[pairwise_distances_argmin(reduced[new[without_old]], reduced[old])]
    return before[nearest]


def _with_new(before, placed, new):
    """Return the old map [float32] with the positions of the new songs filled in."""
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


def _checked_map(rows, before):
    """Return the map as float64, the rows of old songs and the rows of new songs."""
    before = np.asarray(before, dtype=np.float64)
    if before.shape != (len(rows), 2):
        raise MappingError(f"before has shape {before.shape}; {len(rows)} songs need ({len(rows)}, 2)")
    is_new = np.isnan(before).any(axis=1)
    if len(rows) and is_new.all():
        raise MappingError("no song has a position yet: lay out the whole library instead")
    return before, np.flatnonzero(~is_new), np.flatnonzero(is_new)
