"""Find the window that is most typical of a song: the one nearest to the song's vector."""

from __future__ import annotations

import numpy as np

from explorer.embedding.network import EMBEDDING_SIZE

MAX_WINDOWS = 4096
"""Maximum number of windows kept per song; they take 8 MB. At two windows per second, all windows of a song
of up to 34 minutes are kept."""


class EvenlySpacedWindows:
    """Keeps a bounded number of a song's window embeddings, evenly spread over a song of any length.

    All windows are kept until they exceed the limit. Then every second one is dropped, and from then on only
    every second window is added; this repeats each time the limit is exceeded.

    Parameters
    ----------
    max_windows : int
        The limit.
    """

    def __init__(self, *, max_windows: int = MAX_WINDOWS) -> None:
        self._max_windows = max_windows
        self._stride = 1
        self._n_seen = 0
        self._rows: list[np.ndarray] = []

    def add(self, frames: np.ndarray) -> None:
        """Add the embeddings of the next windows [shape=(any, 512), float32]."""
        first = -self._n_seen % self._stride
        # Copies, because a view would keep the whole batch in memory.
        self._rows += [row.copy() for row in frames[first :: self._stride]]
        self._n_seen += len(frames)
        while len(self._rows) > self._max_windows:
            self._rows = self._rows[::2]
            self._stride *= 2

    def windows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the kept windows.

        Returns
        -------
        numbers : np.ndarray [shape=(n,), int]
            Positions of the windows in the song, counted from 0.
        frames : np.ndarray [shape=(n, 512), float32]
            Their embeddings.
        """
        frames = np.array(self._rows, dtype=np.float32).reshape(-1, EMBEDDING_SIZE)
        return np.arange(len(frames)) * self._stride, frames


def most_typical_window(frames: np.ndarray, vector: np.ndarray) -> int:
    """Find the window nearest to a song's vector by Euclidean distance.

    With maximum pooling, no value of a window exceeds that of the song's vector. So the distance measures how
    far the window is below the song's maxima: it is zero for a window that reaches them all. Cosine
    similarity is not suitable: the cosines of a song's windows differ only by thousandths, and a faint window
    can have as high a cosine as a loud one.

    Parameters
    ----------
    frames : np.ndarray [shape=(n, 512), float32]
        Embeddings of at least one window.
    vector : np.ndarray [shape=(512,)]
        The song's vector.

    Returns
    -------
    int
        A row of `frames`; the first one if several are equally near.
    """
    return int(np.argmin(np.square(frames - vector).sum(axis=1)))
