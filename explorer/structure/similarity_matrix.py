"""The self-similarity matrix of a song: how alike any two of its windows sound.

Foote, "Visualizing music and audio using self-similarity", ACM Multimedia 1999.
"""

from __future__ import annotations

import numpy as np


def self_similarity(components: np.ndarray) -> np.ndarray:
    """Compare each window of a song with each other one, by the cosine of their components.

    Parameters
    ----------
    components : np.ndarray [shape=(n, d)]
        One row for each window.

    Returns
    -------
    np.ndarray [shape=(n, n), float32]
        Symmetric, from -1 to 1; the diagonal is 1. A row of zeros has the cosine 0 with all other rows.
    """
    directions = unit_rows(components)
    matrix = np.clip(directions @ directions.T, -1, 1)
    np.fill_diagonal(matrix, 1)
    return matrix


def unit_rows(components: np.ndarray) -> np.ndarray:
    """Scale each row to length 1. A row of length 0, or with a value that is not finite, becomes zero.

    Parameters
    ----------
    components : np.ndarray [shape=(n, d)]

    Returns
    -------
    np.ndarray [shape=(n, d), float32]
    """
    components = np.asarray(components, dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", components, components))[:, None]
    is_usable = (lengths > 0) & np.isfinite(lengths)
    return np.divide(components, lengths, out=np.zeros_like(components), where=is_usable)


def shrink(matrix: np.ndarray, size: int) -> np.ndarray:
    """Make a square matrix smaller: each value is the mean of a block of values.

    Parameters
    ----------
    matrix : np.ndarray [shape=(n, n)]
    size : int
        The number of rows of the result; a smaller matrix is returned as it is.

    Returns
    -------
    np.ndarray [shape=(m, m), float32]
        m is the smaller one of n and size. Blocks differ by at most one row.
    """
    matrix = np.asarray(matrix, dtype=np.float32)
    if len(matrix) <= size:
        return matrix
    edges = np.arange(size + 1) * len(matrix) // size
    sums = np.add.reduceat(np.add.reduceat(matrix, edges[:-1], axis=0), edges[:-1], axis=1)
    counts = np.diff(edges).astype(np.float32)
    return sums / np.outer(counts, counts)
