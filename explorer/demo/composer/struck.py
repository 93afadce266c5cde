"""Instruments that are struck or plucked and then ring: pianos, guitars, basses, metal bars, gongs.

Each function takes a timbre and returns an instrument (see `score.Instrument`).
"""

import numpy as np

from explorer.demo.composer.effects import drive, highpass, lowpass
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ, damped, fm, hertz, pluck, seconds
from explorer.demo.composer.score import Instrument


def _damp(sound: np.ndarray, *, duration_s: float, release_s: float) -> np.ndarray:
    """Let the sound die from the end of the note on, and end at zero."""
    time = seconds(len(sound))
    fade = np.exp(-np.maximum(0, time - duration_s) * (5 / release_s))
    tail = min(len(sound), 600)
    fade[-tail:] *= np.linspace(1, 0, tail, dtype=np.float32)
    return sound * fade


def _length(duration_s: float, release_s: float) -> int:
    return max(1200, int((duration_s + release_s) * SAMPLE_RATE_HZ))


def piano(rng: np.random.Generator, *, softness: float = 1.0, release_s: float = 0.25) -> Instrument:
    """Make a grand piano: stiff strings in pairs, a felt hammer, and two speeds of decay.

    softness: of the felt; above 1 is duller. release_s: how fast the dampers stop a note.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        count = _length(duration_s, release_s)
        base_hz = hertz(pitch)
        k = np.arange(1, int(np.clip(9000 / base_hz, 3, 32)))
        stiffness = 10 ** (-4 + (pitch - 36) / 36)
        stretched = k * base_hz * np.sqrt(1 + stiffness * k**2)
        hammer_hz = (700 + 2600 * velocity**1.5) / softness
        loud = np.abs(np.sin(np.pi * k / 8.3)) * np.exp(-k * base_hz / hammer_hz) / k**0.4
        loud /= np.sqrt((loud**2).sum())
        last_s = 11 * 2 ** (-(pitch - 40) / 20) / (1 + 0.1 * k)
        # The strings of a pair pull each other still at first; what is left rings on slowly.
        parts = [(1.0006, 0.55, 0.35), (0.9996, 0.35, 0.45), (1.0, 0.22, 1.2)]
        sound = damped(
            np.concatenate([stretched * tuning for tuning, _, _ in parts]),
            np.concatenate([loud * gain for _, gain, _ in parts]),
            np.concatenate([last_s * share for _, _, share in parts]),
            count=count,
            phases=np.tile(rng.uniform(-0.6, 0.6, len(k)), 3),
        )
        time = seconds(count)
        knock = lowpass(rng.standard_normal(count, dtype=np.float32), 500) * np.exp(-time / 0.02)
        sound = (sound + 0.25 * velocity * knock) * np.minimum(1, time / 0.0015)
        return _damp(sound, duration_s=duration_s, release_s=release_s)

    return render


def electric_piano(*, bell: float = 1.0, release_s: float = 0.15) -> Instrument:
    """Make an electric piano by frequency modulation; high velocities sound harsher.

    bell: loudness of the high overtone. release_s: how fast the dampers stop a note.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        count = _length(duration_s, release_s)
        time = seconds(count)
        body = fm(hertz(pitch), ratio=1.0, index=1.6 * velocity * np.exp(-time / 0.5), count=count)
        tine = fm(
            hertz(pitch), ratio=14.0, index=0.5 * velocity * np.exp(-time / 0.09), count=count, detune_cents=3
        )
        sound = (body + 0.4 * bell * tine) * np.exp(-time / 1.1) * np.minimum(1, time / 0.002)
        return _damp(sound, duration_s=duration_s, release_s=release_s)

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
    release_s: how fast a note is stopped.
    courses: strings that play each note, slightly out of tune with one another.
    grit: 0 is clean; 4 is an overdriven amplifier.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        count = _length(duration_s, release_s)
        bright = float(np.clip(brightness + 0.35 * (velocity - 0.75), 0.05, 0.98))
        strings = [
            pluck(
                hertz(pitch + 0.05 * number),
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
        return _damp(sound, duration_s=duration_s, release_s=release_s)

    return render


def bass_guitar(rng: np.random.Generator, *, brightness: float = 0.25, tone_hz: float = 900.0) -> Instrument:
    """Make an electric or upright bass: a plucked string and a firm fundamental.

    brightness: 0 (thumb) to 1 (plectrum). tone_hz: where the amplifier's treble ends.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        count = _length(duration_s, 0.08)
        string = pluck(
            hertz(pitch), count=count, rng=rng, decay_s=3.0, damping=0.4, brightness=brightness, position=0.3
        )
        time = seconds(count)
        firm = np.sin(np.float32(2 * np.pi * hertz(pitch)) * time) * np.exp(-time / 0.7)
        sound = lowpass(string, tone_hz * (0.6 + 0.6 * velocity)) + 0.55 * firm * np.minimum(1, time / 0.006)
        return _damp(drive(sound, 1.2), duration_s=duration_s, release_s=0.08)

    return render


def metal_bar(
    rng: np.random.Generator, *, beat_hz: float = 6.0, decay_s: float = 2.2, mallet: float = 0.5
) -> Instrument:
    """Make two bronze bars that are tuned apart, so that the pair beats as in a gamelan.

    beat_hz: distance of the pair's fundamentals.
    decay_s: time for the fundamental to fall by 60 dB, at middle C.
    mallet: loudness of the overtones.
    """
    ratios = np.array([1.0, 2.01, 2.76, 4.1, 5.40, 8.93]) * (1 + 0.015 * rng.standard_normal(6))
    ratios[0] = 1.0
    loud = np.array([1.0, 0.12, 0.5, 0.1, 0.3, 0.15])
    fades = np.array([1.0, 0.5, 0.35, 0.25, 0.18, 0.1])

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        last_s = decay_s * 2 ** (-(pitch - 60) / 24)
        count = int(min(last_s, duration_s + 0.6 * last_s) * SAMPLE_RATE_HZ)
        gains = loud * np.where(ratios == 1, 1, mallet * (0.5 + velocity))
        pair = (hertz(pitch) - beat_hz / 2, hertz(pitch) + beat_hz / 2)
        frequencies = np.concatenate([tone * ratios for tone in pair])
        sound = damped(frequencies, np.tile(gains, 2) / 2, np.tile(fades * last_s, 2), count=count)
        return _damp(sound, duration_s=duration_s, release_s=last_s)

    return render


def gong(rng: np.random.Generator, *, beat_hz: float = 1.6, decay_s: float = 7.0) -> Instrument:
    """Make a large gong: a low beating tone under inharmonic partials.

    beat_hz: distance of the two lowest tones. decay_s: time for the fundamental to fall by 60 dB.
    """
    uppers = np.sort(rng.uniform(1.4, 7.5, 14))

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        base_hz = hertz(pitch)
        frequencies = np.concatenate([[base_hz, base_hz + beat_hz, 2 * base_hz], base_hz * uppers])
        gains = np.concatenate([[1.0, 0.8, 0.5], velocity * 0.35 / uppers])
        fades = np.concatenate([[decay_s, decay_s, decay_s * 0.7], decay_s / uppers])
        count = int(min(decay_s * 0.8, duration_s + 3) * SAMPLE_RATE_HZ)
        sound = damped(frequencies, gains / 2, fades, count=count)
        return _damp(sound * np.minimum(1, seconds(count) / 0.012), duration_s=duration_s, release_s=3.0)

    return render
