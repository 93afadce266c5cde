"""Computes similarity and distance matrices, and an order that puts similar songs together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import cdist, squareform

from explorer.errors import AnalysisError


@dataclass(frozen=True)
class Matrices:
    """The similarity and distance of every two of n songs or groups.

    Attributes
    ----------
    similarity : np.ndarray [shape=(n, n), float64]
        Cosines, -1 to 1.
    distance : np.ndarray [shape=(n, n), float64]
        Euclidean distances of the vectors as embedded.
    order : np.ndarray [shape=(n,), int64]
        The rows in an order that puts similar ones next to each other.
    tree : np.ndarray [shape=(n - 1, 4), float64]
        The hierarchical clustering behind that order, as `scipy.cluster.hierarchy.linkage` returns it;
        heights are 1 - similarity.
    """

    similarity: np.ndarray
    distance: np.ndarray
    order: np.ndarray
    tree: np.ndarray


def compare_all(directions: np.ndarray, vectors: np.ndarray) -> Matrices:
    """Compute the similarity and distance of every pair, and order the rows by hierarchical clustering.

    Clusters are joined by average linkage. The order of the leaves is optimal: Bar-Joseph et al., "Fast
    optimal leaf ordering for hierarchical clustering", Bioinformatics 17 (2001). Its time grows with the cube
    of the number of rows: it is meant for hundreds of rows.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, d), float32 or float64]
        Unit vectors; the similarity of two songs is their dot product.
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        The same songs' vectors as embedded.

    Raises
    ------
    AnalysisError
        If there are fewer than two rows.
    """
    if len(directions) < 2:
        raise AnalysisError(f"A comparison needs at least two songs, and there are {len(directions)}.")
    vectors, directions = vectors.astype(np.float64), directions.astype(np.float64)
    similarity = np.clip(directions @ directions.T, -1.0, 1.0)
    similarity = (similarity + similarity.T) / 2
    np.fill_diagonal(similarity, 1.0)
    dissimilarity = squareform(1.0 - similarity, checks=False)
    tree = optimal_leaf_ordering(linkage(dissimilarity, method="average"), dissimilarity)
    return Matrices(similarity, cdist(vectors, vectors), leaves_list(tree).astype(np.int64), tree)


def group_means(vectors: np.ndarray, group_of: np.ndarray, count: int) -> np.ndarray:
    """Return each group's mean vector.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64]
    group_of : np.ndarray [shape=(n,), int]
        The number of each song's group; negative for none.
    count : int
        The number of groups; each has at least one song.

    Returns
    -------
    np.ndarray [shape=(count, d), float64]
    """
    return np.array(
        [vectors[group_of == group].mean(axis=0, dtype=np.float64) for group in range(count)]
    ).reshape(count, vectors.shape[1])


def similarity_within(directions: np.ndarray, group_of: np.ndarray, count: int) -> np.ndarray:
    """Return the mean similarity of all pairs of songs inside each group.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, d), float32 or float64]
        Unit vectors.
    group_of, count
        As for `group_means`.

    Returns
    -------
    np.ndarray [shape=(count,), float64]
        NaN for a group of one song.
    """
    is_grouped = group_of >= 0
    sizes = np.bincount(group_of[is_grouped], minlength=count)
    sums = group_means(directions, group_of, count) * sizes[:, None]
    # The squared length of a group's sum is the sum of the dot products of every row with every row. The
    # products of a row with itself are subtracted, because they belong to no pair.
    own_products = np.bincount(
        group_of[is_grouped], np.square(directions[is_grouped], dtype=np.float64).sum(axis=1), count
    )
    pair_counts = np.where(sizes > 1, sizes * (sizes - 1.0), np.nan)
    return (np.square(sums).sum(axis=1) - own_products) / pair_counts
