"""Limit samples to what encoders accept."""

from __future__ import annotations

import numpy as np


def limit_samples(samples: np.ndarray) -> np.ndarray:
    """Return samples within full scale; those that are not numbers become silence.

    Call this before each encoder: LAME ends the process if a sample is huge or not a number, and PCM encoders
    may wrap.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,) or (n, channels), float]

    Returns
    -------
    np.ndarray
        Of the same shape and type, from -1 to 1.
    """
    return np.nan_to_num(np.clip(samples, -1.0, 1.0), copy=False, nan=0.0)
