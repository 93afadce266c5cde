"""Measures a song's features while it is decoded: loudness and brightness, then tempo, key and energy."""

from __future__ import annotations

from collections import deque

import numpy as np
import soxr

from explorer.audio.spectral_curves import CurveMeter
from explorer.embedding.window_grid import SAMPLE_RATE_HZ
from explorer.structure.song_features import SongFeatures

METER_RATE_HZ = SAMPLE_RATE_HZ
"""The sample rate of the samples that are measured: that which songs are embedded at."""

MEASURED_S, SEARCHED_S = 600.0, 1200.0
"""Tempo and beats are those of at most ten minutes: the middle of the first twenty. Few songs are longer.
At most 80 MB of samples are held for it."""

KEY_S = 60.0
"""Key and energy are those of the middle minute: they take sonara six times as long as the beats."""

MIN_MEASURED_S = 2.0
"""The tempo, key and energy of shorter sounds are unknown."""

_RATE_HZ = 22_050
_BEAT_SAMPLES = 512
"""sonara is made for this sample rate, and counts the time of beats in frames of so many samples."""


class FeatureMeter:
    """Measures the features of a song from its mono samples.

    The average of the channels is measured, because the decoder delivers it, but the loudness is that of all
    channels.
    """

    def __init__(self) -> None:
        self._curves = CurveMeter()
        self._excerpt = _Excerpt()

    def add(self, samples: np.ndarray) -> None:
        """Add the next samples [shape=(m,), float32] at 48 kHz."""
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        self._curves.add(samples)
        self._excerpt.add(samples)

    def features(self, *, channel_power: float = 1.0) -> SongFeatures:
        """Return the features of all samples. No samples can be added afterwards.

        Parameters
        ----------
        channel_power : float
            As `CurveMeter.curves` takes it.
        """
        curves = self._curves.curves(channel_power=channel_power)
        measured = {}
        if curves.loudness_lufs is not None:
            measured = _rhythm_and_key(*self._excerpt.middle())
        return SongFeatures(
            loudness_lufs=curves.loudness_lufs,
            brightness_hz=curves.brightness_hz,
            loudness_curve=curves.loudness,
            brightness_curve=curves.brightness,
            **measured,
        )


class _Excerpt:
    """Keeps the middle of the sound so far, at the sample rate of sonara."""

    def __init__(self) -> None:
        self._resampler = soxr.ResampleStream(SAMPLE_RATE_HZ, _RATE_HZ, 1, dtype="float32", quality="HQ")
        self._blocks: deque[np.ndarray] = deque()
        self._n_dropped = self._n_samples = 0

    def add(self, samples: np.ndarray) -> None:
        """Add samples at 48 kHz, and drop those before the middle ten minutes."""
        if self._n_samples < SEARCHED_S * _RATE_HZ:
            self._keep(self._resampler.resample_chunk(samples))

    def _keep(self, block: np.ndarray) -> None:
        if not len(block):
            return
        self._blocks.append(block)
        self._n_samples += len(block)
        while self._n_dropped + len(self._blocks[0]) <= self._start():
            self._n_dropped += len(self._blocks.popleft())

    def _start(self) -> int:
        return max(0, round((self._n_samples - MEASURED_S * _RATE_HZ) / 2))

    def middle(self) -> tuple[np.ndarray, float]:
        """Return the samples of the middle, and its first second in the sound."""
        if self._n_samples < SEARCHED_S * _RATE_HZ:
            self._keep(self._resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True))
        start = self._start()
        samples = np.concatenate([np.empty(0, dtype=np.float32), *self._blocks])[start - self._n_dropped :]
        self._blocks.clear()
        return samples[: round(MEASURED_S * _RATE_HZ)], start / _RATE_HZ


def _rhythm_and_key(samples: np.ndarray, start_s: float) -> dict[str, object]:
    """Return the fields of `SongFeatures` that sonara measures; none if it is not installed, or fails."""
    if len(samples) < MIN_MEASURED_S * _RATE_HZ:
        return {}
    n_rest = max(0, len(samples) - round(KEY_S * _RATE_HZ))
    middle = samples[n_rest // 2 : len(samples) - (n_rest - n_rest // 2)]
    wanted = ["bpm", "beats", "key", "energy"]
    rhythm = key = _analyze(middle, wanted if not n_rest else wanted[2:])
    if key is not None and n_rest:
        rhythm = _analyze(samples, wanted[:2])
    if rhythm is None or key is None:
        return {}
    fields = {"energy": float(key["energy"]), "key": key["key"]}
    fields["key_confidence"] = float(key["key_confidence"])
    # Without two beats, the tempo is a preference of sonara: 120 bpm.
    if len(rhythm["beats"]) > 1:
        beats = np.asarray(rhythm["beats"], dtype=np.float64) * (_BEAT_SAMPLES / _RATE_HZ) + start_s
        fields |= {
            "beats_s": beats.astype(np.float32),
            "tempo_bpm": float(rhythm["bpm"]),
            "tempo_confidence": float(rhythm["bpm_confidence"]),
        }
    return fields


def _analyze(samples: np.ndarray, features: list[str]) -> dict | None:
    """Return what sonara measures; None if it is not installed, or fails on this sound."""
    try:
        import sonara

        return sonara.analyze_signal(np.ascontiguousarray(samples), sr=_RATE_HZ, features=features)
    except ImportError:
        return None  # There is no wheel for Linux on ARM.
    except BaseException as error:
        # An error inside sonara's native code is no `Exception`. The song is embedded without these features.
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        return None
