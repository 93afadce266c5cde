"""Loudness as EBU R 128 measures it, true peaks, and bringing both to where they should be."""

from __future__ import annotations

import threading

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import resample_poly

BLOCK_S = 0.4
"""The gating block of EBU R 128: nothing shorter has a loudness."""

OVERSAMPLING = 4
LOOK_AHEAD_S = 0.01
RELEASE_DB_PER_S = 120.0
_CLOSE_ENOUGH_LU = 0.05
_MOST_ATTEMPTS = 16
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
    # It is needed where a preview is made, not wherever the page is served.
    from pyloudnorm import Meter

    if not len(samples):
        return -np.inf
    needed = int(np.ceil(BLOCK_S * sample_rate_hz)) + 1
    if len(samples) < needed:
        samples = np.tile(samples, (-(-needed // len(samples)), 1))
    with _lock:
        return float(Meter(sample_rate_hz).integrated_loudness(samples.astype(np.float64)))


def true_peaks(samples: np.ndarray) -> np.ndarray:
    """Return the largest magnitude around each sample, at four times the rate.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float32]

    Returns
    -------
    np.ndarray [shape=(n,), float32]
        Over all channels; multiplied by a gain, it is the peaks of the sound so multiplied.
    """
    peaks = np.zeros(len(samples), samples.dtype)
    for channel in samples.T:
        finer = np.abs(resample_poly(channel, OVERSAMPLING, 1))
        # NumPy is slow along so short an axis as four.
        for phase in range(OVERSAMPLING):
            np.maximum(peaks, finer[phase::OVERSAMPLING], out=peaks)
    return peaks


def to_decibels(value: float) -> float:
    """Return 20 log10 of a magnitude; -inf for 0."""
    return float(20 * np.log10(value)) if value > 0 else -np.inf


def bring_to(
    samples: np.ndarray, sample_rate_hz: int, *, loudness_lufs: float, ceiling_db: float, most_gain_db: float
) -> np.ndarray:
    """Give sound a loudness under a ceiling of true peak.

    A gain alone where the peaks allow it, else a gain and `limit`. Silence stays silence.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float32]
    loudness_lufs : float
        The integrated loudness to reach. What would take more than `most_gain_db` stays below it.
    ceiling_db : float
        dBTP that no peak exceeds.
    most_gain_db : float
        What is quieter than this can lift is left quieter: it is mostly noise.

    Returns
    -------
    np.ndarray [shape=(n, channels), float32]
    """
    peaks = true_peaks(samples)
    before = integrated_loudness(samples, sample_rate_hz)
    gain_db = min(loudness_lufs - before, most_gain_db) if np.isfinite(before) else 0.0
    for _ in range(_MOST_ATTEMPTS):
        louder = limit(samples, peaks, sample_rate_hz, gain_db=gain_db, ceiling_db=ceiling_db)
        if gain_db >= most_gain_db or not np.isfinite(before):
            break
        # The limiter takes some of it back, so the gain makes up for that.
        missing = loudness_lufs - integrated_loudness(louder, sample_rate_hz)
        if abs(missing) < _CLOSE_ENOUGH_LU:
            break
        gain_db = min(gain_db + missing, most_gain_db)
    return louder


def limit(
    samples: np.ndarray, peaks: np.ndarray, sample_rate_hz: int, *, gain_db: float, ceiling_db: float
) -> np.ndarray:
    """Apply a gain, and less of it around peaks that would exceed a ceiling.

    The reduction in dB is held for 10 ms before and after each peak, recovers by 120 dB a second, and
    is smoothed over the 20 ms around: all means over values that suffice, so that it suffices too.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float32]
    peaks : np.ndarray [shape=(n,)]
        As `true_peaks` gives them.

    Returns
    -------
    np.ndarray [shape=(n, channels), float32]
    """
    gains = np.float32(10 ** (gain_db / 20))
    highest = to_decibels(float(peaks.max(initial=0.0)))
    if highest + gain_db <= ceiling_db:
        return samples * gains
    half = max(1, int(LOOK_AHEAD_S * sample_rate_hz) // 2)
    with np.errstate(divide="ignore"):
        reduction = np.minimum(0.0, ceiling_db - gain_db - 20 * np.log10(peaks.astype(np.float64)))
    held = minimum_filter1d(reduction, 4 * half + 1, mode="nearest")
    recovery = np.arange(len(held)) * (RELEASE_DB_PER_S / sample_rate_hz)
    released = np.minimum(np.minimum.accumulate(held - recovery) + recovery, 0.0)
    # Two boxes of half the width are a triangle that ends where the hold does.
    smooth = uniform_filter1d(released, 2 * half + 1, mode="nearest")
    smooth = uniform_filter1d(smooth, 2 * half + 1, mode="nearest")
    return samples * (gains * 10 ** (smooth / 20)).astype(np.float32)[:, None]
