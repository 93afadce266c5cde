"""Updates the k-nearest-neighbour graph of a library after songs were added, removed or changed.

Only the rows that the change touches are computed. The result is the graph that `true_graph` finds in the
same directions.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from explorer.mapping.knn_graph import dissimilarities, lowest
from explorer.mapping.unit_rows import unit_rows

_CHUNK_ROWS, _QUERIES_AT_ONCE = 4096, 256
# The largest error of a similarity of rows that were centred in single precision.
_ROUGH_ERROR = 2e-5


def update_graph(
    indices: np.ndarray, costs: np.ndarray, kept_rows: np.ndarray, vectors: np.ndarray, mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Update a graph whose songs have changed.

    Parameters
    ----------
    indices, costs : np.ndarray [shape=(m, k), int32] and [shape=(m, k), float64]
        The result of `true_graph` for the library before the change.
    kept_rows : np.ndarray [shape=(n,), int]
        For each song of the library now, its row before; -1 for new songs and songs with another vector. The
        songs are in the same order as before, and at least k + 1.
    vectors : np.ndarray [shape=(n, d), float32]
        The vectors of the library now.
    mean : np.ndarray [shape=(d,), float64]
        The mean vector with which the graph was made. It stays in use, so that all costs can be compared.

    Returns
    -------
    indices : np.ndarray [shape=(n, k), int32]
    costs : np.ndarray [shape=(n, k), float64]
    touched : np.ndarray [shape=(n,), bool]
        The rows that differ from those before.
    """
    n, k = len(kept_rows), indices.shape[1]
    is_old = kept_rows >= 0
    row_now = np.full(len(indices), -1, dtype=np.int32)
    row_now[kept_rows[is_old]] = np.flatnonzero(is_old)
    new_indices, new_costs = np.full((n, k), -1, dtype=np.int32), np.full((n, k), np.inf)
    new_indices[is_old] = row_now[indices[kept_rows[is_old]]]
    new_costs[is_old] = costs[kept_rows[is_old]]
    # A row that lost a neighbour is computed anew, because the graph does not hold the next one.
    is_queried = (new_indices < 0).any(axis=1)
    queries = np.flatnonzero(is_queried)
    limits = np.where(is_queried, np.inf, -new_costs[:, -1])
    reaching = defaultdict(list)
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        block = queries[start : start + _QUERIES_AT_ONCE]
        for query, similarities in zip(block, _similarities(vectors, mean, block), strict=True):
            if not is_old[query]:
                for row in np.flatnonzero(similarities >= limits - _ROUGH_ERROR):
                    reaching[int(row)].append(query)
            similarities[query] = -np.inf
            kth_best = np.partition(similarities, n - k)[n - k]
            others = np.flatnonzero(similarities >= kth_best - _ROUGH_ERROR)
            new_indices[query], new_costs[query] = _nearest_of(query, others, k, vectors, mean)
    touched = is_queried.copy()
    for row, others in reaching.items():
        others = np.concatenate([new_indices[row], others])
        found, found_costs = _nearest_of(row, others, k, vectors, mean)
        touched[row] = not np.array_equal(found, new_indices[row])
        new_indices[row], new_costs[row] = found, found_costs
    return new_indices, new_costs, touched


def _similarities(vectors, mean, queries):
    """Compare queried rows with all rows, in single precision [shape=(q, n), float32]."""
    directions = unit_rows(vectors[queries], mean).astype(np.float32)
    rough = np.empty((len(queries), len(vectors)), dtype=np.float32)
    for start in range(0, len(vectors), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        centred = vectors[rows] - mean.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", centred, centred))
        rough[:, rows] = directions @ centred.T / np.maximum(lengths, np.finfo(np.float32).tiny)
    return rough


def _nearest_of(row, others, k, vectors, mean):
    """Return the k nearest of some other songs, and their costs, as `true_graph` computes them."""
    own = unit_rows(vectors[[row]], mean).astype(np.float32).astype(np.float64)
    directions = unit_rows(vectors[others], mean).astype(np.float32)
    costs = dissimilarities(np.repeat(own, len(others), axis=0), directions)
    found, found_costs = lowest(np.asarray(others)[None], costs[None], k)
    return found[0], found_costs[0]
