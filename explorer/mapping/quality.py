"""How far a map can be believed: what of the vectors' neighbourhoods survives in two dimensions.

Queries are sampled and compared with the whole library a few rows at a time, so that 100,000 songs
need some hundred megabytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.neighbours import as_matrix, centred_unit_rows

_CHUNK_VALUES = 4_000_000


def trustworthiness(
    vectors: np.ndarray, positions: np.ndarray, *, k: int = 15, sample: int = 2000, seed: int = 0
) -> float | None:
    """Measure whether songs that are close on the map are close by their vectors.

    T(k) = 1 - 2 / (m k (2n - 3k - 1)) * sum of (r(i, j) - k) over the m sampled songs i and those of
    their k nearest on the map, j, that are not among their k nearest by vector, where r(i, j) is j's
    rank by Euclidean distance from i. Venna & Kaski, "Neighborhood preservation in nonlinear projection
    methods", ICANN 2001; there m = n.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        Vectors, reduced or not.
    positions : np.ndarray [shape=(n, 2), float32]
        The map.
    k : int
        Neighbours to look at; fewer than half of the songs are.
    sample : int
        The most songs to ask.
    seed : int
        Chooses them.

    Returns
    -------
    float or None
        0 to 1, higher is better; None for fewer than 3 songs, where it is not defined.

    Raises
    ------
    MappingError
        If the shapes do not fit, a value is not finite, or `k` or `sample` is less than 1.
    """
    vectors, positions = _checked_pair(vectors, positions)
    n = len(vectors)
    k, queries = _scope(n, k, sample, seed)
    if queries is None:
        return None
    # Distances from matrix products lose their last digits; double precision has them to spare.
    vectors = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    excess = 0
    for chunk in _chunks(queries, n):
        near_on_map = _smallest(_squared_distances(positions, chunk), k)
        distances = _squared_distances(vectors, chunk)
        wanted = np.take_along_axis(distances, near_on_map, axis=1)
        distances.sort(axis=1)
        for row, values in zip(distances, wanted, strict=True):
            ranks = np.searchsorted(row, values) + 1
            excess += int(np.maximum(ranks - k, 0).sum())
    return 1.0 - 2.0 * excess / (len(queries) * k * (2 * n - 3 * k - 1))


def neighbour_preservation(
    vectors: np.ndarray, positions: np.ndarray, *, k: int = 10, sample: int = 2000, seed: int = 0
) -> float | None:
    """Measure the share of songs' true nearest that are their nearest on the map too.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        Vectors as embedded; the true nearest are by centred cosine.
    positions : np.ndarray [shape=(n, 2), float32]
        The map.
    k : int
        Neighbours to look at; fewer than half of the songs are.
    sample : int
        The most songs to ask.
    seed : int
        Chooses them.

    Returns
    -------
    float or None
        0 to 1; a random map gives about k / (n - 1). None for fewer than 3 songs.

    Raises
    ------
    MappingError
        If the shapes do not fit, a value is not finite, or `k` or `sample` is less than 1.
    """
    vectors, positions = _checked_pair(vectors, positions)
    n = len(vectors)
    k, queries = _scope(n, k, sample, seed)
    if queries is None:
        return None
    rows, _ = centred_unit_rows(vectors)
    kept = 0
    for chunk in _chunks(queries, n):
        true = _smallest(_dissimilarities(rows, chunk), k)
        shown = _smallest(_squared_distances(positions, chunk), k)
        kept += sum(len(np.intersect1d(a, b)) for a, b in zip(true, shown, strict=True))
    return kept / (len(queries) * k)


def neighbour_purity(
    vectors: np.ndarray,
    labels: Sequence[str | None],
    *,
    k: int = 10,
    sample: int = 2000,
    seed: int = 0,
) -> tuple[float | None, float | None]:
    """Measure how often the songs most like a song carry its label, and how often chance alone would.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        Vectors as embedded; neighbours are by centred cosine.
    labels : sequence of str or None [length=n]
        A genre, say. Songs without one, or alone with theirs, are left out on both sides.
    k : int
        Neighbours to look at; fewer than half of the songs are.
    sample : int
        The most songs to ask.
    seed : int
        Chooses them.

    Returns
    -------
    purity : float or None
        The share of the k nearest that carry the same label, 0 to 1.
    chance : float or None
        The share for neighbours drawn at random. Both are None for fewer than 3 songs with labels.

    Raises
    ------
    MappingError
        If there is not one label a song, a value is not finite, or `k` or `sample` is less than 1.
    """
    vectors = as_matrix(vectors, name="vectors")
    if len(labels) != len(vectors):
        raise MappingError(f"{len(labels)} labels were given for {len(vectors)} songs")
    kept, codes = _shared_labels(labels)
    n = len(kept)
    k, queries = _scope(n, k, sample, seed)
    if queries is None:
        return None, None
    rows = centred_unit_rows(vectors)[0][kept]
    same = 0
    for chunk in _chunks(queries, n):
        near = _smallest(_dissimilarities(rows, chunk), k)
        same += int((codes[near] == codes[chunk][:, None]).sum())
    sizes = np.bincount(codes)
    return same / (len(queries) * k), float((sizes * (sizes - 1)).sum() / (n * (n - 1)))


def _shared_labels(labels):
    numbers: dict[str, int] = {}
    codes = np.array([-1 if not x else numbers.setdefault(x, len(numbers)) for x in labels], dtype=np.int64)
    sizes = np.bincount(codes[codes >= 0], minlength=1)
    kept = np.flatnonzero((codes >= 0) & (sizes[np.maximum(codes, 0)] >= 2))
    return kept, codes[kept]


def _checked_pair(vectors, positions):
    vectors = as_matrix(vectors, name="vectors")
    positions = as_matrix(positions, name="positions")
    if len(vectors) != len(positions):
        raise MappingError(f"{len(positions)} positions were given for {len(vectors)} songs")
    return vectors, positions.astype(np.float64)


def _scope(n, k, sample, seed):
    if k < 1 or sample < 1:
        raise MappingError(f"k={k} and sample={sample} must be at least 1")
    if n < 3:
        return 0, None
    # From half of the songs on, trustworthiness is not normalised and most neighbours are kept by chance.
    k = min(k, (n - 1) // 2)
    queries = np.random.default_rng(seed).choice(n, min(n, sample), replace=False)
    return k, np.sort(queries)


def _chunks(queries, n):
    rows = max(1, _CHUNK_VALUES // n)
    for start in range(0, len(queries), rows):
        yield queries[start : start + rows]


def _squared_distances(points, queries):
    squares = np.einsum("ij,ij->i", points, points)
    distances = squares[queries][:, None] + squares - 2.0 * (points[queries] @ points.T)
    return _without_self(distances, queries)


def _dissimilarities(rows, queries):
    return _without_self(-(rows[queries] @ rows.T), queries)


def _without_self(distances, queries):
    distances[np.arange(len(queries)), queries] = np.inf
    return distances


def _smallest(distances, k):
    return np.argpartition(distances, k - 1, axis=1)[:, :k]
