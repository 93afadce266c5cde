"""Loudness as EBU R 128 measures it, true peaks, and the gain that brings sound to a loudness."""

from __future__ import annotations

import threading

import numpy as np

BLOCK_S = 0.4
"""The gating block of EBU R 128: nothing shorter has a loudness."""

OVERSAMPLING = 4
# pyloudnorm switches warnings off and on again, which concerns every thread.
_lock = threading.Lock()


def integrated_loudness(samples: np.ndarray, sample_rate_hz: int) -> float:
    """Measure the integrated loudness after ITU-R BS.1770-4 and EBU R 128.

    Sound shorter than one gating block of 0.4 s is measured as if it were played over and over.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float]
        One or two channels.

    Returns
    -------
    float
        LUFS; -inf for silence, which is all below -70 LUFS.
    """
    # Imported where a preview is made, not wherever the page is served.
    from pyloudnorm import Meter

    if not len(samples):
        return -np.inf
    needed = int(np.ceil(BLOCK_S * sample_rate_hz)) + 1
    if len(samples) < needed:
        samples = np.tile(samples, (-(-needed // len(samples)), 1))
    with _lock:
        return float(Meter(sample_rate_hz).integrated_loudness(samples.astype(np.float64)))


def true_peak_db(samples: np.ndarray) -> float:
    """Return the largest magnitude at four times the rate, as ITU-R BS.1770-4 has it.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float32]

    Returns
    -------
    float
        dBTP; -inf for silence.
    """
    from scipy.signal import resample_poly

    peak = np.abs(resample_poly(samples, OVERSAMPLING, 1, axis=0)).max(initial=0.0)
    return float(20 * np.log10(peak)) if peak > 0 else -np.inf


def gain_to(
    samples: np.ndarray, sample_rate_hz: int, *, loudness_lufs: float, peak_db: float, most_gain_db: float
) -> float:
    """Return the gain that gives sound a loudness, or less of it.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float32]
    loudness_lufs : float
        The integrated loudness to reach.
    peak_db : float
        dBTP that no peak may exceed: sound whose peaks would stays quieter.
    most_gain_db : float
        Sound that would need more gain stays quieter too: it is mostly noise.

    Returns
    -------
    float
        Decibels; 0 for silence.
    """
    wanted_db = loudness_lufs - integrated_loudness(samples, sample_rate_hz)
    if not np.isfinite(wanted_db):
        wanted_db = 0.0
    return min(wanted_db, peak_db - true_peak_db(samples), most_gain_db)
