"""Masters a mix: brings it to the target loudness without clipping, and fades its ends."""

import numpy as np

from explorer.audio.loudness import gain_to
from explorer.demo.composer.effects import highpass
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ

TARGET_LUFS = -20.0
"""The demo's most percussive songs have peaks 18 dB above their loudness, so these are below `PEAK_DB`."""

PEAK_DB = -2.0
"""The highest true peak in dBTP. MP3 encoding can raise peaks by up to 1 dB."""

_MAX_GAIN_DB = 90.0


def master(mix: np.ndarray, *, fade_in_s: float = 0.008, fade_out_s: float = 0.5) -> np.ndarray:
    """Master a mix: remove rumble, bring it to the target loudness, and fade its ends.

    Parameters
    ----------
    mix : np.ndarray [shape=(n, 2), float32]
        At any level.
    fade_in_s, fade_out_s : float
        Lengths of the fades.

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]
        At -20 LUFS, or quieter if a peak would exceed -2 dBTP.
    """
    samples = highpass(mix, 28)
    gain_db = gain_to(
        samples, SAMPLE_RATE_HZ, loudness_lufs=TARGET_LUFS, peak_db=PEAK_DB, max_gain_db=_MAX_GAIN_DB
    )
    samples *= np.float32(10 ** (gain_db / 20))
    fade_in, fade_out = (round(s * SAMPLE_RATE_HZ) for s in (fade_in_s, fade_out_s))
    samples[:fade_in] *= np.sin(np.linspace(0, np.pi / 2, fade_in, dtype=np.float32))[:, None] ** 2
    samples[-fade_out:] *= np.cos(np.linspace(0, np.pi / 2, fade_out, dtype=np.float32))[:, None] ** 2
    return samples
