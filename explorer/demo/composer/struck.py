"""Instruments that are struck or plucked and then decay: pianos, guitars, basses, metal bars, gongs.

Each function takes a timbre and returns an instrument (see `score.Instrument`).
"""

import numpy as np

from explorer.demo.composer.effects import drive, highpass, lowpass
from explorer.demo.composer.oscillators import (
    SAMPLE_RATE_HZ,
    damped_partials,
    fm,
    pitch_to_hz,
    pluck,
    sample_times,
)
from explorer.demo.composer.score import Instrument


def _release(sound: np.ndarray, *, duration_s: float, release_s: float) -> np.ndarray:
    """Fade the sound out from the end of the note, down to zero at the last sample."""
    time = sample_times(len(sound))
    fade = np.exp(-np.maximum(0, time - duration_s) * (5 / release_s))
    tail = min(len(sound), 600)
    fade[-tail:] *= np.linspace(1, 0, tail, dtype=np.float32)
    return sound * fade


def _sample_count(duration_s: float, release_s: float) -> int:
    return max(1200, int((duration_s + release_s) * SAMPLE_RATE_HZ))


def piano(rng: np.random.Generator, *, softness: float = 1.0, release_s: float = 0.25) -> Instrument:
    """Make a grand piano: stiff strings in pairs, a felt hammer, and a fast and a slow decay.

    softness: softness of the felt; above 1 the sound is duller.
    release_s: time in which the dampers stop a note.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        count = _sample_count(duration_s, release_s)
        base_hz = pitch_to_hz(pitch)
        k = np.arange(1, int(np.clip(9000 / base_hz, 3, 32)))
        stiffness = 10 ** (-4 + (pitch - 36) / 36)
        partials_hz = k * base_hz * np.sqrt(1 + stiffness * k**2)
        hammer_hz = (700 + 2600 * velocity**1.5) / softness
        gains = np.abs(np.sin(np.pi * k / 8.3)) * np.exp(-k * base_hz / hammer_hz) / k**0.4
        gains /= np.sqrt((gains**2).sum())
        decays_s = 11 * 2 ** (-(pitch - 40) / 20) / (1 + 0.1 * k)
        # Tuning, gain, decay. Two coupled strings lose most of their energy fast; the rest decays slowly.
        parts = [(1.0006, 0.55, 0.35), (0.9996, 0.35, 0.45), (1.0, 0.22, 1.2)]
        sound = damped_partials(
            np.concatenate([partials_hz * tuning for tuning, _, _ in parts]),
            np.concatenate([gains * gain for _, gain, _ in parts]),
            np.concatenate([decays_s * share for _, _, share in parts]),
            count=count,
            phases=np.tile(rng.uniform(-0.6, 0.6, len(k)), 3),
        )
        time = sample_times(count)
        knock = lowpass(rng.standard_normal(count, dtype=np.float32), 500) * np.exp(-time / 0.02)
        sound = (sound + 0.25 * velocity * knock) * np.minimum(1, time / 0.0015)
        return _release(sound, duration_s=duration_s, release_s=release_s)

    return render


def electric_piano(*, bell: float = 1.0, release_s: float = 0.15) -> Instrument:
    """Make an electric piano by frequency modulation; high velocities sound harsher.

    bell: loudness of the high overtone. release_s: time in which the dampers stop a note.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        count = _sample_count(duration_s, release_s)
        time = sample_times(count)
        body = fm(pitch_to_hz(pitch), ratio=1.0, index=1.6 * velocity * np.exp(-time / 0.5), count=count)
        tine = fm(
            pitch_to_hz(pitch),
            ratio=14.0,
            index=0.5 * velocity * np.exp(-time / 0.09),
            count=count,
            detune_cents=3,
        )
        sound = (body + 0.4 * bell * tine) * np.exp(-time / 1.1) * np.minimum(1, time / 0.002)
        return _release(sound, duration_s=duration_s, release_s=release_s)

    return render


def guitar(
    rng: np.random.Generator,
    *,
    brightness: float = 0.6,
    decay_s: float = 3.5,
    damping: float = 0.25,
    position: float = 0.2,
    release_s: float = 0.12,
    courses: int = 1,
    grit: float = 0.0,
) -> Instrument:
    """Make plucked strings: a guitar, a mandolin or a harpsichord.

    brightness, decay_s, damping, position: as for `oscillators.pluck`; the velocity adds to the brightness.
    release_s: time in which a note stops.
    courses: number of strings per note, slightly out of tune with each other.
    grit: 0 is clean; 4 is an overdriven amplifier.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        count = _sample_count(duration_s, release_s)
        bright = float(np.clip(brightness + 0.35 * (velocity - 0.75), 0.05, 0.98))
        strings = [
            pluck(
                pitch_to_hz(pitch + 0.05 * number),
                count=count,
                rng=rng,
                decay_s=decay_s * 2 ** (-(pitch - 55) / 30),
                damping=damping,
                brightness=bright,
                position=position,
            )
            for number in range(courses)
        ]
        sound = highpass(sum(strings) / courses, 60, order=1)
        if grit:
            sound = lowpass(drive(sound * (0.4 + velocity), grit), 4200) * 0.6
        return _release(sound, duration_s=duration_s, release_s=release_s)

    return render


def bass_guitar(rng: np.random.Generator, *, brightness: float = 0.25, tone_hz: float = 900.0) -> Instrument:
    """Make an electric or upright bass: a plucked string and a strong fundamental.

    brightness: 0 (played with the thumb) to 1 (with a plectrum).
    tone_hz: cutoff of the amplifier's low-pass filter.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        count = _sample_count(duration_s, 0.08)
        string = pluck(
            pitch_to_hz(pitch),
            count=count,
            rng=rng,
            decay_s=3.0,
            damping=0.4,
            brightness=brightness,
            position=0.3,
        )
        time = sample_times(count)
        fundamental = np.sin(np.float32(2 * np.pi * pitch_to_hz(pitch)) * time) * np.exp(-time / 0.7)
        attack = np.minimum(1, time / 0.006)
        sound = lowpass(string, tone_hz * (0.6 + 0.6 * velocity)) + 0.55 * fundamental * attack
        return _release(drive(sound, 1.2), duration_s=duration_s, release_s=0.08)

    return render


def metal_bar(
    rng: np.random.Generator, *, beat_hz: float = 6.0, decay_s: float = 2.2, mallet: float = 0.5
) -> Instrument:
    """Make two bronze bars of slightly different pitch, so that they beat as in a gamelan.

    beat_hz: distance between the two fundamentals.
    decay_s: time for the fundamental to fall by 60 dB, at middle C.
    mallet: loudness of the overtones.
    """
    ratios = np.array([1.0, 2.01, 2.76, 4.1, 5.40, 8.93]) * (1 + 0.015 * rng.standard_normal(6))
    ratios[0] = 1.0
    loudness = np.array([1.0, 0.12, 0.5, 0.1, 0.3, 0.15])
    decay_ratios = np.array([1.0, 0.5, 0.35, 0.25, 0.18, 0.1])

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        base_decay_s = decay_s * 2 ** (-(pitch - 60) / 24)
        count = int(min(base_decay_s, duration_s + 0.6 * base_decay_s) * SAMPLE_RATE_HZ)
        gains = loudness * np.where(ratios == 1, 1, mallet * (0.5 + velocity))
        pair_hz = (pitch_to_hz(pitch) - beat_hz / 2, pitch_to_hz(pitch) + beat_hz / 2)
        frequencies = np.concatenate([base_hz * ratios for base_hz in pair_hz])
        sound = damped_partials(
            frequencies, np.tile(gains, 2) / 2, np.tile(decay_ratios * base_decay_s, 2), count=count
        )
        return _release(sound, duration_s=duration_s, release_s=base_decay_s)

    return render


def gong(rng: np.random.Generator, *, beat_hz: float = 1.6, decay_s: float = 7.0) -> Instrument:
    """Make a large gong: a low tone that beats, and inharmonic partials above it.

    beat_hz: distance between the two lowest partials. decay_s: time for the fundamental to fall by 60 dB.
    """
    ratios = np.sort(rng.uniform(1.4, 7.5, 14))

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        base_hz = pitch_to_hz(pitch)
        frequencies = np.concatenate([[base_hz, base_hz + beat_hz, 2 * base_hz], base_hz * ratios])
        gains = np.concatenate([[1.0, 0.8, 0.5], velocity * 0.35 / ratios])
        decays_s = np.concatenate([[decay_s, decay_s, decay_s * 0.7], decay_s / ratios])
        count = int(min(decay_s * 0.8, duration_s + 3) * SAMPLE_RATE_HZ)
        sound = damped_partials(frequencies, gains / 2, decays_s, count=count)
        attack = np.minimum(1, sample_times(count) / 0.012)
        return _release(sound * attack, duration_s=duration_s, release_s=3.0)

    return render
