"""Similarity and distance of every two songs, their order, and the means of groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import cdist, squareform

from explorer.errors import AnalysisError


@dataclass(frozen=True)
class Matrices:
    """A few songs, or groups of them, each beside each.

    Attributes
    ----------
    similarity : np.ndarray [shape=(n, n), float64]
        Cosines, -1 to 1.
    distance : np.ndarray [shape=(n, n), float64]
        Euclidean distances of the vectors as embedded.
    order : np.ndarray [shape=(n,), int64]
        The rows so that those alike stand beside each other.
    tree : np.ndarray [shape=(n - 1, 4), float64]
        The clustering behind that order, as `scipy.cluster.hierarchy.linkage` gives it; heights are
        1 - similarity.
    """

    similarity: np.ndarray
    distance: np.ndarray
    order: np.ndarray
    tree: np.ndarray


def compare_all(rows: np.ndarray, vectors: np.ndarray) -> Matrices:
    """Compare each with each, and order them so that neighbours are as alike as can be.

    Clusters are joined by average linkage. The order of their leaves is that of Bar-Joseph et al., "Fast
    optimal leaf ordering for hierarchical clustering", Bioinformatics 17 (2001). It takes the cube of the
    number of rows: it is meant for hundreds.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32 or float64]
        Vectors of length 1, whose products are the similarities.
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        The same as embedded.

    Raises
    ------
    AnalysisError
        If there are fewer than two.
    """
    if len(rows) < 2:
        raise AnalysisError(f"There is nothing to compare among {len(rows)} songs: name two at least.")
    vectors, rows = vectors.astype(np.float64), rows.astype(np.float64)
    similarity = np.clip(rows @ rows.T, -1.0, 1.0)
    similarity = (similarity + similarity.T) / 2
    np.fill_diagonal(similarity, 1.0)
    gaps = squareform(1.0 - similarity, checks=False)
    tree = optimal_leaf_ordering(linkage(gaps, method="average"), gaps)
    return Matrices(similarity, cdist(vectors, vectors), leaves_list(tree).astype(np.int64), tree)


def group_means(vectors: np.ndarray, members: np.ndarray, count: int) -> np.ndarray:
    """Return each group's mean vector.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64]
    members : np.ndarray [shape=(n,), int]
        Each song's group; a negative number for none.
    count : int
        How many groups there are; each has a song.

    Returns
    -------
    np.ndarray [shape=(count, d), float64]
    """
    return np.array(
        [vectors[members == number].mean(axis=0, dtype=np.float64) for number in range(count)]
    ).reshape(count, vectors.shape[1])


def similarity_within(rows: np.ndarray, members: np.ndarray, count: int) -> np.ndarray:
    """Return how alike the songs of each group are, on the average over its pairs.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32 or float64]
        Vectors of length 1.
    members, count
        As for `group_means`.

    Returns
    -------
    np.ndarray [shape=(count,), float64]
        NaN for a group of one song.
    """
    sizes = np.bincount(members[members >= 0], minlength=count)
    sums = group_means(rows, members, count) * sizes[:, None]
    # |sum of rows|^2 is the sum of all products; minus each row with itself it is the sum over pairs.
    themselves = np.bincount(
        members[members >= 0], np.square(rows[members >= 0], dtype=np.float64).sum(axis=1), count
    )
    pairs = np.where(sizes > 1, sizes * (sizes - 1.0), np.nan)
    return (np.square(sums).sum(axis=1) - themselves) / pairs
