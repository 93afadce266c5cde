"""The musical features of a song: what is measured from its sound beside the embedding."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

CURVE_STEP_S = 1.0
"""Seconds from one value of a curve to the next. Value i describes the second from i to i + 1."""


SILENT_LUFS = -70.0
"""Sound that is not louder is silence: the absolute gate of EBU R 128."""


def _no_values() -> np.ndarray:
    return np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class SongFeatures:
    """What was measured from a song's sound. A value is None where the sound has none, such as silence.

    Attributes
    ----------
    tempo_bpm : float or None
        Beats per minute; half or twice as many may be meant.
    tempo_confidence : float
        From 0, a guess, to 1.
    key : str or None
        Tonic and mode, such as "A minor" or "F# major"; sharps only.
    key_confidence : float
        From 0, a guess, to 1.
    energy : float or None
        How energetic the song sounds, from 0 to 1.
    loudness_lufs : float or None
        Integrated loudness after EBU R 128.
    brightness_hz : float or None
        The spectral centroid: the mean frequency, weighted by the magnitudes of the spectra. Loud moments
        count more than quiet ones.
    beats_s : np.ndarray [shape=(b,), float32]
        The times of the beats; of songs longer than ten minutes, only those near the middle.
    loudness_curve : np.ndarray [shape=(m,), float32]
        Short-term loudness in LUFS, one value each `CURVE_STEP_S`: that of the three seconds around it.
        Silence is `SILENT_LUFS`.
    brightness_curve : np.ndarray [shape=(m,), float32]
        Spectral centroid in Hz, one value each `CURVE_STEP_S`; 0 where it is silent.
    """

    tempo_bpm: float | None = None
    tempo_confidence: float = 0.0
    key: str | None = None
    key_confidence: float = 0.0
    energy: float | None = None
    loudness_lufs: float | None = None
    brightness_hz: float | None = None
    beats_s: np.ndarray = field(default_factory=_no_values)
    loudness_curve: np.ndarray = field(default_factory=_no_values)
    brightness_curve: np.ndarray = field(default_factory=_no_values)

    @property
    def audible_loudness(self) -> np.ndarray:
        """The curve of loudness, with NaN where it is silent [shape=(m,)]."""
        return np.where(self.loudness_curve > SILENT_LUFS, self.loudness_curve, np.nan)

    @property
    def audible_brightness(self) -> np.ndarray:
        """The curve of brightness, with NaN where it is silent [shape=(m,)]."""
        return np.where(self.brightness_curve > 0, self.brightness_curve, np.nan)
