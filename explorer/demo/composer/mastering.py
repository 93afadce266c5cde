"""The last step: every piece equally loud, without clipping, with clean ends."""

import numpy as np

from explorer.audio.loudness import gain_to
from explorer.demo.composer.effects import highpass
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ

TARGET_LUFS = -20.0
"""The demo's most percussive songs have peaks 18 dB above their loudness: all of them fit below `PEAK_DB`."""

PEAK_DB = -2.0
"""dBTP: an MP3 overshoots what was encoded by up to a decibel."""

_MOST_GAIN_DB = 90.0


def master(mix: np.ndarray, *, fade_in_s: float = 0.008, fade_out_s: float = 0.5) -> np.ndarray:
    """Finish a mix: no rumble, the target loudness, peaks below the ceiling, faded ends.

    Parameters
    ----------
    mix : np.ndarray [shape=(n, 2), float32]
        At any level.
    fade_in_s, fade_out_s : float
        Lengths of the fades.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        At -20 LUFS, or quieter where a peak would be above -2 dBTP.
    """
    samples = highpass(mix, 28)
    gain_db = gain_to(
        samples, SAMPLE_RATE_HZ, loudness_lufs=TARGET_LUFS, peak_db=PEAK_DB, most_gain_db=_MOST_GAIN_DB
    )
    samples *= np.float32(10 ** (gain_db / 20))
    rise, fall = (round(s * SAMPLE_RATE_HZ) for s in (fade_in_s, fade_out_s))
    samples[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, dtype=np.float32))[:, None] ** 2
    samples[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall, dtype=np.float32))[:, None] ** 2
    return samples
