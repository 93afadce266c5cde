"""Seeded weights and sounds: the inputs of the published package's reference and of our tests.

NumPy guarantees that the random stream of RandomState never changes.
"""

import math
from typing import NamedTuple

import numpy as np

from explorer.embedding.network import LAYER_SHAPES

WINDOW_COUNT_SAMPLES = (1, 23_999, 24_000, 24_001, 48_000, 100_000, 131_071, 480_000)
WINDOW_COUNT_HOPS_S = (0.1, 0.29, 0.5, 0.7, 1.0, 1.7)


class Sound(NamedTuple):
    samples: np.ndarray
    sample_rate_hz: int
    hop_s: float


def seeded_arrays(seed: int = 3) -> tuple[np.ndarray, ...]:
    """Make weights in which every array affects the result: no bias is zero, no batch norm the identity."""
    random = np.random.RandomState(seed)
    arrays = []
    for number, (kind, shapes) in enumerate(LAYER_SHAPES):
        if kind == "conv2d":
            fan_in = math.prod(shapes[0][:-1])
            arrays.append(random.standard_normal(shapes[0]) * math.sqrt(2 / fan_in))
            arrays.append(random.standard_normal(shapes[1]) * 0.2)
        else:
            mean, variance = (-45.0, 300.0) if number == 0 else (0.0, 1.0)
            arrays.append(random.uniform(0.6, 1.4, shapes[0]))
            arrays.append(random.standard_normal(shapes[1]) * 0.2)
            arrays.append(random.standard_normal(shapes[2]) * 0.2 + mean)
            arrays.append(random.uniform(0.6, 1.4, shapes[3]) * variance)
    return tuple(array.astype(np.float32) for array in arrays)


def tune(duration_s: float, sample_rate_hz: int, seed: int) -> np.ndarray:
    """Return decaying notes with overtones and a little noise: float32, within -1 to 1."""
    random = np.random.RandomState(seed)
    times_s = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    samples = random.standard_normal(times_s.size) * 0.003
    for start_s in np.arange(0, duration_s, 0.25):
        pitch_hz = 110 * 2 ** (random.randint(0, 36) / 12)
        age_s = np.maximum(0, times_s - start_s)
        envelope = np.exp(-4 * age_s) * (age_s > 0)
        for overtone in (1, 2, 3, 5):
            samples += 0.1 / overtone * envelope * np.sin(2 * np.pi * pitch_hz * overtone * age_s)
    return (samples / max(1.0, np.abs(samples).max())).astype(np.float32)


def chord(duration_s: float) -> np.ndarray:
    """Return a C major chord of pure tones: most bands hold only rounding errors."""
    times_s = np.arange(round(duration_s * 48_000)) / 48_000
    return (0.3 * sum(np.sin(2 * np.pi * f * times_s) for f in (261.63, 329.63, 392.0))).astype(np.float32)


def without_treble(samples: np.ndarray, sample_rate_hz: int, limit_hz: float) -> np.ndarray:
    """Remove all frequencies above a limit, as lossy codecs do."""
    spectrum = np.fft.rfft(samples.astype(np.float64))
    spectrum[np.fft.rfftfreq(len(samples), 1 / sample_rate_hz) > limit_hz] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def sounds() -> dict[str, Sound]:
    """Return the named sounds of the reference."""
    stereo = np.stack([tune(1.7, 44_100, 5), tune(1.7, 44_100, 6)], axis=1)
    return {
        "hop_0.1": Sound(tune(1.2, 48_000, 1), 48_000, 0.1),
        "hop_0.1_with_a_rest": Sound(tune(0.73, 48_000, 8), 48_000, 0.1),
        "hop_0.5": Sound(tune(2.2, 48_000, 2), 48_000, 0.5),
        "hop_0.5_without_a_rest": Sound(tune(1.5, 48_000, 9), 48_000, 0.5),
        "hop_1.0": Sound(tune(2.2, 48_000, 2), 48_000, 1.0),
        "hop_1.0_without_a_rest": Sound(tune(2.5, 48_000, 10), 48_000, 1.0),
        "shorter_than_a_window": Sound(tune(0.3, 48_000, 3), 48_000, 0.1),
        "one_second": Sound(tune(1.0, 48_000, 4), 48_000, 0.5),
        "pure_tones": Sound(chord(2.0), 48_000, 0.5),
        "no_treble": Sound(without_treble(tune(2.0, 48_000, 13), 48_000, 15_000), 48_000, 0.5),
        "silence": Sound(np.zeros(48_000, np.float32), 48_000, 0.5),
        "stereo_44100": Sound(stereo, 44_100, 0.5),
        "mono_22050": Sound(tune(1.7, 22_050, 7), 22_050, 0.5),
        "mono_96000": Sound(tune(1.7, 96_000, 11), 96_000, 0.5),
        "mono_8000": Sound(tune(1.7, 8_000, 12), 8_000, 0.5),
    }
