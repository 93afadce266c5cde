"""Measures loudness (ITU-R BS.1770-4, EBU R 128) and brightness of a sound, block by block.

The K-weighting of the loudness is applied to the spectra that the brightness is computed from, so the sound
is transformed only once. Frames overlap by half under a sine window: the squares of the window add up to one,
so the energies of the frames add up to the energy of the sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.embedding.window_grid import SAMPLE_RATE_HZ
from explorer.structure.song_features import CURVE_STEP_S, SILENT_LUFS

_STEPS_PER_S = 10
"""The gating blocks of BS.1770 begin every 0.1 s."""

_FRAMES_PER_STEP = 3
_HOP = SAMPLE_RATE_HZ // (_STEPS_PER_S * _FRAMES_PER_STEP)
_FRAMES_AT_ONCE = 30
_STEPS_PER_VALUE = round(CURVE_STEP_S * _STEPS_PER_S)
_GATING_STEPS = 4
_SHORT_TERM_STEPS = 3 * _STEPS_PER_S
_RELATIVE_GATE_LU = -10.0
_LOUDNESS_OFFSET = -0.691
"""Makes the loudness of a sine of 997 Hz its level."""

_K_FILTERS = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)
"""Numerator and denominator of each filter at 48 kHz: BS.1770-4, tables 1 and 2."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Loudness and brightness of a sound.

    Attributes
    ----------
    loudness_lufs : float or None
        Integrated loudness; None for silence, which means below -70 LUFS.
    brightness_hz : float or None
        Spectral centroid; None for silence.
    loudness, brightness : np.ndarray [shape=(m,), float32]
        As `SongFeatures` has them.
    """

    loudness_lufs: float | None
    brightness_hz: float | None
    loudness: np.ndarray
    brightness: np.ndarray


class CurveMeter:
    """Measures loudness and brightness. It keeps 360 bytes for each second of sound."""

    def __init__(self) -> None:
        self._n_samples = 0
        # The last samples: the first half of the next frame. Half a frame of zeros precedes the sound.
        self._waiting = np.zeros(_HOP, dtype=np.float32)
        self._sums: list[np.ndarray] = []
        self._window = np.sin(np.pi * (np.arange(2 * _HOP) + 0.5) / (2 * _HOP)).astype(np.float32)
        frequencies = np.fft.rfftfreq(2 * _HOP, 1 / SAMPLE_RATE_HZ)
        self._centroid = np.stack([frequencies, np.ones_like(frequencies)], axis=1).astype(np.float32)
        # A real transform has half of the energy of each frequency; K-weighted sound has none at zero.
        self._weights = (2 * k_weighting(frequencies) / (2 * _HOP)).astype(np.float32)

    def add(self, samples: np.ndarray) -> None:
        """Add the next samples [shape=(m,), float32] at 48 kHz; all are finite."""
        self._n_samples += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= (_FRAMES_AT_ONCE + 1) * _HOP:
            self._transform(_FRAMES_AT_ONCE)

    def _transform(self, n_frames: int) -> None:
        halves = self._waiting[: (n_frames + 1) * _HOP].reshape(n_frames + 1, _HOP)
        self._waiting = self._waiting[n_frames * _HOP :]
        spectra = np.fft.rfft(np.concatenate([halves[:-1], halves[1:]], axis=1) * self._window)
        power = np.square(spectra.real) + np.square(spectra.imag)
        energy = (power @ self._weights)[:, None]
        # Of each frame: its K-weighted energy, and the two sums of its spectral centroid.
        self._sums.append(np.concatenate([energy, np.sqrt(power, out=power) @ self._centroid], axis=1))

    def curves(self, *, channel_power: float = 1.0) -> Curves:
        """Return the curves of all samples. No samples can be added afterwards.

        Parameters
        ----------
        channel_power : float
            The power of all channels together, divided by the power of the mono samples. BS.1770 adds the
            powers of the channels: two equal channels are 3 dB louder than their average.
        """
        n_samples = self._n_samples
        if not n_samples:
            return Curves(None, None, *(np.zeros(0, dtype=np.float32),) * 2)
        # Complete the last step with zeros, and add half a frame so that the last samples are in two frames.
        step = _FRAMES_PER_STEP * _HOP
        n_steps = -(-n_samples // step)
        self.add(np.zeros(n_steps * step - n_samples + _HOP, dtype=np.float32))
        self._transform(len(self._waiting) // _HOP - 1)
        energy, weighted, magnitude = _sums_of_steps(np.concatenate(self._sums).astype(np.float64)).T
        energy = energy * channel_power
        samples_of_step = np.full(n_steps, float(step))
        samples_of_step[-1] -= n_steps * step - n_samples
        loudness = _short_term(energy, samples_of_step)
        first_steps = np.arange(0, n_steps, _STEPS_PER_VALUE)
        weighted, magnitude = (np.add.reduceat(sums, first_steps) for sums in (weighted, magnitude))
        is_loud = loudness > SILENT_LUFS
        brightness = np.divide(
            weighted, magnitude, out=np.zeros(len(weighted)), where=is_loud & (magnitude > 0)
        )
        return Curves(
            _integrated(energy, samples_of_step),
            float(weighted[is_loud].sum() / magnitude[is_loud].sum()) if is_loud.any() else None,
            loudness.astype(np.float32),
            brightness.astype(np.float32),
        )


def _sums_of_steps(frames: np.ndarray) -> np.ndarray:
    """Add up the rows of the frames of each step; half of a frame between two steps belongs to each."""
    between = frames[::_FRAMES_PER_STEP].copy()
    between[1:-1] /= 2
    inside = frames[:-1].reshape(-1, _FRAMES_PER_STEP, frames.shape[1])[:, 1:].sum(axis=1)
    return inside + between[1:] + between[:-1]


def k_weighting(frequencies_hz: np.ndarray) -> np.ndarray:
    """Return the K-weighting of BS.1770-4: by how much it multiplies the power at each frequency."""
    delay = np.exp(-2j * np.pi * np.asarray(frequencies_hz, dtype=np.float64) / SAMPLE_RATE_HZ)
    gains = [np.polyval(b[::-1], delay) / np.polyval(a[::-1], delay) for b, a in _K_FILTERS]
    return np.square(np.abs(np.prod(gains, axis=0)))


def _loudness(mean_square: np.ndarray) -> np.ndarray:
    """Convert a K-weighted mean square to LUFS; silence is `SILENT_LUFS`."""
    silence = 10 ** ((SILENT_LUFS - _LOUDNESS_OFFSET) / 10)
    return _LOUDNESS_OFFSET + 10 * np.log10(np.maximum(mean_square, silence))


def _short_term(energy: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the loudness of the three seconds around each second; at both ends of the sound, of fewer."""
    totals = [np.concatenate([[0.0], np.cumsum(values)]) for values in (energy, samples)]
    starts = np.arange(0, len(energy), _STEPS_PER_VALUE)
    margin = (_SHORT_TERM_STEPS - _STEPS_PER_VALUE) // 2
    first = np.maximum(starts - margin, 0)
    last = np.minimum(starts + _STEPS_PER_VALUE + margin, len(energy))
    energy, samples = (total[last] - total[first] for total in totals)
    return _loudness(energy / samples)


def _integrated(energy: np.ndarray, samples: np.ndarray) -> float | None:
    """Return the integrated loudness with both gates of BS.1770-4, or None if all is silent.

    A sound that is not longer than a gating block is a block of its own.
    """
    if len(energy) <= _GATING_STEPS:
        blocks = np.array([energy.sum() / samples.sum()])
    else:
        # No gating block ends with an incomplete step.
        n_whole = len(energy) - (samples[-1] < samples[0])
        steps = np.lib.stride_tricks.sliding_window_view(energy[:n_whole], _GATING_STEPS)
        blocks = steps.sum(axis=1) / (_GATING_STEPS * samples[0])
    blocks = blocks[_loudness(blocks) > SILENT_LUFS]
    if not len(blocks):
        return None
    gate = _loudness(blocks.mean()) + _RELATIVE_GATE_LU
    return float(_loudness(blocks[_loudness(blocks) > gate].mean()))
