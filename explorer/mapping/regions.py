"""The plane divided into regions: k-means on a map's own positions, and the cells of its centres.

This is how the experiment drew its map that this project grew out of. Two dimensions hold less of the music
than the vectors do, which `clustering` divides; but every region is one piece of the plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.mapping.clustering import cluster
from explorer.mapping.neighbours import as_matrix

# Beyond the outermost positions, as a share of the larger side of what holds them all.
PADDING = 0.06
# Shares of that side: shorter edges are rounding, and so are narrower gaps between centres.
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Regions:
    """A Voronoi diagram of the songs' centres.

    Attributes
    ----------
    centres : np.ndarray [shape=(k, 2), float64]
        Where the songs of each region have their middle.
    labels : np.ndarray [shape=(n,), int32]
        Each song's region: that of the nearest centre. All regions have songs.
    polygons : list of np.ndarray [shape=(m, 2), float64]
        Each region's corners, anticlockwise: convex, and within the padded bounds of the positions, which
        they fill.
    borders : np.ndarray [shape=(b, 2), int64]
        The pairs of regions that share an edge, the lower number first.
    """

    centres: np.ndarray
    labels: np.ndarray
    polygons: list[np.ndarray]
    borders: np.ndarray


def voronoi_regions(positions: np.ndarray, *, count: int, seed: int = 0) -> Regions:
    """Divide a map into regions.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    count : int
        How many; fewer where there are fewer distinct positions.
    seed : int
        Where k-means begins. The same seed gives the same regions.

    Returns
    -------
    Regions
        The largest first.

    Raises
    ------
    MappingError
        If there are songs and `count` is less than 1, or a position is not finite.
    """
    places = as_matrix(positions, name="positions").reshape(-1, 2).astype(np.float64)
    if not len(places):
        empty = np.empty((0, 2))
        return Regions(empty, np.empty(0, dtype=np.int32), [], empty.astype(np.int64))
    # Around the middle and in units of the larger side, so that no scale is too small or too large.
    low, high = places.min(axis=0), places.max(axis=0)
    side = float((high - low).max()) or 1.0
    within = (places - (low + high) / 2) / side
    middles, labels = _settled(within, cluster(within, count, seed=seed))
    corner = (high - low) / 2 / side + (PADDING if (high > low).any() else 0.5)
    polygons, borders = _cells(middles, corner)
    middle = (low + high) / 2
    return Regions(
        middles * side + middle, labels, [polygon * side + middle for polygon in polygons], borders
    )


def _settled(places: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the clusters' centres, and for each song the nearest: k-means may have stopped before."""
    from scipy.spatial import cKDTree

    sums = np.column_stack([np.bincount(labels, weights=axis) for axis in places.T])
    middles = sums / np.bincount(labels)[:, None]
    while True:
        nearest = cKDTree(middles).query(places)[1]
        sizes = np.bincount(nearest, minlength=len(middles))
        if sizes.all():
            order = np.argsort(-sizes, kind="stable")
            rank = np.empty(len(order), dtype=np.int32)
            rank[order] = np.arange(len(order))
            return middles[order], rank[nearest]
        middles = middles[sizes > 0]


def _cells(middles: np.ndarray, corner: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Cut every cell out of the box from -corner to corner, by the lines halfway to the other centres.

    A diagram for all centres at once would need three of them that are not in line.
    """
    x, y = corner
    box = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
    polygons, borders = [], set()
    for number, middle in enumerate(middles):
        polygon, beyond = box, np.full(4, -1)
        distances = np.hypot(*(middles - middle).T)
        for other in np.argsort(distances, kind="stable"):
            # No corner is nearer to a centre that is twice as far as the farthest corner.
            if distances[other] > 2 * np.hypot(*(polygon - middle).T).max():
                break
            if distances[other] > _NOTHING:
                polygon, beyond = _cut(polygon, beyond, middle, middles[other], int(other))
        polygons.append(polygon)
        borders.update((min(number, b), max(number, b)) for b in beyond.tolist() if b >= 0)
    return polygons, np.array(sorted(borders), dtype=np.int64).reshape(-1, 2)


def _cut(
    polygon: np.ndarray, beyond: np.ndarray, middle: np.ndarray, other: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the part of a convex polygon that is nearer to one centre than to another.

    Parameters
    ----------
    polygon : np.ndarray [shape=(m, 2)]
    beyond : np.ndarray [shape=(m,), int]
        Whose region lies beyond the edge from each corner to the next; -1 for none.

    Returns
    -------
    polygon, beyond
        As they were given.
    """
    towards = (other - middle) / np.hypot(*(other - middle))
    heights = (polygon - (middle + other) / 2) @ towards
    if (heights <= _NOTHING).all():
        return polygon, beyond
    corners, edges = [], []
    for i, height in enumerate(heights):
        following = (i + 1) % len(polygon)
        next_height = heights[following]
        if height <= 0:
            corners.append(polygon[i])
            edges.append(beyond[i])
        if (height <= 0) != (next_height <= 0):
            share = height / (height - next_height)
            corners.append(polygon[i] + share * (polygon[following] - polygon[i]))
            # Leaving the half-plane, the next edge runs along its border.
            edges.append(number if height <= 0 else beyond[i])
    return _without_stubs(np.array(corners), np.array(edges))


def _without_stubs(polygon: np.ndarray, beyond: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.hypot(*(np.roll(polygon, -1, axis=0) - polygon).T)
    return polygon[lengths > _NOTHING], beyond[lengths > _NOTHING]
