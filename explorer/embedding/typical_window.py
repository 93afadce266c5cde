"""The window of a song that is most like the whole of it."""

from __future__ import annotations

import numpy as np

from explorer.embedding.network import EMBEDDING_SIZE

MOST_WINDOWS = 4096
"""Kept of a song: 8 MB, and every window of the first half hour at two a second."""


class SpreadWindows:
    """Keeps a bounded number of a song's windows, spread evenly over it however long it becomes.

    Every window is kept until there are too many; then every second one goes, and of those to come
    as many are passed over.

    Parameters
    ----------
    most : int
        How many are kept at most.
    """

    def __init__(self, *, most: int = MOST_WINDOWS) -> None:
        self._most = most
        self._stride = 1
        self._seen = 0
        self._kept: list[np.ndarray] = []

    def add(self, frames: np.ndarray) -> None:
        """Take in the next windows [shape=(any, 512), float32]."""
        first = -self._seen % self._stride
        # Rows of their own: a view would keep the batch alive that they came in.
        self._kept += [row.copy() for row in frames[first :: self._stride]]
        self._seen += len(frames)
        while len(self._kept) > self._most:
            self._kept = self._kept[::2]
            self._stride *= 2

    def windows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what is kept.

        Returns
        -------
        numbers : np.ndarray [shape=(n,), int]
            Which windows of the song they are.
        frames : np.ndarray [shape=(n, 512), float32]
        """
        frames = np.array(self._kept, dtype=np.float32).reshape(-1, EMBEDDING_SIZE)
        return np.arange(len(frames)) * self._stride, frames


def most_typical(frames: np.ndarray, vector: np.ndarray) -> int:
    """Find the window nearest to a song's vector, by Euclidean distance.

    Under the maximum over time, what a window lacks of the song's maxima is exactly what its distance
    sums up: it would be zero for a window that holds them all. The cosines of a song's windows to it
    differ by thousandths, and praise a faint window as much as a full one.

    Parameters
    ----------
    frames : np.ndarray [shape=(n, 512), float32]
        At least one.
    vector : np.ndarray [shape=(512,)]
        What the song's windows were pooled to.

    Returns
    -------
    int
        A row of `frames`; the first of equals.
    """
    return int(np.argmin(np.square(frames - vector).sum(axis=1)))
