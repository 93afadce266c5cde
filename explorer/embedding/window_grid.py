"""Where OpenL3's windows lie in a song. Reading a file needs this too, without the front end's libraries."""

from __future__ import annotations

import math

import numpy as np

from explorer.errors import EmbeddingError

SAMPLE_RATE_HZ = 48_000
"""The sample rate that the network needs."""

WINDOW_SAMPLES = 48_000
"""One second. Each embedding describes one window."""

PADDING_SAMPLES = 24_000
"""Zeros added before the first sample, so that a window's timestamp is at its centre."""


def hop_samples(*, hop_s: float) -> int:
    """Convert a hop to samples, rounded down as in openl3.

    Parameters
    ----------
    hop_s : float
        Seconds from the start of a window to the start of the next.

    Returns
    -------
    int
        ``int(hop_s * 48000)``, at least 1.

    Raises
    ------
    EmbeddingError
        If the hop is not finite, or shorter than one sample.
    """
    if not math.isfinite(hop_s) or int(hop_s * SAMPLE_RATE_HZ) < 1:
        raise EmbeddingError(
            f"A hop of {hop_s} s is not possible: it must be finite and at least one sample,"
            f" {1 / SAMPLE_RATE_HZ:.7f} s."
        )
    return int(hop_s * SAMPLE_RATE_HZ)


def count_windows(n_samples: int, *, hop_s: float) -> int:
    """Count the windows of a song.

    Parameters
    ----------
    n_samples : int
        Samples of the song at 48 kHz, without padding; at least 1.
    hop_s : float
        Seconds from the start of a window to the start of the next.

    Returns
    -------
    int
        ``1 + ceil((24000 + n_samples - 48000) / hop)``, at least 1.

    Raises
    ------
    EmbeddingError
        If `n_samples` is less than 1, or the hop is shorter than one sample.
    """
    if n_samples < 1:
        raise EmbeddingError(f"n_samples={n_samples} gives no window: there is no sound to embed.")
    after_first_window = max(0, PADDING_SAMPLES + n_samples - WINDOW_SAMPLES)
    return 1 + -(-after_first_window // hop_samples(hop_s=hop_s))


def choose_windows(n_windows: int, *, count: int) -> np.ndarray:
    """Choose windows of a song: the first, the last, and the others evenly between these two.

    The ends matter: many values of a full vector come from the first or the last window (docs/figures.md).
    Between the ends, the song is cut into equal pieces, and the window in the middle of each is taken.

    Parameters
    ----------
    n_windows : int
        Number of the song's windows.
    count : int
        How many windows to choose; all of them are chosen if the song has no more.

    Returns
    -------
    np.ndarray [shape=(min(n_windows, count),), int64]
        Their numbers, counted from 0, in ascending order.
    """
    n_chosen = min(n_windows, count)
    if n_chosen < 2:
        return np.arange(n_windows // 2, n_windows // 2 + n_chosen)
    if n_chosen == 2:
        return np.array([0, n_windows - 1])
    n_pieces = n_chosen - 2
    between = 1 + (2 * np.arange(n_pieces) + 1) * (n_windows - 2) // (2 * n_pieces)
    return np.concatenate([[0], between, [n_windows - 1]])
