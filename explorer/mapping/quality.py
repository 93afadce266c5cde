"""How well neighbours agree: with their labels, with each other, and with the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.neighbourhoods import below_half
from explorer.mapping.similarity import as_matrix


@dataclass(frozen=True, eq=False)
class Purity:
    """How often the neighbours of songs with a label carry the same label.

    Attributes
    ----------
    purity : float
        The share of the counted neighbours that do, 0 to 1.
    chance : float
        The share that neighbours drawn at random would have.
    shares : np.ndarray [shape=(m,), float64]
        The share for each song asked; NaN where no neighbour counts.
    """

    purity: float
    chance: float
    shares: np.ndarray


def shared_labels(labels: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Number the labels that at least two songs carry.

    Parameters
    ----------
    labels : sequence of str or None [length=n]
        A genre or an artist, say; "" or None for none.

    Returns
    -------
    names : np.ndarray [shape=(c,), object]
        Those labels, sorted.
    codes : np.ndarray [shape=(n,), int64]
        Each song's place in `names`; -1 for a song without a label or alone with its label.
    """
    texts = np.array([label or "" for label in labels], dtype=object)
    names, inverse, counts = np.unique(texts, return_inverse=True, return_counts=True)
    shared = (counts >= 2) & (names != "")
    return names[shared], np.where(shared, np.cumsum(shared) - 1, -1)[inverse]


def label_purity(
    labels: Sequence[str | None], indices: np.ndarray, *, asked: np.ndarray | None = None
) -> Purity | None:
    """Measure how often songs' neighbours carry their label, and how often random songs would.

    Songs without a label, or alone with theirs, do not count, neither as songs asked nor as neighbours.

    Parameters
    ----------
    labels : sequence of str or None [length=n]
        A genre, say.
    indices : np.ndarray [shape=(m, k), int]
        The neighbours of each song asked, the nearest first. Of fewer than 2 k + 1 songs that count,
        fewer neighbours are looked at: `below_half`.
    asked : np.ndarray [shape=(m,), int], optional
        The songs asked; all n by default.

    Returns
    -------
    Purity or None
        None where fewer than 3 songs count, or no song asked has a neighbour that counts.

    Raises
    ------
    MappingError
        If there is not one row of indices a song asked, or an index is not a song's.
    """
    asked = np.arange(len(labels)) if asked is None else np.asarray(asked)
    indices = _checked_indices(indices, len(asked), len(labels))
    _, codes = shared_labels(labels)
    sizes = np.bincount(codes[codes >= 0])
    n = int(sizes.sum())
    if n < 3:
        return None
    theirs = codes[indices[:, : below_half(indices.shape[1], n)]]
    theirs[codes[asked] < 0] = -1
    same = (theirs == codes[asked][:, None]) & (theirs >= 0)
    same, counted = same.sum(axis=1), (theirs >= 0).sum(axis=1)
    if not counted.any():
        return None
    shares = np.divide(same, counted, out=np.full(len(asked), np.nan), where=counted > 0)
    chance = float((sizes * (sizes - 1)).sum() / (n * (n - 1)))
    return Purity(float(same.sum() / counted.sum()), chance, shares)


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
    from scipy.stats import skew

    indices = _checked_indices(indices, n, n)
    if n < 3:
        return None
    occurrences = np.bincount(indices.ravel(), minlength=n)
    skewness = float(skew(occurrences)) if np.ptp(occurrences) else 0.0
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
    return _nearest_points(as_matrix(positions, name="positions"), k)[1]


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
    indices = _checked_indices(true_indices, n, n)
    if indices.shape[1] > 255:
        raise MappingError(f"{indices.shape[1]} neighbours a song are more than the 255 that can be counted")
    reach = _nearest_points(positions, near)[0].max(axis=1, initial=0.0)
    distances = np.zeros(indices.shape)
    for values in positions.T:
        distances += (values[indices] - values[:, None]) ** 2
    # The tree may round the same distance otherwise.
    return (np.sqrt(distances) <= reach[:, None] * (1 + 1e-12)).sum(axis=1, dtype=np.uint8)


def _nearest_points(positions, k):
    """Return the distances to the k nearest other points of each point, and their rows."""
    from sklearn.neighbors import NearestNeighbors

    if k < 1:
        raise MappingError(f"k={k} must be at least 1")
    k = min(k, len(positions) - 1)
    if k < 1:
        return np.empty((len(positions), 0)), np.empty((len(positions), 0), dtype=np.int64)
    return NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(positions).kneighbors()


def _checked_indices(indices, m, n):
    indices = np.asarray(indices)
    if indices.ndim != 2 or len(indices) != m or indices.dtype.kind not in "iu":
        raise MappingError(f"indices of shape {indices.shape} are not rows of neighbours of {m} songs")
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        raise MappingError(f"indices from {indices.min()} to {indices.max()} are not all songs of {n}")
    return indices
