"""Pool the embeddings of a song's windows into the song's vector."""

from __future__ import annotations

import numpy as np

from explorer.embedding.network import EMBEDDING_SIZE
from explorer.errors import EmbeddingError

METHODS = ("max", "mean")


def pool(frames: np.ndarray, *, method: str = "max") -> np.ndarray:
    """Combine a song's window embeddings into one vector.

    Parameters
    ----------
    frames : np.ndarray [shape=(T, 512), float32]
        One row per 1 s window. OpenL3's values are unbounded and may be negative.
    method : {"max", "mean"}
        The maximum keeps a song's distinctive features; Cramer et al. (2019) pool this way.

    Returns
    -------
    np.ndarray [shape=(512,), float64]

    Raises
    ------
    EmbeddingError
        If there is no window, a row does not have 512 values, a value is not finite, or the method does not
        exist.
    """
    running = RunningPool(method=method)
    running.add(frames)
    return running.vector()


class RunningPool:
    """Pools a song batch by batch, without keeping the embeddings.

    Parameters
    ----------
    method : {"max", "mean"}
        See `pool`.

    Raises
    ------
    EmbeddingError
        If the method does not exist.
    """

    def __init__(self, *, method: str = "max") -> None:
        if method not in METHODS:
            raise EmbeddingError(f"Pooling '{method}' does not exist: choose one of {', '.join(METHODS)}.")
        self._method = method
        self._count = 0
        self._value = np.full(EMBEDDING_SIZE, -np.inf) if method == "max" else np.zeros(EMBEDDING_SIZE)

    def add(self, frames: np.ndarray) -> None:
        """Add the embeddings of the next windows.

        Parameters
        ----------
        frames : np.ndarray [shape=(any, 512), float32]

        Raises
        ------
        EmbeddingError
            If a row does not have 512 values, or a value is not finite.
        """
        frames = np.asarray(frames, dtype=np.float64)
        if frames.ndim != 2 or frames.shape[1] != EMBEDDING_SIZE:
            raise EmbeddingError(
                f"Embeddings of shape {frames.shape} must be of shape (T, {EMBEDDING_SIZE})."
            )
        if not np.isfinite(frames).all():
            raise EmbeddingError("The embeddings hold NaN or infinite values, so they cannot be pooled.")
        if self._method == "max":
            self._value = np.maximum(self._value, frames.max(axis=0, initial=-np.inf))
        else:
            self._value = self._value + frames.sum(axis=0)
        self._count += len(frames)

    def vector(self) -> np.ndarray:
        """Return the vector of all windows added so far.

        Returns
        -------
        np.ndarray [shape=(512,), float64]

        Raises
        ------
        EmbeddingError
            If no window was added.
        """
        if not self._count:
            raise EmbeddingError("The song has no window to pool, so it has no vector.")
        return self._value if self._method == "max" else self._value / self._count
