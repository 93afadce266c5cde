"""How far a map can be believed: what of the vectors' neighbourhoods survives in two dimensions.

Queries are sampled and compared with the whole library a few rows at a time, so that 100,000 songs
need some hundred megabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.judge import Judge, below_half, chunks, sampled
from explorer.mapping.neighbours import as_matrix, centred_unit_rows


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
        The most songs to ask; at most 1,000 where there are more than 20,000.
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
    return _judged(_in_double(vectors), positions, sample, seed, k=k)["trustworthiness"]


def continuity(
    vectors: np.ndarray, positions: np.ndarray, *, k: int = 15, sample: int = 2000, seed: int = 0
) -> float | None:
    """Measure whether songs that are close by their vectors are close on the map.

    C(k) = 1 - 2 / (m k (2n - 3k - 1)) * sum of (r(i, j) - k) over the m sampled songs i and those of
    their k nearest by vector, j, that are not among their k nearest on the map, where r(i, j) is j's
    rank by distance from i on the map. Venna & Kaski, "Local multidimensional scaling", Neural Networks
    19 (2006); there m = n. Trustworthiness finds strangers that were put near, continuity neighbours that
    were torn apart.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        Vectors, reduced or not; near is by Euclidean distance.
    positions : np.ndarray [shape=(n, 2), float32]
        The map.
    k : int
        Neighbours to look at; fewer than half of the songs are.
    sample : int
        The most songs to ask; at most 1,000 where there are more than 20,000.
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
    return _judged(_in_double(vectors), positions, sample, seed, k=k)["continuity"]


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
        The most songs to ask; at most 1,000 where there are more than 20,000.
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
    rows, _ = centred_unit_rows(as_matrix(vectors, name="vectors"))
    return _judged(rows, positions, sample, seed, kept_of=k)["neighbours_kept"]


def _in_double(vectors):
    # Distances from matrix products lose their last digits; double precision has them to spare.
    vectors = as_matrix(vectors, name="vectors").astype(np.float64)
    return vectors - vectors.mean(axis=0) if len(vectors) else vectors


def _judged(rows, positions, sample, seed, **neighbours):
    return Judge(rows, sample=sample, seed=seed).measures({"map": positions}, **neighbours)["map"]


def neighbour_purity(
    vectors: np.ndarray | None,
    labels: Sequence[str | None],
    *,
    k: int = 10,
    sample: int = 2000,
    seed: int = 0,
    indices: np.ndarray | None = None,
) -> tuple[float | None, float | None]:
    """Measure how often the songs most like a song carry its label, and how often chance alone would.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64] or None
        Vectors as embedded; neighbours are by centred cosine. Not needed with `indices`.
    labels : sequence of str or None [length=n]
        A genre, say. Songs without one, or alone with theirs, are left out on both sides.
    k : int
        Neighbours to look at; fewer than half of the songs with labels are.
    sample : int
        The most songs to ask; at most 1,000 where there are more than 20,000.
    seed : int
        Chooses them.
    indices : np.ndarray [shape=(n, k or more), int32], optional
        Every song's nearest in the whole library, as `true_neighbours` gives them. All songs with labels
        are then asked, without sampling; neighbours that are left out are not replaced by the next, so
        that some songs are asked for fewer than k.

    Returns
    -------
    purity : float or None
        The share of the neighbours looked at that carry the same label, 0 to 1.
    chance : float or None
        The share for neighbours drawn at random. Both are None for fewer than 3 songs with labels, or
        where none has a neighbour with one.

    Raises
    ------
    MappingError
        If there is not one label a song, a value is not finite, an index is not a song's, or `k` or
        `sample` is less than 1.
    """
    if k < 1:
        raise MappingError(f"k={k} must be at least 1")
    given = as_matrix(vectors, name="vectors") if indices is None else _checked_indices(indices, len(labels))
    if len(labels) != len(given):
        raise MappingError(f"{len(labels)} labels were given for {len(given)} songs")
    kept, codes = _shared_labels(labels)
    n = len(kept)
    queries = sampled(n, sample, seed)
    if n < 3:
        return None, None
    k = below_half(k, n)
    if indices is None:
        same, asked = _same_among_nearest(centred_unit_rows(given)[0][kept], codes, queries, k)
    else:
        code_of = np.full(len(labels), -1)
        code_of[kept] = codes
        theirs = code_of[given[kept, :k]]
        same, asked = int((theirs == codes[:, None]).sum()), int((theirs >= 0).sum())
    if not asked:
        return None, None
    sizes = np.bincount(codes)
    return same / asked, float((sizes * (sizes - 1)).sum() / (n * (n - 1)))


def _same_among_nearest(rows, codes, queries, k):
    same = 0
    for chunk in chunks(queries, len(rows)):
        dissimilarities = -(rows[chunk] @ rows.T)
        dissimilarities[np.arange(len(chunk)), chunk] = np.inf
        near = np.argpartition(dissimilarities, k - 1, axis=1)[:, :k]
        same += int((codes[near] == codes[chunk][:, None]).sum())
    return same, len(queries) * k


def _shared_labels(labels):
    numbers: dict[str, int] = {}
    codes = np.array([-1 if not x else numbers.setdefault(x, len(numbers)) for x in labels], dtype=np.int64)
    sizes = np.bincount(codes[codes >= 0], minlength=1)
    kept = np.flatnonzero((codes >= 0) & (sizes[np.maximum(codes, 0)] >= 2))
    return kept, codes[kept]


@dataclass(frozen=True)
class Hubness:
    """How unevenly songs are found among each other's nearest.

    Attributes
    ----------
    skewness : float
        Of how often songs are among the k nearest of others: 0 where all are equally often, above 1
        where a few songs, the hubs, are near to very many.
    largest : int
        How many songs have the most popular song among their k nearest.
    """

    skewness: float
    largest: int


def hubness(indices: np.ndarray, n: int) -> Hubness | None:
    """Measure whether a few songs are among the nearest of very many.

    N_k(j) counts the songs that have song j among their k nearest; its skewness is
    E[(N_k - mean)^3] / std^3. Radovanovic, Nanopoulos & Ivanovic, "Hubs in space", Journal of Machine
    Learning Research 11 (2010).

    Parameters
    ----------
    indices : np.ndarray [shape=(n, k), int32]
        Every song's k nearest, as `nearest_rows` or `true_neighbours` gives them.
    n : int
        How many songs.

    Returns
    -------
    Hubness or None
        None for fewer than 3 songs.

    Raises
    ------
    MappingError
        If there is not one row of indices a song, or an index is not a song's.
    """
    indices = _checked_indices(indices, n)
    if n < 3:
        return None
    occurrences = np.bincount(indices.ravel(), minlength=n)
    apart = occurrences - occurrences.mean()
    variance = np.mean(apart**2)
    skewness = float(np.mean(apart**3) / variance**1.5) if np.ptp(occurrences) else 0.0
    return Hubness(skewness, int(occurrences.max()))


def nearest_on_map(positions: np.ndarray, k: int = 10) -> np.ndarray:
    """Find the k nearest points of every point of a map.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    k : int
        At most n - 1 come back.

    Returns
    -------
    np.ndarray [shape=(n, k), int64]
        The nearest first and never the point itself.

    Raises
    ------
    MappingError
        If a value is not finite, or `k` is less than 1.
    """
    from scipy.spatial import cKDTree

    positions = as_matrix(positions, name="positions")
    n = len(positions)
    if k < 1:
        raise MappingError(f"k={k} must be at least 1")
    if n < 2:
        return np.empty((n, 0), dtype=np.int64)
    k = min(k, n - 1)
    found = cKDTree(positions).query(positions, k + 1, workers=-1)[1]
    # Among points in one place the point itself need not come first, nor be there at all.
    itself = found == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True
    return found[~itself].reshape(n, k)


def neighbours_near(true_indices: np.ndarray, positions: np.ndarray, near: int = 30) -> np.ndarray:
    """Count for every song how many of its true neighbours are near on the map.

    Parameters
    ----------
    true_indices : np.ndarray [shape=(n, k), int32]
        Every song's k true neighbours, as `true_neighbours` gives them; k is at most 255.
    positions : np.ndarray [shape=(n, 2), float32]
        The map.
    near : int
        As far as this many other songs reach, is near: whatever lies no further than the last of them.

    Returns
    -------
    np.ndarray [shape=(n,), uint8]
        0 to k.

    Raises
    ------
    MappingError
        If the shapes do not fit, a value is not finite, an index is not a song's, or `near` is less
        than 1.
    """
    positions = as_matrix(positions, name="positions").astype(np.float64)
    n = len(positions)
    indices = _checked_indices(true_indices, n)
    if near < 1:
        raise MappingError(f"near={near} must be at least 1")
    if indices.shape[1] > 255:
        raise MappingError(f"{indices.shape[1]} neighbours a song are more than the 255 that can be counted")
    near = min(near, n - 1)
    if near < 1:
        return np.zeros(n, dtype=np.uint8)
    radius = _radius(positions, near)
    distances = np.zeros(indices.shape)
    for values in positions.T:
        distances += (values[indices] - values[:, None]) ** 2
    # The tree may round the same distance otherwise.
    return (np.sqrt(distances) <= radius[:, None] * (1 + 1e-12)).sum(axis=1, dtype=np.uint8)


def _radius(positions, near):
    from scipy.spatial import cKDTree

    # A tree cannot split identical positions; more copies than can be among the nearest change nothing.
    order = np.lexsort(positions.T)
    ordered = positions[order]
    fresh = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    place = np.arange(len(order))
    turn = place - np.maximum.accumulate(np.where(fresh, place, 0))
    tree = cKDTree(ordered[turn <= near])
    # The nearest of all is a copy of the song itself.
    return tree.query(positions, k=[near + 1], workers=-1)[0][:, 0]


def _checked_indices(indices, n):
    indices = np.asarray(indices)
    if indices.ndim != 2 or len(indices) != n or indices.dtype.kind not in "iu":
        raise MappingError(f"indices of shape {indices.shape} are not rows of neighbours of {n} songs")
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        raise MappingError(f"indices from {indices.min()} to {indices.max()} are not all songs of {n}")
    return indices
