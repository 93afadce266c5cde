"""Groups of songs that sound alike: k-means on the reduced vectors, not on the map's positions.

Clusters of a map's positions are often artefacts of the projection.
"""

from __future__ import annotations

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.similarity import as_matrix

# Reduced vectors that differ by less than this share of the largest value differ by rounding only.
_SAME = 1e-6
_SILHOUETTE_SAMPLE = 2000
# Up to this many songs k-means runs on all, from ten starts. Above, it starts from a sample's clusters and
# makes few rounds over all songs: the sum of squares came within 1 % of the best of three full runs.
_FEW_SONGS = 2000
_SAMPLED_SONGS_A_CLUSTER = 40
_RUNS = 10
_RUNS_ON_A_SAMPLE = 5
_ROUNDS_AFTER_A_SAMPLE = 30
_CANDIDATES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32)
# Kaufman & Rousseeuw, "Finding Groups in Data" (1990): silhouettes up to this show no substantial structure.
_NO_STRUCTURE = 0.25
_MOST_WITHOUT_STRUCTURE = 12
_MOST_GENRES = 50
_LEAST_SONGS_A_CLUSTER = 4


def distinct_rows(rows: np.ndarray, *, tolerance: float = _SAME) -> tuple[np.ndarray, np.ndarray]:
    """Find which vectors are the same.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32 or float64]
        Reduced vectors, say.
    tolerance : float
        Values are rounded to multiples of this share of the largest; 0 compares them exactly.

    Returns
    -------
    first : np.ndarray [shape=(m,), int64]
        The row at which each distinct vector first appears, ascending.
    inverse : np.ndarray [shape=(n,), int64]
        Which of the m each row equals.
    """
    n, width = rows.shape
    if not rows.size:
        return np.arange(min(n, 1)), np.zeros(n, dtype=np.int64)
    if tolerance:
        unit = float(np.abs(rows).max()) * tolerance or 1.0
        rows = np.rint(rows.astype(np.float64) / unit).astype(np.int32)
    # Comparing rows as bytes is many times faster than np.unique(axis=0). Adding 0 turns -0.0 into 0.0.
    rows = np.ascontiguousarray(rows + rows.dtype.type(0))
    keys = rows.view(np.dtype((np.void, rows.itemsize * width))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.ravel()]


def default_cluster_count(reduced: np.ndarray, *, n_genres: int = 0, seed: int = 0) -> int:
    """Choose how many clusters a library gets where nobody says.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        Reduced vectors.
    n_genres : int
        How many genres the library names. From 2 to 50, that many clusters let genres and clusters be
        compared.
    seed : int
        Chooses the sample of at most 2,000 songs whose mean silhouette decides otherwise (Rousseeuw,
        1987). Where even the best is below 0.25 the songs have no gaps between them, and the map gets at
        least sqrt(n / 2) regions (Mardia et al., 1979), up to 12, rather than the two halves that the
        silhouette then prefers.

    Returns
    -------
    int
        At most the number of distinct vectors, and 0 for no songs.

    Raises
    ------
    MappingError
        If a value is not finite, or `reduced` is not two-dimensional.
    """
    reduced = as_matrix(reduced, name="reduced")
    first, _ = distinct_rows(reduced)
    if 2 <= n_genres <= _MOST_GENRES:
        return min(n_genres, len(first))
    distinct = reduced[first]
    if len(distinct) > _SILHOUETTE_SAMPLE:
        chosen = np.random.default_rng(seed).choice(len(distinct), _SILHOUETTE_SAMPLE, replace=False)
        distinct = distinct[np.sort(chosen)]
    candidates = [k for k in _CANDIDATES if k * _LEAST_SONGS_A_CLUSTER <= len(distinct)]
    if not candidates:
        return min(len(distinct), 1)
    silhouettes = _silhouettes(distinct, candidates, seed)
    best = max(silhouettes, key=silhouettes.get)
    if silhouettes[best] > _NO_STRUCTURE:
        return best
    return max(best, min(int(np.sqrt(len(first) / 2)), _MOST_WITHOUT_STRUCTURE))


def _silhouettes(sample, candidates, seed):
    from sklearn.metrics import pairwise_distances, silhouette_score

    with _one_thread():
        distances = pairwise_distances(sample)
        np.fill_diagonal(distances, 0.0)
        return {
            k: silhouette_score(distances, _kmeans(sample, k, seed, n_init=3).labels_, metric="precomputed")
            for k in candidates
        }


def cluster(reduced: np.ndarray, k: int, *, seed: int = 0) -> np.ndarray:
    """Divide songs into k groups that sound alike, by k-means (Lloyd, 1982; Arthur & Vassilvitskii, 2007).

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        Reduced vectors, as `projection.reduce` gives them.
    k : int
        How many; fewer where there are fewer distinct vectors.
    seed : int
        0 to 2**32 - 1. The same seed gives the same clusters.

    Returns
    -------
    np.ndarray [shape=(n,), int32]
        Cluster numbers from 0, the largest cluster first; of equal ones, that with the earliest song.

    Raises
    ------
    MappingError
        If there are songs and `k` is less than 1, a value is not finite, or `reduced` is not
        two-dimensional.
    """
    reduced = as_matrix(reduced, name="reduced")
    if not len(reduced):
        return np.empty(0, dtype=np.int32)
    if k < 1:
        raise MappingError(f"k={k} must be at least 1 cluster")
    first, inverse = distinct_rows(reduced)
    if k >= len(first):
        return _by_size(inverse)
    with _one_thread():
        if len(reduced) <= _FEW_SONGS:
            return _by_size(_kmeans(reduced, k, seed, n_init=_RUNS).labels_)
        # Of distinct songs, so that there are k to begin with.
        size = min(len(first), max(_FEW_SONGS, _SAMPLED_SONGS_A_CLUSTER * k))
        chosen = np.random.default_rng(seed).choice(first, size, replace=False)
        begin = _kmeans(reduced[np.sort(chosen)], k, seed, n_init=_RUNS_ON_A_SAMPLE).cluster_centers_
        return _by_size(_kmeans(reduced, k, seed, init=begin, max_iter=_ROUNDS_AFTER_A_SAMPLE).labels_)


def _one_thread():
    # Threads add their sums in the order in which they finish, and the last bits follow; one thread was
    # as fast at 100,000 songs. Only libraries that are loaded can be limited.
    import sklearn.cluster  # noqa: F401
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _kmeans(reduced, k, seed, *, init="k-means++", n_init=1, **limits):
    from sklearn.cluster import KMeans

    return KMeans(k, init=init, n_init=n_init, random_state=seed, **limits).fit(reduced)


def _by_size(labels):
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), dtype=np.int32)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return rank[inverse.ravel()]


def match_labels(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Renumber clusters so that as many songs as possible keep the number, and thereby the colour, they had.

    What is maximised is the overlap as such: it counts those songs. A share of the union (Jaccard) would
    let a small cluster that is wholly its old self outvote a large one that is mostly so. An old number
    that there are no longer enough clusters for cannot be kept, so that songs of it have no vote.

    Parameters
    ----------
    before : np.ndarray [shape=(n,), int]
        Each song's cluster until now; negative where it was in none.
    after : np.ndarray [shape=(n,), int]
        Each song's cluster from now on, in k clusters, numbered from 0 however it came.

    Returns
    -------
    np.ndarray [shape=(n,), int32]
        The clusters of `after` by the numbers 0 to k - 1, each in use. Those that have no song of an old
        cluster take what numbers are left, the lowest first; of them the largest cluster comes first.

    Raises
    ------
    MappingError
        If the two do not speak of the same songs, or a song is in no cluster of `after`.
    """
    from scipy.optimize import linear_sum_assignment

    before, after = np.asarray(before, dtype=np.int64), np.asarray(after, dtype=np.int64)
    if before.ndim != 1 or before.shape != after.shape:
        raise MappingError(f"before has shape {before.shape} and after {after.shape}; they must be the same")
    if after.size and after.min() < 0:
        raise MappingError(f"after holds {after.min()}; clusters are numbered from 0")
    _, members, sizes = np.unique(after, return_inverse=True, return_counts=True)
    k = len(sizes)
    kept = (before >= 0) & (before < k)
    overlap = np.bincount(members[kept] * k + before[kept], minlength=k * k).reshape(k, k)
    rows, numbers = linear_sum_assignment(overlap, maximize=True)
    matched = overlap[rows, numbers] > 0
    number_of = np.full(k, -1, dtype=np.int32)
    number_of[rows[matched]] = numbers[matched]
    alone = np.flatnonzero(number_of < 0)
    # A stable order: of equally large clusters, that with the lower number first.
    number_of[alone[np.argsort(-sizes[alone], kind="stable")]] = np.setdiff1d(np.arange(k), number_of)
    return number_of[members]


def representatives(reduced: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Find the song nearest each cluster's centre: the one that sounds most like all of them.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
        Reduced vectors.
    labels : np.ndarray [shape=(n,), int]
        Cluster numbers 0 to k - 1, each of them in use.

    Returns
    -------
    np.ndarray [shape=(k,), int64]
        A row for each cluster; of equally near songs, the first.

    Raises
    ------
    MappingError
        If the labels do not number the songs' clusters from 0 without a gap.
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
    order = np.lexsort((distances, labels))
    return order[np.cumsum(sizes) - sizes]
