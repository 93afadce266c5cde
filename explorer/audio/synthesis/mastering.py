"""The last step: every piece equally loud, without clipping, with clean ends."""

import numpy as np
from scipy import ndimage, signal

from explorer.audio.synthesis.effects import highpass
from explorer.audio.synthesis.oscillators import SAMPLE_RATE_HZ

TARGET_LUFS = -17.0
CEILING = 10 ** (-2.0 / 20)
"""-2 dBFS: MP3 and the curve between samples overshoot by up to a decibel."""

_CONTROL = 64


def _k_weighting() -> np.ndarray:
    """ITU-R BS.1770's two filters at 44.1 kHz, from the analogue prototypes of its 48 kHz tables."""
    shelf = _shelf(1681.974, 3.99984, 0.7071752)
    tangent = np.tan(np.pi * 38.13547 / SAMPLE_RATE_HZ)
    scale = 1 + tangent / 0.5003270 + tangent**2
    high = [1, -2, 1, 1, 2 * (tangent**2 - 1) / scale, (1 - tangent / 0.5003270 + tangent**2) / scale]
    return np.array([shelf, high])


def _shelf(centre_hz: float, gain_db: float, quality: float) -> list[float]:
    tangent = np.tan(np.pi * centre_hz / SAMPLE_RATE_HZ)
    top = 10 ** (gain_db / 20)
    bend = top**0.4996667741545416
    scale = 1 + tangent / quality + tangent**2
    return [
        (top + bend * tangent / quality + tangent**2) / scale,
        2 * (tangent**2 - top) / scale,
        (top - bend * tangent / quality + tangent**2) / scale,
        1.0,
        2 * (tangent**2 - 1) / scale,
        (1 - tangent / quality + tangent**2) / scale,
    ]


def loudness(samples: np.ndarray) -> float:
    """Measure the gated loudness of ITU-R BS.1770.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, 2), float32]
        At 44.1 kHz, at least 0.4 s.

    Returns
    -------
    float
        In LUFS; minus infinity for silence.
    """
    weighted = signal.sosfilt(_k_weighting(), samples, axis=0)
    hop = SAMPLE_RATE_HZ // 10
    tenths = (weighted[: len(weighted) // hop * hop] ** 2).reshape(-1, hop, 2).mean(axis=1).sum(axis=1)
    power = np.convolve(tenths, np.full(4, 0.25), mode="valid")
    power = power[power > 10 ** ((-70 + 0.691) / 10)]
    if not len(power):
        return -np.inf
    gated = power[power > power.mean() * 0.1]
    return float(-0.691 + 10 * np.log10(gated.mean()))


def _true_peaks(samples: np.ndarray) -> np.ndarray:
    """The larger channel's magnitude at each sample or halfway to the next. [shape=(n,), float32]."""
    taps = np.arange(-7.5, 8)
    between = (np.sinc(taps) * signal.windows.kaiser(16, 5.0)).astype(np.float32)
    halfway = [np.abs(np.convolve(side, between)[8 : 8 + len(side)]) for side in samples.T]
    return np.maximum(np.abs(samples).max(axis=1), np.maximum(*halfway))


def limit(samples: np.ndarray, *, ceiling: float = CEILING) -> np.ndarray:
    """Turn down shortly before each peak that exceeds the ceiling, and back up after it.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, 2), float32]
        Of any level.
    ceiling : float
        The largest magnitude that comes out, halfway between samples too.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
    """
    count = len(samples)
    padded = np.pad(_true_peaks(samples), (0, -count % _CONTROL))
    peaks = np.maximum(padded.reshape(-1, _CONTROL).max(axis=1), ceiling)
    width = 15
    # The minimum over one window averaged over a narrower one never exceeds what each peak allows.
    gain = ndimage.minimum_filter1d(ceiling / peaks, 2 * width + 3, mode="nearest")
    window = signal.windows.hann(2 * width + 1)
    gain = np.convolve(np.pad(gain, width, mode="edge"), window / window.sum(), mode="valid")
    centres = (np.arange(len(gain)) + 0.5) * _CONTROL
    return samples * np.interp(np.arange(count), centres, gain)[:, None].astype(np.float32)


def master(mix: np.ndarray, *, fade_in_s: float = 0.008, fade_out_s: float = 0.5) -> np.ndarray:
    """Finish a mix: no rumble, the target loudness, peaks below the ceiling, faded ends.

    Parameters
    ----------
    mix : np.ndarray [shape=(n, 2), float32]
        At any level but silence.
    fade_in_s, fade_out_s : float
        Lengths of the fades.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        Within about a decibel of -17 LUFS, peak at most -2 dBFS.
    """
    samples = highpass(mix, 28)
    samples *= np.float32(10 ** ((TARGET_LUFS - loudness(samples)) / 20))
    samples = limit(samples)
    rise, fall = (round(s * SAMPLE_RATE_HZ) for s in (fade_in_s, fade_out_s))
    samples[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, dtype=np.float32))[:, None] ** 2
    samples[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall, dtype=np.float32))[:, None] ** 2
    return samples
