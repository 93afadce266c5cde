"""Finds candidates for the nearest neighbours of each of many points, by scikit-learn's brute-force search.

`find_in_all` compares every point with all others. `find_in_near_cells` divides the points into cells by
k-means, and compares the points of a cell only with those of the cells nearest to it (an inverted file:
Jégou, Douze & Schmid, "Product quantization for nearest neighbor search", IEEE PAMI 33, 2011).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from explorer.mapping.clustering import one_thread

MAX_SONGS_NEARLY_EXACT = 200_000
"""For more songs, the neighbours are approximate: their share of the true ones is measured and shown."""

# Songs are divided into about this many times sqrt(n) cells, and each cell is compared with the cells nearest
# to it, which hold this share of all songs.
_CELLS_PER_ROOT, _SEARCHED_SHARE = 1.6, 0.35
_SAMPLED_SONGS_PER_CELL, _CELL_ITERATIONS = 40, 10
# If the songs form no groups, neighbours are in other cells too. So the search is tried with some songs, and
# must find this share of their neighbours; otherwise each song is compared with all others.
_TRIED_SONGS, _MIN_FOUND_SHARE = 500, 0.998
# Above `MAX_SONGS_NEARLY_EXACT`, the smallest of these shares is searched that finds this share of the
# neighbours; otherwise `_SEARCHED_SHARE`, whatever it finds: comparing all songs would take hours.
_SHARES_OF_MANY, _MIN_FOUND_OF_MANY = (0.02, 0.05, 0.1, 0.2), 0.99
CANDIDATES_PER_NEIGHBOUR = 5
_QUERIES_AT_ONCE, _PREDICTED_AT_ONCE, _CELLS_AT_ONCE = 4096, 65_536, 32


@dataclass(frozen=True)
class Points:
    """Points that are searched, and are the queries too.

    Attributes
    ----------
    rows : np.ndarray [shape=(m, d), float32 or float64]
    extra : np.ndarray [shape=(m, 1)], optional
        One more column of the searched points; it is 0 in the queries.
    """

    rows: np.ndarray
    extra: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def searched(self, part: slice | np.ndarray) -> np.ndarray:
        """Return some of the searched points."""
        return self.rows[part] if self.extra is None else np.hstack([self.rows[part], self.extra[part]])

    def queries(self, part: slice | np.ndarray) -> np.ndarray:
        """Return some of the queries."""
        rows = self.rows[part]
        return rows if self.extra is None else np.hstack([rows, np.zeros((len(rows), 1), dtype=rows.dtype)])


def find_in_all(points: Points, count: int) -> Iterator[tuple]:
    """Yield parts of the queries, as slices, and the nearest searched points of each [shape=(q, count)]."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points.searched(slice(None)))
    # Python handles Ctrl-C between the parts.
    for part in slices(len(points), _QUERIES_AT_ONCE):
        yield part, index.kneighbors(points.queries(part), return_distance=False)


def find_in_near_cells(points: Points, count: int) -> Iterator[tuple]:
    """Yield parts of the queries, as rows, and the nearest searched points of each in cells near it.

    If too many neighbours are in other cells, search all points, unless there are too many of these.
    """
    from sklearn.neighbors import NearestNeighbors

    cells = _Cells.of(points)
    share = _choose_share(cells, points, count)
    if share is None:
        yield from find_in_all(points, count)
        return

    def find(cell: int) -> tuple:
        near = np.flatnonzero(cells.near(cell, share, count)[cells.labels])
        part = np.flatnonzero(cells.labels == cell)
        index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points.searched(near))
        return part, near[index.kneighbors(points.queries(part), return_distance=False)]

    # A search among some cells is too short to share between threads, so each thread searches for one cell.
    # The limit of threads holds for the thread that sets it. The results of a few cells wait in memory.
    filled = np.flatnonzero(cells.sizes)
    with one_thread(), ThreadPoolExecutor(os.cpu_count(), initializer=one_thread) as threads:
        try:
            for some in slices(len(filled), _CELLS_AT_ONCE):
                yield from threads.map(find, filled[some])
        finally:
            threads.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Cells:
    """The division of points into cells by k-means.

    Attributes
    ----------
    labels : np.ndarray [shape=(m,), int32]
        The cell of each point.
    centres : np.ndarray [shape=(c, d)]
    sizes : np.ndarray [shape=(c,), int64]
    """

    labels: np.ndarray
    centres: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, points: Points) -> _Cells:
        """Divide points into cells."""
        from sklearn.cluster import KMeans

        n = len(points)
        count = int(_CELLS_PER_ROOT * np.sqrt(n))
        sample = np.random.default_rng(0).choice(n, min(n, count * _SAMPLED_SONGS_PER_CELL), replace=False)
        with one_thread():
            k_means = KMeans(count, n_init=1, max_iter=_CELL_ITERATIONS, random_state=0)
            k_means.fit(points.queries(np.sort(sample)))
            parts = [k_means.predict(points.queries(part)) for part in slices(n, _PREDICTED_AT_ONCE)]
        labels = np.concatenate(parts)
        return cls(labels, k_means.cluster_centers_, np.bincount(labels, minlength=count))

    def near(self, cell: int, share: float, count: int) -> np.ndarray:
        """Return which cells are searched for the points of a cell [shape=(c,), bool].

        They hold a share of all points, and at least `count`.
        """
        nearest = np.argsort(((self.centres - self.centres[cell]) ** 2).sum(axis=1), kind="stable")
        least = max(share * len(self.labels), count)
        enough = np.searchsorted(np.cumsum(self.sizes[nearest]), least) + 1
        is_near = np.zeros(len(self.sizes), dtype=bool)
        is_near[nearest[:enough]] = True
        return is_near


def _choose_share(cells: _Cells, points: Points, count: int) -> float | None:
    """Return the share of the points that are searched for each cell; None to search all."""
    from sklearn.neighbors import NearestNeighbors

    n = len(points)
    tried = np.sort(np.random.default_rng(0).choice(n, min(n, _TRIED_SONGS), replace=False))
    everywhere = NearestNeighbors(n_neighbors=count // CANDIDATES_PER_NEIGHBOUR + 1, algorithm="brute")
    everywhere.fit(points.searched(slice(None)))
    true = everywhere.kneighbors(points.queries(tried), return_distance=False)

    def found(share: float) -> float:
        near = [cells.near(cells.labels[row], share, count) for row in tried]
        return np.mean([is_near[cells.labels[rows]] for is_near, rows in zip(near, true, strict=True)])

    if n <= MAX_SONGS_NEARLY_EXACT:
        return _SEARCHED_SHARE if found(_SEARCHED_SHARE) >= _MIN_FOUND_SHARE else None
    return next((share for share in _SHARES_OF_MANY if found(share) >= _MIN_FOUND_OF_MANY), _SEARCHED_SHARE)


def slices(length: int, size: int) -> Iterator[slice]:
    """Divide a length into slices of a size; the last can be shorter."""
    return (slice(start, min(start + size, length)) for start in range(0, length, size))
