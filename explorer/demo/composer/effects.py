"""Audio effects: filters, saturation, reverb, echo, chorus and ducking."""

import math
from functools import lru_cache

import numpy as np
from scipy import signal

from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ, sample_times


@lru_cache(maxsize=256)
def _butterworth(kind: str, cutoff_hz, order: int) -> np.ndarray:
    """Design a Butterworth filter as second-order sections. [shape=(sections, 6)]."""
    sections = signal.butter(order, cutoff_hz, kind, fs=SAMPLE_RATE_HZ, output="sos")
    # Filters in float32 are twice as fast, but rounding makes them drift at cutoffs below 60 Hz.
    return sections if np.min(cutoff_hz) < 60 else sections.astype(np.float32)


def lowpass(sound: np.ndarray, cutoff_hz: float, *, order: int = 2) -> np.ndarray:
    """Remove what is above a frequency, along the first axis."""
    return _filter(sound, "lowpass", float(cutoff_hz), order)


def highpass(sound: np.ndarray, cutoff_hz: float, *, order: int = 2) -> np.ndarray:
    """Remove what is below a frequency, along the first axis."""
    return _filter(sound, "highpass", float(cutoff_hz), order)


def bandpass(sound: np.ndarray, low_hz: float, high_hz: float, *, order: int = 2) -> np.ndarray:
    """Keep the band between two frequencies, along the first axis."""
    return _filter(sound, "bandpass", (float(low_hz), float(high_hz)), order)


def _filter(sound: np.ndarray, kind: str, cutoff_hz, order: int) -> np.ndarray:
    return signal.sosfilt(_butterworth(kind, cutoff_hz, order), sound, axis=0).astype(np.float32)


def drive(sound: np.ndarray, amount: float) -> np.ndarray:
    """Distort as a valve amplifier does: `amount` 1 distorts a little, 6 strongly; a peak of 1 stays 1."""
    return np.tanh(sound * np.float32(amount)) / np.float32(np.tanh(amount))


@lru_cache(maxsize=32)
def room_impulse(decay_s: float, *, damping_hz: float = 5000.0, predelay_s: float = 0.012) -> np.ndarray:
    """Make a room's impulse response: noise that decays, its treble faster. [shape=(n, 2), float32].

    decay_s: time to fall by 60 dB.
    damping_hz: the walls absorb the frequencies above this.
    predelay_s: time until the first reflection.
    """
    rng = np.random.default_rng(round(decay_s * 1000))
    count = int(decay_s * SAMPLE_RATE_HZ * 0.85)
    time = sample_times(count)[:, None]
    noise = rng.standard_normal((count, 2), dtype=np.float32)
    dull = lowpass(noise, damping_hz / 3)
    bright = bandpass(noise, damping_hz / 3, damping_hz, order=1) * 0.7
    tail = dull * np.exp(-6.9 * time / decay_s) + bright * np.exp(-13 * time / decay_s)
    tail *= np.minimum(1, time / 0.012)
    for delay_s in rng.uniform(0.004, 0.05, 9):
        tail[int(delay_s * SAMPLE_RATE_HZ), rng.integers(2)] += 2.0 * rng.choice([-1, 1])
    tail *= np.minimum(1, (time[-1] - time) / 0.1)
    silence = np.zeros((int(predelay_s * SAMPLE_RATE_HZ), 2), dtype=np.float32)
    tail = highpass(tail, 120)
    return np.concatenate([silence, tail / np.sqrt((tail**2).sum(axis=0))])


def reverberate(sound: np.ndarray, impulse: np.ndarray, *, wet: float) -> np.ndarray:
    """Add reverb to a stereo sound, without making it longer. [shape=(n, 2), float32].

    impulse: from `room_impulse`. wet: level of the reverb.
    """
    send = sound.mean(axis=1, keepdims=True)
    return sound + np.float32(wet) * signal.oaconvolve(send, impulse, axes=0)[: len(sound)]


def echo(
    sound: np.ndarray, delay_s: float, *, feedback: float = 0.5, wet: float = 0.5, darken_hz: float = 2500.0
) -> np.ndarray:
    """Add a tape echo: the repeats alternate between left and right and get duller. [shape=(n, 2), float32].

    delay_s: time between repeats.
    feedback: level of a repeat relative to the previous repeat, below 1.
    wet: level of the first repeat.
    darken_hz: cutoff of the low-pass filter that is applied once per repeat.
    """
    impulse = _echo_impulse(round(delay_s * SAMPLE_RATE_HZ), feedback, wet, darken_hz)
    send = sound.mean(axis=1, keepdims=True)
    return sound + signal.oaconvolve(send, impulse, axes=0)[: len(sound)]


def _echo_impulse(delay: int, feedback: float, wet: float, darken_hz: float) -> np.ndarray:
    """Return the impulse response of the echo, without the dry sound. [shape=(n, 2), float32]."""
    repeats = max(1, math.ceil(math.log(0.03 / wet) / math.log(feedback)))
    impulse = np.zeros((delay * repeats + 2048, 2), dtype=np.float32)
    click = np.zeros(2048, dtype=np.float32)
    click[0] = wet
    click = highpass(click, 180, order=1)
    for number in range(repeats):
        click = lowpass(click, darken_hz, order=1)
        start = delay * (number + 1)
        impulse[start : start + 2048, number % 2] += click
        impulse[start : start + 2048, 1 - number % 2] += 0.45 * click
        click = click * feedback
    return impulse


def chorus(sound: np.ndarray, *, depth_ms: float = 2.5, rate_hz: float = 0.6, wet: float = 0.5) -> np.ndarray:
    """Add a copy with a varying delay: longer on the left when shorter on the right. [shape=(n, 2), float32].

    depth_ms, rate_hz: amplitude and frequency of the delay's variation. wet: level of the copy.
    """
    count = len(sound)
    drift = np.sin(np.float32(2 * np.pi * rate_hz) * sample_times(count)) * np.float32(depth_ms / 1000)
    out = sound.copy()
    for side, sign in ((0, 1), (1, -1)):
        position = np.arange(count) - (0.014 + sign * drift) * SAMPLE_RATE_HZ
        np.clip(position, 0, count - 2, out=position)
        index = position.astype(np.int32)
        fraction = (position - index).astype(np.float32)
        early = sound[index, side]
        out[:, side] += np.float32(wet) * (early + fraction * (sound[index + 1, side] - early))
    return out


def duck(sound: np.ndarray, times_s, *, depth: float = 0.7, release_s: float = 0.25) -> np.ndarray:
    """Make a sound quieter for a moment at given times, as a side-chain compressor does with a bass drum.

    sound: [shape=(n, 2), float32]; the result has the same shape.
    times_s: the times in seconds.
    depth: 0 changes nothing, 1 makes the sound silent at these times.
    release_s: time until the level is back to normal.
    """
    count = len(sound)
    times = sample_times(count)
    starts = np.asarray(sorted(times_s), dtype=np.float32)
    last = np.searchsorted(starts, times, side="right") - 1
    elapsed_s = np.where(last >= 0, times - starts[np.maximum(last, 0)], 9.0)
    gain = 1 - depth * np.clip(1 - elapsed_s / release_s, 0, 1) ** 2
    return sound * gain[:, None].astype(np.float32)
