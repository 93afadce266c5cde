"""Finds, for each second of a song, the songs that sound like it: the page draws where it would lie."""

from __future__ import annotations

import numpy as np

_ROWS_AT_ONCE = 32


def nearest_songs(
    moments: np.ndarray, means: np.ndarray, *, k: int = 10, skipped: np.ndarray | None = None
) -> np.ndarray:
    """Find the songs that sound most like each moment of a song.

    Parameters
    ----------
    moments : np.ndarray [shape=(m, d), float32]
        Of one song, at length 1.
    means : np.ndarray [shape=(s, d), int8 or float32]
        The mean of each song's moments; all have the same length.
    k : int
        How many songs to find; fewer come back if there are not so many.
    skipped : np.ndarray [shape=(s,), bool], optional
        Songs to leave out.

    Returns
    -------
    np.ndarray [shape=(m, k), int64]
        The numbers of the songs, in any order.
    """
    numbers = np.arange(len(means)) if skipped is None else np.flatnonzero(~skipped)
    k = min(k, len(numbers))
    found = np.zeros((len(moments), k), dtype=np.int64)
    if not k:
        return found
    rows = np.ascontiguousarray(np.asarray(means)[numbers].astype(np.float32).T)
    for start in range(0, len(moments), _ROWS_AT_ONCE):
        products = moments[start : start + _ROWS_AT_ONCE] @ rows
        best = np.argpartition(products, len(numbers) - k, axis=1)[:, len(numbers) - k :]
        found[start : start + _ROWS_AT_ONCE] = numbers[best]
    return found


def smoothed(path: np.ndarray, *, length: int = 5) -> np.ndarray:
    """Return a path whose places are the medians of `length` places around each: single jumps disappear.

    Parameters
    ----------
    path : np.ndarray [shape=(m, 2)]
    length : int
        Odd. At the ends, the first and the last place count several times.

    Returns
    -------
    np.ndarray [shape=(m, 2), float32]
    """
    if not len(path):
        return np.zeros((0, 2), dtype=np.float32)
    padded = np.pad(path, ((length // 2, length // 2), (0, 0)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, length, axis=0)
    return np.median(around, axis=2).astype(np.float32)
