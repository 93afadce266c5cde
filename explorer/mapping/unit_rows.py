"""Checks vectors, and turns them into rows of length 1 whose dot products are centred cosines."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explorer.errors import MappingError

# A difference from the mean below this share of the vectors' length is a rounding error, so its direction has
# no meaning.
_MIN_RELATIVE_DEVIATION = 1e-10
# The limit is far above every value of an embedding, and the sum of the squares of such values still fits in
# a float32.
_MAX_VALUE = 1e15
FLOAT32_ERROR = 4e-6
"""The largest error of a similarity computed in single precision."""

_CHUNK_ROWS = 4096


def as_matrix(values: ArrayLike, *, name: str) -> np.ndarray:
    """Convert values to a matrix with one row a song, and check that all of them are finite.

    Parameters
    ----------
    values : array_like [shape=(n, d)]
        Numbers; an empty sequence means no songs.
    name : str
        The name of the values in error messages.

    Returns
    -------
    np.ndarray [shape=(n, d), float32 or float64]
        The given array if it is float32 or float64, otherwise a float64 copy.

    Raises
    ------
    MappingError
        If the values are not a two-dimensional array of numbers, or if one is not finite or is beyond 1e15.
    """
    try:
        matrix = np.asarray(values)
        if matrix.dtype not in (np.float32, np.float64):
            matrix = matrix.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise MappingError(f"{name} must be numbers, one row for each song: {error}") from error
    if matrix.ndim == 1 and not matrix.size:
        return matrix.reshape(0, 0)
    if matrix.ndim != 2:
        raise MappingError(f"{name} has shape {matrix.shape}; it must be (songs, values)")
    # The minimum and maximum are NaN if a value is NaN. Computing them needs no second array of the library's
    # size.
    if matrix.size and not (matrix.min() > -_MAX_VALUE and matrix.max() < _MAX_VALUE):
        is_valid = (np.abs(matrix) < _MAX_VALUE).all(axis=1)
        row = int(np.argmin(is_valid))
        raise MappingError(
            f"{name}: song {row} has a value that is not finite or is beyond 1e15; index that song again"
        )
    return matrix


def centred_unit_rows(vectors: np.ndarray, *, in_place: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Subtract the mean vector from every vector, then scale each difference to length 1.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        One vector a song.
    in_place : bool
        Overwrite the vectors, which must be float32: a second array takes 2 GB for a million songs.

    Returns
    -------
    rows : np.ndarray [shape=(n, d), float32]
        The dot product of two rows is their centred cosine. A vector equal to the mean becomes zeros.
    mean : np.ndarray [shape=(d,), float64]
        The mean of `vectors`.

    Raises
    ------
    MappingError
        If a value is not finite, or `vectors` is not two-dimensional.
    """
    vectors = as_matrix(vectors, name="vectors")
    mean = vectors.mean(axis=0, dtype=np.float64) if len(vectors) else np.zeros(vectors.shape[1])
    rows = vectors if in_place else np.empty(vectors.shape, dtype=np.float32)
    for start in range(0, len(vectors), _CHUNK_ROWS):
        chunk = vectors[start : start + _CHUNK_ROWS]
        rows[start : start + _CHUNK_ROWS] = unit_rows(chunk, mean)
    return rows, mean


def unit_rows(vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Subtract a mean vector from every vector, and scale each difference to length 1 [float64]."""
    centred = vectors.astype(np.float64) - mean
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    rounding = _MIN_RELATIVE_DEVIATION * (np.linalg.norm(mean) + length)
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > rounding)
