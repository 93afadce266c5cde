"""Measures neighbours: how often they share a label, whether some are hubs, how many are near on a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.neighbourhoods import below_half
from explorer.mapping.unit_rows import as_matrix


@dataclass(frozen=True, eq=False)
class Purity:
    """How often the neighbours of songs with a label have the same label.

    Attributes
    ----------
    purity : float
        The share of the counted neighbours with the same label, 0 to 1.
    chance : float
        The expected share for random neighbours.
    shares : np.ndarray [shape=(m,), float64]
        The share for each of the m queried songs; NaN if none of its neighbours counts.
    """

    purity: float
    chance: float
    shares: np.ndarray


def shared_labels(labels: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Number the labels that at least two songs have.

    Parameters
    ----------
    labels : sequence of str or None [length=n]
        Each song's label, for example its genre or artist; "" or None for none.

    Returns
    -------
    names : np.ndarray [shape=(c,), object]
        The labels that at least two songs have, sorted.
    codes : np.ndarray [shape=(n,), int64]
        Each song's index in `names`; -1 for a song without a label, or with a label that no other song has.
    """
    texts = np.array([label or "" for label in labels], dtype=object)
    names, inverse, counts = np.unique(texts, return_inverse=True, return_counts=True)
    shared = (counts >= 2) & (names != "")
    return names[shared], np.where(shared, np.cumsum(shared) - 1, -1)[inverse]


def label_purity(
    labels: Sequence[str | None], indices: np.ndarray, *, queried: np.ndarray | None = None
) -> Purity | None:
    """Measure how often neighbours have the same label, and how often random songs would.

    A song without a label, or with a label that no other song has, does not count: neither as a queried song
    nor as a neighbour.

    Parameters
    ----------
    labels : sequence of str or None [length=n]
        Each song's label, for example its genre.
    indices : np.ndarray [shape=(m, k), int]
        The neighbours of each queried song, the nearest first. If fewer than 2 k + 1 songs count, only the
        first neighbours are used: `below_half` gives their number.
    queried : np.ndarray [shape=(m,), int], optional
        The rows of the queried songs; all n by default.

    Returns
    -------
    Purity or None
        None if fewer than 3 songs count, or no queried song has a neighbour that counts.

    Raises
    ------
    MappingError
        If there is not one row of indices for each queried song, or an index is not 0 to n - 1.
    """
    queried = np.arange(len(labels)) if queried is None else np.asarray(queried)
    indices = _checked_indices(indices, len(queried), len(labels))
    _, codes = shared_labels(labels)
    sizes = np.bincount(codes[codes >= 0])
    n = int(sizes.sum())
    if n < 3:
        return None
    neighbour_codes = codes[indices[:, : below_half(indices.shape[1], n)]]
    neighbour_codes[codes[queried] < 0] = -1
    is_same = (neighbour_codes == codes[queried][:, None]) & (neighbour_codes >= 0)
    same, counted = is_same.sum(axis=1), (neighbour_codes >= 0).sum(axis=1)
    if not counted.any():
        return None
    shares = np.divide(same, counted, out=np.full(len(queried), np.nan), where=counted > 0)
    chance = float((sizes * (sizes - 1)).sum() / (n * (n - 1)))
    return Purity(float(same.sum() / counted.sum()), chance, shares)


@dataclass(frozen=True)
class Hubness:
    """Whether a few songs are among the nearest songs of very many other songs.

    Attributes
    ----------
    skewness : float
        The skewness of the number of songs that have a given song among their k nearest: 0 if this number is
        the same for all songs, above 1 if a few songs, the hubs, are near to very many songs.
    largest : int
        The largest such number: how many songs have the largest hub among their k nearest.
    """

    skewness: float
    largest: int


def hubness(indices: np.ndarray, n: int) -> Hubness | None:
    """Measure whether a few songs are among the nearest songs of very many.

    N_k(j) is the number of songs that have song j among their k nearest. Its skewness is
    E[(N_k - mean)^3] / std^3. Radovanovic, Nanopoulos & Ivanovic, "Hubs in space", Journal of Machine
    Learning Research 11 (2010).

    Parameters
    ----------
    indices : np.ndarray [shape=(n, k), int32]
        Every song's k nearest: the result of `nearest_rows` or `true_neighbours`.
    n : int
        The number of songs.

    Returns
    -------
    Hubness or None
        None for fewer than 3 songs.

    Raises
    ------
    MappingError
        If there is not one row of indices for each song, or an index is not 0 to n - 1.
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
        The number of points to find; limited to n - 1.

    Returns
    -------
    np.ndarray [shape=(n, k), int64]
        The nearest first, without the point itself.

    Raises
    ------
    MappingError
        If a value is not finite, or `k` is less than 1.
    """
    return _nearest_points(as_matrix(positions, name="positions"), k)[1]


def neighbours_near(
    true_indices: np.ndarray, positions: np.ndarray, near: int = 30, *, queried: np.ndarray | None = None
) -> np.ndarray:
    """Count how many of each song's true neighbours are near it on the map.

    Parameters
    ----------
    true_indices : np.ndarray [shape=(n, k), int32]
        Every song's k true neighbours: the result of `true_neighbours`; k is at most 255.
    positions : np.ndarray [shape=(n, 2), float32]
        The map.
    near : int
        A song is near if it is no further away than the `near`-th nearest song on the map.
    queried : np.ndarray [shape=(m,), int], optional
        Only count for these rows; by default for all n.

    Returns
    -------
    np.ndarray [shape=(m,), uint8]
        0 to k.

    Raises
    ------
    MappingError
        If the shapes do not fit, a value is not finite, an index is not 0 to n - 1, or `near` is less
        than 1.
    """
    positions = as_matrix(positions, name="positions").astype(np.float64)
    n = len(positions)
    indices = _checked_indices(true_indices, n, n)
    if indices.shape[1] > 255:
        raise MappingError(f"{indices.shape[1]} neighbours for each song are more than the maximum of 255")
    queried = np.arange(n) if queried is None else np.asarray(queried)
    indices = indices[queried]
    radius = _nearest_points(positions, near, queried)[0].max(axis=1, initial=0.0)
    distances = np.zeros(indices.shape)
    for values in positions.T:
        distances += (values[indices] - values[queried, None]) ** 2
    # The k-d tree can round the same distance differently, so the radius gets a tolerance.
    return (np.sqrt(distances) <= radius[:, None] * (1 + 1e-12)).sum(axis=1, dtype=np.uint8)


def _nearest_points(positions, k, queried=None):
    """Return the distances and the rows of the k nearest other points of each point, or queried point."""
    # Not scikit-learn's search: importing it takes as long as the whole update of a large map.
    from scipy.spatial import cKDTree

    if k < 1:
        raise MappingError(f"k={k} must be at least 1")
    queried = np.arange(len(positions)) if queried is None else queried
    count, k = len(queried), min(k, len(positions) - 1)
    if k < 1 or not count:
        return np.empty((count, 0)), np.empty((count, 0), dtype=np.int64)
    distances, rows = cKDTree(positions).query(positions[queried], k + 1)
    # Of points at the same place, the query itself may not be the first: drop it wherever it is.
    is_other = rows != queried[:, None]
    is_other[is_other.all(axis=1), -1] = False
    return distances[is_other].reshape(count, k), rows[is_other].reshape(count, k)


def _checked_indices(indices, m, n):
    indices = np.asarray(indices)
    if indices.ndim != 2 or len(indices) != m or indices.dtype.kind not in "iu":
        raise MappingError(f"indices have shape {indices.shape}; {m} songs need {m} rows of whole numbers")
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        raise MappingError(f"indices are {indices.min()} to {indices.max()}; {n} songs have 0 to {n - 1}")
    return indices
