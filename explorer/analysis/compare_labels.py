"""Where the names of points go on a picture, so that they hide neither points nor each other."""

from __future__ import annotations

import numpy as np

_ANGLES = np.arange(16) * np.pi / 8
_REACHES = np.array([5.5, 9.5, 15.0, 22.0, 30.0, 40.0, 52.0, 66.0, 84.0, 108.0, 136.0])
# What is paid in, beside each typographic point between a label and its point: labels on labels, marks
# under labels, lines across labels, and lines across lines.
_OVERLAP, _HIDDEN, _STRUCK, _CROSSED = 600.0, 22.0, 90.0, 60.0
_AIR, _MARK_RADIUS = 1.2, 4.0
_ROUNDS = 4


def place_labels(
    points: np.ndarray, sizes: np.ndarray, *, width: float, height: float, obstacles: np.ndarray | None = None
) -> np.ndarray:
    """Find a place for each point's label: the most crowded chooses first, then all reconsider in turn.

    Parameters
    ----------
    points : np.ndarray [shape=(n, 2)]
        Where the points are, in typographic points from the lower left corner.
    sizes : np.ndarray [shape=(n, 2)]
        The labels' widths and heights.
    width, height : float
        Of the picture: no label reaches beyond it.
    obstacles : np.ndarray [shape=(m, 2)], optional
        Other points that had better stay visible.

    Returns
    -------
    np.ndarray [shape=(n, 2), float64]
        The labels' middles.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    # A point of ours that is hidden is worse than one of the background.
    marks = [(points, 3.0)] + ([(obstacles, 1.0)] if obstacles is not None else [])
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    order = np.argsort(-np.exp(-np.square(gaps / 40.0)).sum(axis=1), kind="stable")
    candidates = [_candidates(*pair, np.array([width, height])) for pair in zip(points, sizes, strict=True)]
    own_costs = [
        _distances(point, places, size)
        + _HIDDEN * sum(weight * _covered(places, size, m) for m, weight in marks)
        for point, places, size in zip(points, candidates, sizes, strict=True)
    ]
    middles = np.full(points.shape, np.nan)
    for _ in range(_ROUNDS):
        before = middles.copy()
        for number in order:
            others = np.isfinite(middles[:, 0])
            others[number] = False
            costs = own_costs[number] + _conflicts(
                points[number],
                candidates[number],
                sizes[number],
                (points[others], middles[others], sizes[others]),
            )
            middles[number] = candidates[number][costs.argmin()]
        if np.array_equal(before, middles):
            break
    return middles


def _candidates(point, size, whole):
    """Return where a label's middle may be: around its point, nearer and farther, inside the picture."""
    directions = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
    # The label touches its point with a side or a corner; between them it slides along the side.
    beside = np.clip(directions * 1.5, -1.0, 1.0) * size / 2
    places = (point + beside + directions * _REACHES[:, None, None]).reshape(-1, 2)
    low, high = size / 2 + _AIR, whole - size / 2 - _AIR
    return np.clip(places, np.minimum(low, high), np.maximum(low, high))


def _distances(point, places, size):
    edges = np.clip(point, places - size / 2, places + size / 2)
    return np.linalg.norm(edges - point, axis=1)


def _covered(places, size, marks):
    apart = np.abs(places[:, None] - marks[None])
    return (apart < size / 2 + _MARK_RADIUS).all(axis=2).sum(axis=1)


def _conflicts(point, places, size, others):
    """Return what each candidate costs because of the labels that are there, and their lines."""
    starts, middles, sizes = others
    if not len(middles):
        return 0.0
    apart = np.abs(places[:, None] - middles[None])
    overlaps = (apart < (size + sizes) / 2 + _AIR).all(axis=2).sum(axis=1)
    mine = places[:, None]
    struck = _hits(point, mine, middles, sizes) + 1.0 * _hits(starts, middles, mine, size)
    crossed = _crossings(point, places, starts, middles)
    return _OVERLAP * overlaps + _STRUCK * struck.sum(axis=1) + _CROSSED * crossed


def _hits(starts, ends, middles, sizes):
    """Tell which lines run through which boxes; all [shape=(…, 2)], and what they broadcast to."""
    along = ends - starts
    along = np.where(np.abs(along) > 1e-9, along, 1e-9)
    # Where along the line, from 0 to 1, it enters and leaves the box's extent in either direction.
    one, other = (middles - sizes / 2 - starts) / along, (middles + sizes / 2 - starts) / along
    entered, left = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
    return np.maximum(entered, 0.0) < np.minimum(left, 1.0)


def _crossings(point, places, starts, ends):
    """Count how many of the lines from points to labels each candidate's own line would cross."""
    mine = places[:, None]

    def side(a, b, c):
        along, across = b - a, c - a
        return along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0]

    crosses = (side(point, mine, starts) * side(point, mine, ends) < 0) & (
        side(starts, ends, point) * side(starts, ends, mine) < 0
    )
    return crosses.sum(axis=1)
