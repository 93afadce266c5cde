"""Measure loudness (EBU R 128) and true peaks, and compute the gain that gives sound a target loudness."""

from __future__ import annotations

import threading

import numpy as np

BLOCK_S = 0.4
"""Length of a gating block of EBU R 128. The loudness of shorter sound is not defined."""

OVERSAMPLING = 4
# One thread measures at a time: pyloudnorm switches Python's warnings off and on again, for all threads.
_warnings_lock = threading.Lock()


def integrated_loudness(samples: np.ndarray, sample_rate_hz: int) -> float:
    """Measure the integrated loudness as ITU-R BS.1770-4 and EBU R 128 define it.

    Sound shorter than one gating block of 0.4 s is repeated until it fills one.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float]
        One or two channels.

    Returns
    -------
    float
        LUFS; -inf for silence, which means below -70 LUFS.
    """
    # Imported here, because a decoding process needs it only when it makes a preview.
    from pyloudnorm import Meter

    if not len(samples):
        return -np.inf
    n_needed = int(np.ceil(BLOCK_S * sample_rate_hz)) + 1
    if len(samples) < n_needed:
        samples = np.tile(samples, (-(-n_needed // len(samples)), 1))
    with _warnings_lock:
        return float(Meter(sample_rate_hz).integrated_loudness(samples.astype(np.float64)))


def true_peak_db(samples: np.ndarray) -> float:
    """Return the true peak: the largest magnitude after oversampling by four (ITU-R BS.1770-4).

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float32]

    Returns
    -------
    float
        dBTP; -inf for silence.
    """
    from scipy.signal import resample_poly

    # Oversampling must not overflow, even if the samples are nearly the largest float32.
    scale = max(np.float32(1), np.abs(samples).max(initial=0.0))
    peak = np.abs(resample_poly(samples / scale, OVERSAMPLING, 1, axis=0)).max(initial=0.0)
    return float(20 * (np.log10(peak) + np.log10(scale))) if peak > 0 else -np.inf


def gain_to(
    samples: np.ndarray, sample_rate_hz: int, *, loudness_lufs: float, peak_db: float, max_gain_db: float
) -> float:
    """Return the gain that brings sound to a target loudness, or a smaller one if a limit requires it.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float32]
    loudness_lufs : float
        The target of the integrated loudness.
    peak_db : float
        Limit in dBTP: the gain raises no peak above it.
    max_gain_db : float
        Limit of the gain in dB: sound that needs more is mostly noise.

    Returns
    -------
    float
        Decibels; 0 for silence.
    """
    wanted_db = loudness_lufs - integrated_loudness(samples, sample_rate_hz)
    if not np.isfinite(wanted_db):
        wanted_db = 0.0
    return min(wanted_db, peak_db - true_peak_db(samples), max_gain_db)
