"""Divides a map into Voronoi regions: k-means on the positions, and the Voronoi cell of each centre.

The original experiment drew its map this way. The two coordinates contain less information about the music
than the vectors from which `clustering` makes clusters, but each region is one connected area of the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.mapping.clustering import cluster
from explorer.mapping.unit_rows import as_matrix

# The distance from the outermost positions to the frame, as a share of the larger side of their bounding box.
PADDING = 0.06
# An edge below this share of the larger side is a rounding error.
_MIN_EDGE = 1e-9


@dataclass(frozen=True, eq=False)
class Regions:
    """The Voronoi diagram of the centres of the regions.

    Attributes
    ----------
    centres : np.ndarray [shape=(k, 2), float64]
        The mean position of each region's songs.
    labels : np.ndarray [shape=(n,), int32]
        Each song's region: the one with the nearest centre. Every region has a song.
    polygons : list of np.ndarray [shape=(m, 2), float64]
        Each region's corners, anticlockwise. The regions are convex, and together they fill the frame.
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
        The number of regions; fewer if there are fewer distinct positions.
    seed : int
        The seed of k-means. The same seed gives the same regions.

    Returns
    -------
    Regions
        The region with the most songs first.

    Raises
    ------
    MappingError
        If `count` is less than 1 and there are songs, or a position is not finite.
    """
    positions = as_matrix(positions, name="positions").reshape(-1, 2).astype(np.float64)
    if not len(positions):
        empty = np.empty((0, 2))
        return Regions(empty, np.empty(0, dtype=np.int32), [], empty.astype(np.int64))
    # Positions are centred and scaled to a larger side of 1, so that the map's size does not matter.
    low, high = positions.min(axis=0), positions.max(axis=0)
    middle = (low + high) / 2
    side = float((high - low).max()) or 1.0
    scaled = (positions - middle) / side
    centres, labels = _nearest_centres(scaled, cluster(scaled, count, seed=seed))
    corner = (high - low) / 2 / side + (PADDING if (high > low).any() else 0.5)
    polygons, borders = _cells(centres, corner)
    return Regions(
        centres * side + middle, labels, [polygon * side + middle for polygon in polygons], borders
    )


def _nearest_centres(positions: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the clusters' centres and the nearest centre of each song; centres without songs are removed.

    The nearest centre can differ from the song's label, because k-means can stop before it converges.
    """
    from scipy.spatial import cKDTree

    sums = np.column_stack([np.bincount(labels, weights=axis) for axis in positions.T])
    centres = sums / np.bincount(labels)[:, None]
    while True:
        nearest = cKDTree(centres).query(positions)[1]
        sizes = np.bincount(nearest, minlength=len(centres))
        if sizes.all():
            order = np.argsort(-sizes, kind="stable")
            rank = np.empty(len(order), dtype=np.int32)
            rank[order] = np.arange(len(order))
            return centres[order], rank[nearest]
        centres = centres[sizes > 0]


def _cells(centres: np.ndarray, corner: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return each centre's cell in the frame from -corner to corner, and the pairs of adjacent cells."""
    from scipy.spatial import Voronoi

    # Each centre is mirrored at each side of the frame. The side is then the border between the cells of the
    # centre and of its mirror image.
    mirrored = [
        np.where(axis, side - centres, centres) for axis in np.eye(2) for side in (-2 * corner, 2 * corner)
    ]
    diagram = Voronoi(np.vstack([centres, *mirrored]))
    polygons = [
        _sorted_corners(diagram.vertices[diagram.regions[region]], centre)
        for region, centre in zip(diagram.point_region, centres, strict=False)
    ]
    starts, ends = diagram.vertices[np.array(diagram.ridge_vertices).T]
    is_border = (diagram.ridge_points < len(centres)).all(axis=1) & (np.hypot(*(ends - starts).T) > _MIN_EDGE)
    return polygons, np.unique(np.sort(diagram.ridge_points[is_border], axis=1), axis=0).astype(np.int64)


def _sorted_corners(corners: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Sort a convex polygon's corners anticlockwise; of corners that differ only by rounding, keep one."""
    x, y = (corners - centre).T
    corners = corners[np.argsort(np.arctan2(y, x))]
    return corners[np.hypot(*(np.roll(corners, -1, axis=0) - corners).T) > _MIN_EDGE]
