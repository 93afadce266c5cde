"""A map that stays: new songs find their places among the old ones, and a new layout keeps its bearings."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from explorer.errors import MappingError
from explorer.mapping.neighbours import as_matrix

# A song belongs where most of its neighbours are; how far around a place counts as "there" is the
# distance to so many of the songs that lie about it.
_CROWD = 30
_ROUNDS = 4
_SHIFTS = 5
# Of UMAP's curve at min_dist 0.1, and of the descent.
_CURVE_A, _CURVE_B = 1.577, 0.895
# Among fewer songs there is no crowd whose width could say how strong the forces are.
_LEAST_TO_SETTLE = 60
_EPOCHS, _LEARNING_RATE, _MOST_FORCE = 100, 0.5, 4.0
_STRANGERS, _REPULSION = 20, 1.0
_NEIGHBOURHOOD = 15
_JITTER = 0.05
# Maps have a radius of 1; one on which all songs lie in one place has no scale of its own.
_LONE_WIDTH = 0.3
_CHUNK_ROWS = 8192
_STRANGERS_AT_ONCE = 512


def aligned(positions: np.ndarray, before: np.ndarray, *, scale: bool = False) -> np.ndarray:
    """Turn a new layout, and mirror it if need be, so that it comes nearest to an older one.

    Orthogonal Procrustes (Schönemann, "A generalized solution of the orthogonal Procrustes problem",
    Psychometrika 31, 1966). Layouts are equally good in every orientation, listeners' memory is not.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2)]
        The new layout.
    before : np.ndarray [shape=(n, 2)]
        The older one; rows of NaN for songs that it did not have.
    scale : bool
        Also shift and size the new layout so that the songs of both have the same centre and spread.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        The new layout as it is, where fewer than two songs are in both.

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
    left, _, right = np.linalg.svd((now - centre).T @ (then - target))
    turned = (positions - centre) @ (left @ right)
    if not scale:
        return (turned + centre @ (left @ right)).astype(np.float32)
    spread = np.sqrt(((now - centre) ** 2).sum())
    factor = np.sqrt(((then - target) ** 2).sum()) / spread if spread > 0 else 1.0
    return (turned * (factor or 1.0) + target).astype(np.float32)


def place_linearly(reduced: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Place new songs on a PCA map: where the projection that made it would have put them.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        What `projection.map_space` gives for the whole library, old songs and new.
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
    # The library's mean has moved a little with the new songs; least squares finds the map's axes again.
    axes, *_ = np.linalg.lstsq(design[old], before[old], rcond=None)
    placed = before.copy()
    placed[new] = design[new] @ axes
    return _kept(before, placed, new)


def place_among_neighbours(
    reduced: np.ndarray, neighbours: np.ndarray, before: np.ndarray, *, seed: int = 0
) -> np.ndarray:
    """Place new songs on a map where most of the songs lie that sound like them; nobody else moves.

    Neighbours may be torn apart on a map, and the middle between them is then near none: each song goes to
    the place around which its neighbours are thickest, found by mean shift (Comaniciu & Meer, "Mean shift",
    IEEE PAMI 24, 2002) from each of them. New songs are neighbours of new songs too, so this is repeated.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        What `projection.map_space` gives for the whole library: where songs that have new neighbours only
        find the old song that is nearest.
    neighbours : np.ndarray [shape=(n, k), int]
        The songs most like each song, old or new, the nearest first: `graph.true_neighbours`.
    before : np.ndarray [shape=(n, 2)]
        The map; rows of NaN for songs that are new.
    seed : int
        Of the little that is left to chance.

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
    """How far one must go from a place to meet a crowd of the map's old songs."""

    def __init__(self, places: np.ndarray) -> None:
        self._tree = cKDTree(places)
        self._count = min(_CROWD, len(places))
        spread = np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=1).mean())
        self._least = 1e-3 * spread or 1e-3

    def at(self, places: np.ndarray) -> np.ndarray:
        distances, _ = self._tree.query(places.reshape(-1, 2), [self._count], workers=-1)
        return np.maximum(distances[:, 0], self._least).reshape(places.shape[:-1])


def _thickest(placed, neighbours, reach):
    """Return the place of each song [shape=(m, 2)]: the best of the modes found from its neighbours."""
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
    """Let new songs be drawn to their neighbours and pushed off by others, until they lie side by side.

    The forces are UMAP's (McInnes, Healy & Melville, arXiv:1802.03426), at a scale where an old song's
    neighbourhood is about as wide as UMAP would make it; old songs stay where they are.
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
    """Return how far it is from a song to its `count`-th nearest on a map, in the median."""
    if len(places) > 1:
        distances, _ = cKDTree(places).query(places, [min(count + 1, len(places))], workers=-1)
        width = float(np.median(distances))
        if width > 0:
            return width
    return _LONE_WIDTH


def _beside_an_old_song(reduced, neighbours, before, old, new):
    """Return the place of the old song nearest each new one; an old one among its neighbours if there is."""
    known = np.isin(neighbours[new], old)
    nearest = neighbours[new, known.argmax(axis=1)] if neighbours.shape[1] else np.zeros(len(new), dtype=int)
    strangers = np.flatnonzero(~known.any(axis=1))
    rows = reduced.astype(np.float32)
    lengths = np.einsum("ij,ij->i", rows[old], rows[old])
    for start in range(0, len(strangers), _STRANGERS_AT_ONCE):
        some = strangers[start : start + _STRANGERS_AT_ONCE]
        nearest[some] = old[(lengths - 2.0 * rows[new[some]] @ rows[old].T).argmin(axis=1)]
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
