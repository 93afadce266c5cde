"""From a song's windows to its one vector."""

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
        One row per 1 s window, as OpenL3 gives them: unbounded, possibly negative.
    method : {"max", "mean"}
        The maximum keeps what is distinctive; Cramer et al. (2019) pool this way.

    Returns
    -------
    np.ndarray [shape=(512,), float64]

    Raises
    ------
    EmbeddingError
        If there is no window, a row has not 512 values, a value is not finite, or the method is
        another.
    """
    if method not in METHODS:
        raise EmbeddingError(f"Pooling '{method}' does not exist: choose one of {', '.join(METHODS)}.")
    frames = np.asarray(frames, dtype=np.float64)
    if frames.ndim != 2 or frames.shape[1] != EMBEDDING_SIZE:
        raise EmbeddingError(f"Embeddings of shape {frames.shape} must be of shape (T, {EMBEDDING_SIZE}).")
    if not len(frames):
        raise EmbeddingError("There is no window to pool: the song has no embedding.")
    if not np.isfinite(frames).all():
        raise EmbeddingError("The embeddings hold NaN or infinite values, so they cannot be pooled.")
    return frames.max(axis=0) if method == "max" else frames.mean(axis=0)
