"""The Voronoi regions of a map: k-means on its positions, and the cell of each centre.

The experiment that this project grew out of drew its map this way. Two dimensions hold less of the music than
the vectors, which `clustering` divides; but each region is one piece of the plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.mapping.clustering import cluster
from explorer.mapping.similarity import as_matrix

# The frame reaches this far beyond the outermost positions, as a share of their bounding box's larger side.
PADDING = 0.06
# Edges shorter than this share of that side are rounding.
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Regions:
    """A Voronoi diagram of the songs' centres.

    Attributes
    ----------
    centres : np.ndarray [shape=(k, 2), float64]
        The mean position of each region's songs.
    labels : np.ndarray [shape=(n,), int32]
        Each song's region: that of the nearest centre. All regions have songs.
    polygons : list of np.ndarray [shape=(m, 2), float64]
        Each region's corners, anticlockwise. The regions are convex and fill the frame together.
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
    # Centre and scale to a larger side of 1, so that very small and very large maps are divided alike.
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
    """Return the clusters' centres and each song's nearest: k-means may have stopped before it converged."""
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
    """Return every centre's cell within the frame from -corner to corner, and which cells share an edge."""
    from scipy.spatial import Voronoi

    # A centre mirrored at a side of the frame makes that side the border between the two.
    mirrored = [
        np.where(axis, side - middles, middles) for axis in np.eye(2) for side in (-2 * corner, 2 * corner)
    ]
    diagram = Voronoi(np.vstack([middles, *mirrored]))
    polygons = [
        _in_order(diagram.vertices[diagram.regions[region]], middle)
        for region, middle in zip(diagram.point_region, middles, strict=False)
    ]
    starts, ends = diagram.vertices[np.array(diagram.ridge_vertices).T]
    shared = (diagram.ridge_points < len(middles)).all(axis=1) & (np.hypot(*(ends - starts).T) > _NOTHING)
    return polygons, np.unique(np.sort(diagram.ridge_points[shared], axis=1), axis=0).astype(np.int64)


def _in_order(corners: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Sort a convex polygon's corners anticlockwise, without those that differ from the next by rounding."""
    x, y = (corners - middle).T
    corners = corners[np.argsort(np.arctan2(y, x))]
    return corners[np.hypot(*(np.roll(corners, -1, axis=0) - corners).T) > _NOTHING]
