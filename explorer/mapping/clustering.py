"""Divides songs into clusters that sound alike, by k-means on the reduced vectors.

The map's positions are not clustered: such clusters are often artefacts of the projection.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.unit_rows import as_matrix

# Reduced vectors are equal if they differ by less than this share of the largest value: a rounding error.
_ROUNDING = 1e-6
_SILHOUETTE_SAMPLE = 2000
_CHUNK_ROWS = 8192
# Up to this many songs, k-means runs ten times on all songs. Above, it first clusters a sample, then runs few
# iterations on all songs from the sample's centres. The sum of squares was within 1 % of the best of three
# full runs.
_MAX_SONGS_FOR_FULL_RUNS = 2000
_SAMPLED_SONGS_PER_CLUSTER = 40
_FULL_RUNS = 10
_SAMPLE_RUNS = 5
_ITERATIONS_AFTER_SAMPLE = 30
_CANDIDATE_COUNTS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32)
# A mean silhouette up to this means no substantial structure: Kaufman & Rousseeuw, "Finding Groups in Data"
# (1990).
_MAX_SILHOUETTE_WITHOUT_STRUCTURE = 0.25
_MAX_CLUSTERS_WITHOUT_STRUCTURE = 12
_MAX_GENRES = 50
_MIN_SONGS_PER_CLUSTER = 4


def distinct_rows(rows: np.ndarray, *, tolerance: float = _ROUNDING) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct rows of a matrix, for example of the reduced vectors.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32 or float64]
    tolerance : float
        Values are compared after rounding to multiples of this share of the largest absolute value. With 0
        they are compared exactly.

    Returns
    -------
    first : np.ndarray [shape=(m,), int64]
        The first row of each distinct vector, ascending.
    inverse : np.ndarray [shape=(n,), int64]
        For each row, the number (0 to m - 1) of the distinct vector that it equals.
    """
    n, width = rows.shape
    if not rows.size:
        return np.arange(min(n, 1)), np.zeros(n, dtype=np.int64)
    if tolerance:
        unit = float(max(rows.max(), -rows.min())) * tolerance or 1.0
        rounded = np.empty(rows.shape, dtype=np.int32)
        for start in range(0, n, _CHUNK_ROWS):
            chunk = rows[start : start + _CHUNK_ROWS].astype(np.float64) / unit
            rounded[start : start + _CHUNK_ROWS] = np.rint(chunk)
        rows = rounded
    _, first, inverse = np.unique(row_digests(rows), return_index=True, return_inverse=True)
    copies = np.flatnonzero(first[inverse.ravel()] != np.arange(n))
    if not np.array_equal(rows[copies], rows[first[inverse.ravel()[copies]]]):
        # Different rows have the same digest. Compare the rows as bytes, which takes ten times as long.
        rows = np.ascontiguousarray(rows + rows.dtype.type(0))
        keys = rows.view(np.dtype((np.void, rows.itemsize * width))).ravel()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.ravel()]


def row_digests(rows: np.ndarray) -> np.ndarray:
    """Return a number for each row [shape=(n,), uint64]: equal rows have the same, others hardly ever."""
    odd = np.random.default_rng(0).integers(0, 2**63, rows.shape[1], dtype=np.uint64) * 2 + 1
    digests = np.empty(len(rows), dtype=np.uint64)
    for start in range(0, len(rows), _CHUNK_ROWS):
        # Adding 0 turns -0.0 into 0.0.
        chunk = np.ascontiguousarray(rows[start : start + _CHUNK_ROWS] + rows.dtype.type(0))
        bits = chunk.view(f"u{rows.itemsize}").astype(np.uint64)
        # The product moves each bit upwards only, so the high bits of a value must move down first.
        digests[start : start + _CHUNK_ROWS] = np.einsum("ij,j->i", bits ^ (bits >> np.uint64(29)), odd)
    return digests


def default_cluster_count(reduced: np.ndarray, *, n_genres: int = 0, seed: int = 0) -> int:
    """Choose the number of clusters if the user gives none.

    With 2 to 50 genres, it is the number of genres, so that clusters and genres can be compared. Otherwise
    it is the count with the highest mean silhouette (Rousseeuw, 1987) on a sample of at most 2,000 songs.

    If no mean silhouette is above 0.25, the songs do not form separate groups, and the highest silhouette is
    usually that of two clusters. The number is then at least sqrt(n / 2) (Mardia et al., 1979) or 12,
    whichever is smaller.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        Reduced vectors.
    n_genres : int
        The number of genres in the library's tags.
    seed : int
        The seed of the sample and of k-means.

    Returns
    -------
    int
        At most the number of distinct vectors; 0 for no songs.

    Raises
    ------
    MappingError
        If a value is not finite, or `reduced` is not two-dimensional.
    """
    reduced = as_matrix(reduced, name="reduced")
    first, _ = distinct_rows(reduced)
    if 2 <= n_genres <= _MAX_GENRES:
        return min(n_genres, len(first))
    distinct = reduced[first]
    if len(distinct) > _SILHOUETTE_SAMPLE:
        chosen = np.random.default_rng(seed).choice(len(distinct), _SILHOUETTE_SAMPLE, replace=False)
        distinct = distinct[np.sort(chosen)]
    candidates = [k for k in _CANDIDATE_COUNTS if k * _MIN_SONGS_PER_CLUSTER <= len(distinct)]
    if not candidates:
        return min(len(distinct), 1)
    silhouettes = _silhouettes(distinct, candidates, seed)
    best = max(silhouettes, key=silhouettes.get)
    if silhouettes[best] > _MAX_SILHOUETTE_WITHOUT_STRUCTURE:
        return best
    return max(best, min(int(np.sqrt(len(first) / 2)), _MAX_CLUSTERS_WITHOUT_STRUCTURE))


def _silhouettes(sample, candidates, seed):
    from sklearn.metrics import pairwise_distances, silhouette_score

    with one_thread():
        distances = pairwise_distances(sample)
        np.fill_diagonal(distances, 0.0)
        return {
            k: silhouette_score(distances, _kmeans(sample, k, seed, n_init=3).labels_, metric="precomputed")
            for k in candidates
        }


def cluster(reduced: np.ndarray, k: int, *, seed: int = 0) -> np.ndarray:
    """Divide songs into k clusters by k-means (Lloyd, 1982; Arthur & Vassilvitskii, 2007).

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        Reduced vectors: the result of `projection.reduce`.
    k : int
        The number of clusters; fewer if there are fewer distinct vectors.
    seed : int
        0 to 2**32 - 1. The same seed gives the same clusters.

    Returns
    -------
    np.ndarray [shape=(n,), int32]
        Each song's cluster number. Cluster 0 is the largest; clusters of equal size are in the order of
        their first songs.

    Raises
    ------
    MappingError
        If `k` is less than 1 and there are songs, a value is not finite, or `reduced` is not
        two-dimensional.
    """
    reduced = as_matrix(reduced, name="reduced")
    if not len(reduced):
        return np.empty(0, dtype=np.int32)
    if k < 1:
        raise MappingError(f"k={k} clusters: k must be at least 1")
    first, inverse = distinct_rows(reduced)
    if k >= len(first):
        return _numbered_by_size(inverse)
    with one_thread():
        if len(reduced) <= _MAX_SONGS_FOR_FULL_RUNS:
            return _numbered_by_size(_kmeans(reduced, k, seed, n_init=_FULL_RUNS).labels_)
        # The sample has distinct songs only: k-means needs k different ones to start from.
        size = min(len(first), max(_MAX_SONGS_FOR_FULL_RUNS, _SAMPLED_SONGS_PER_CLUSTER * k))
        sample = np.random.default_rng(seed).choice(first, size, replace=False)
        centres = _kmeans(reduced[np.sort(sample)], k, seed, n_init=_SAMPLE_RUNS).cluster_centers_
        final = _kmeans(reduced, k, seed, init=centres, max_iter=_ITERATIONS_AFTER_SAMPLE)
        return _numbered_by_size(final.labels_)


def one_thread() -> AbstractContextManager:
    """Limit k-means to one thread, for results that are the same bit for bit.

    Several threads add up their sums in the order in which they finish, which changes the last bits. One
    thread was as fast at 100,000 songs.
    """
    # threadpool_limits affects only libraries that are already loaded.
    import sklearn.cluster  # noqa: F401
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _kmeans(reduced, k, seed, *, init="k-means++", n_init=1, **limits):
    from sklearn.cluster import KMeans

    return KMeans(k, init=init, n_init=n_init, random_state=seed, **limits).fit(reduced)


def _numbered_by_size(labels):
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), dtype=np.int32)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return rank[inverse.ravel()]


def match_labels(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Renumber new clusters so that as many songs as possible keep their cluster number.

    The number decides the colour, so most songs keep their colour. The Jaccard index is not used to match
    clusters: with it, a small unchanged cluster would get the number, and a large cluster that is mostly
    unchanged would lose it. Numbers of k and above do not exist any more, so songs that had one do not count.

    Parameters
    ----------
    before : np.ndarray [shape=(n,), int]
        Each song's old cluster number; negative if the song was in no cluster.
    after : np.ndarray [shape=(n,), int]
        Each song's new cluster, one of k, in any numbering without negative numbers.

    Returns
    -------
    np.ndarray [shape=(n,), int32]
        The clusters of `after`, renumbered 0 to k - 1 without a gap. Clusters that match no old cluster
        get the remaining numbers: the largest such cluster gets the lowest number.

    Raises
    ------
    MappingError
        If the two arrays have different shapes, or a number of `after` is negative.
    """
    from scipy.optimize import linear_sum_assignment

    before, after = np.asarray(before, dtype=np.int64), np.asarray(after, dtype=np.int64)
    if before.ndim != 1 or before.shape != after.shape:
        raise MappingError(f"before has shape {before.shape} and after {after.shape}; they must be the same")
    if after.size and after.min() < 0:
        raise MappingError(f"after holds {after.min()}; clusters are numbered from 0")
    _, members, sizes = np.unique(after, return_inverse=True, return_counts=True)
    k = len(sizes)
    is_counted = (before >= 0) & (before < k)
    overlap = np.bincount(members[is_counted] * k + before[is_counted], minlength=k * k).reshape(k, k)
    rows, numbers = linear_sum_assignment(overlap, maximize=True)
    matched = overlap[rows, numbers] > 0
    new_numbers = np.full(k, -1, dtype=np.int32)
    new_numbers[rows[matched]] = numbers[matched]
    unmatched = np.flatnonzero(new_numbers < 0)
    # The stable sort keeps clusters of equal size in the order of their numbers.
    by_size = unmatched[np.argsort(-sizes[unmatched], kind="stable")]
    new_numbers[by_size] = np.setdiff1d(np.arange(k), new_numbers)
    return new_numbers[members]


def representatives(reduced: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Find each cluster's representative: the song nearest to the cluster's centre.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        Reduced vectors.
    labels : np.ndarray [shape=(n,), int]
        Each song's cluster number, 0 to k - 1; every cluster has a song.

    Returns
    -------
    np.ndarray [shape=(k,), int64]
        One row for each cluster; the first of equally near songs.

    Raises
    ------
    MappingError
        If there is not one label for each song, a label is negative, or a cluster has no song.
    """
    reduced = as_matrix(reduced, name="reduced")
    labels = np.asarray(labels, dtype=np.int64)
    if labels.shape != (len(reduced),):
        raise MappingError(f"labels has shape {labels.shape}; {len(reduced)} songs need ({len(reduced)},)")
    if labels.size and labels.min() < 0:
        raise MappingError(f"labels hold {labels.min()}; clusters are numbered from 0")
    sizes = np.bincount(labels)
    if not sizes.all():
        raise MappingError(f"no song is in cluster {int(np.argmin(sizes))} of {len(sizes)}")
    centres = np.zeros((len(sizes), reduced.shape[1]))
    np.add.at(centres, labels, reduced)
    centres /= sizes[:, None]
    distances = np.linalg.norm(reduced - centres[labels], axis=1)
    # Sorted by cluster, then by distance: the first row of each cluster is its representative.
    order = np.lexsort((distances, labels))
    return order[np.cumsum(sizes) - sizes]
