"""Drums and cymbals, made of sines with a falling pitch, decaying partials and filtered noise."""

import numpy as np

from explorer.demo.composer.effects import bandpass, drive, highpass, lowpass
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ, damped_partials, sample_times


def _noise(rng: np.random.Generator, duration_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Return white noise and the times of its samples, both [shape=(n,), float32]."""
    count = int(duration_s * SAMPLE_RATE_HZ)
    return rng.standard_normal(count, dtype=np.float32), sample_times(count)


def _normalise(sound: np.ndarray) -> np.ndarray:
    """Scale to a peak of 1, and fade the last milliseconds to avoid a click."""
    tail = min(len(sound), 400)
    sound[-tail:] *= np.linspace(1, 0, tail, dtype=np.float32)
    return (sound / np.abs(sound).max()).astype(np.float32)


def kick(
    rng: np.random.Generator,
    *,
    pitch_hz: float = 50,
    sweep_hz: float = 180,
    decay_s: float = 0.35,
    click: float = 0.3,
) -> np.ndarray:
    """Make a bass drum: a sine that falls to `pitch_hz`, and a click of the beater. [shape=(n,), float32]."""
    noise, time = _noise(rng, decay_s * 1.3)
    phase = pitch_hz * time + sweep_hz * 0.03 * (1 - np.exp(-time / 0.03))
    body = np.sin(np.float32(2 * np.pi) * phase) * np.exp(-time * (5 / decay_s))
    return _normalise(drive(body + click * lowpass(noise, 3500) * np.exp(-time / 0.004), 1.6))


def snare(
    rng: np.random.Generator, *, pitch_hz: float = 190, decay_s: float = 0.2, wires: float = 0.8
) -> np.ndarray:
    """Make a snare drum: two modes of its head, and the rattle of its wires. [shape=(n,), float32]."""
    noise, time = _noise(rng, decay_s * 1.8)
    head = damped_partials([pitch_hz, pitch_hz * 1.6], [0.7, 0.35], [decay_s, decay_s * 0.7], count=len(time))
    rattle = bandpass(noise, 1200, 9000, order=1) * np.exp(-time * (5 / decay_s))
    return _normalise(head + wires * rattle)


def clap(rng: np.random.Generator) -> np.ndarray:
    """Make a hand clap: several claps in quick succession. [shape=(n,), float32]."""
    noise, time = _noise(rng, 0.28)
    envelope = sum(
        np.where(time >= delay_s, np.exp(-(time - delay_s) / 0.008), 0) for delay_s in (0, 0.011, 0.023)
    )
    envelope = envelope + np.where(time >= 0.03, np.exp(-(time - 0.03) / 0.06), 0)
    return _normalise(bandpass(noise, 800, 3800) * envelope)


def hat(rng: np.random.Generator, *, decay_s: float = 0.05, low_hz: float = 7500) -> np.ndarray:
    """Make a hi-hat: closed, or open if the decay is long. [shape=(n,), float32]."""
    noise, time = _noise(rng, decay_s * 1.6 + 0.01)
    return _normalise(highpass(noise, low_hz, order=4) * np.exp(-time * (4 / decay_s)))


def cymbal(rng: np.random.Generator, *, decay_s: float = 1.2, ping: float = 0.4) -> np.ndarray:
    """Make a ride or crash cymbal: noise and a cluster of metallic modes. [shape=(n,), float32]."""
    noise, time = _noise(rng, decay_s)
    modes = damped_partials(rng.uniform(2800, 9500, 24), 0.08, decay_s, count=len(time))
    wash = highpass(noise, 5500) * np.exp(-time * (4.5 / decay_s))
    return _normalise(0.25 * wash + ping * modes)


def brush(rng: np.random.Generator) -> np.ndarray:
    """Make a stroke of a wire brush on a snare drum. [shape=(n,), float32]."""
    noise, time = _noise(rng, 0.22)
    return _normalise(
        bandpass(noise, 900, 7000, order=1) * np.exp(-time / 0.045) * np.minimum(1, time / 0.004)
    )


def rim(rng: np.random.Generator, *, pitch_hz: float = 820) -> np.ndarray:
    """Make a rim shot: a stick that hits the rim of a drum. [shape=(n,), float32]."""
    noise, time = _noise(rng, 0.12)
    wood = damped_partials(
        [pitch_hz, pitch_hz * 2.1, pitch_hz * 3.2], [1, 0.6, 0.3], [0.07, 0.05, 0.03], count=len(time)
    )
    return _normalise(wood + 0.3 * highpass(noise, 2000) * np.exp(-time / 0.003))


def hand_drum(rng: np.random.Generator, *, pitch_hz: float = 110, slap: float = 0.2) -> np.ndarray:
    """Make a hand drum: the modes of a membrane, and the slap of the hand. [shape=(n,), float32]."""
    noise, time = _noise(rng, 0.5)
    ratios = np.array([1.0, 1.59, 2.14, 2.3, 2.65])
    skin = damped_partials(pitch_hz * ratios, 0.8 ** np.arange(5), 0.45 / ratios, count=len(time))
    return _normalise(skin + slap * bandpass(noise, 500, 3000) * np.exp(-time / 0.012))


def chip_noise(rng: np.random.Generator, *, rate_hz: float, decay_s: float) -> np.ndarray:
    """Make a games console's noise: random levels, each held for 1 / `rate_hz`. [shape=(n,), float32]."""
    count = int(decay_s * 1.5 * SAMPLE_RATE_HZ)
    time = sample_times(count)
    levels = rng.choice(np.array([-1.0, 1.0], dtype=np.float32), int(count * rate_hz / SAMPLE_RATE_HZ) + 2)
    held = levels[(time * rate_hz).astype(np.int32)]
    # The console's volume control has 16 steps.
    return _normalise(held * np.ceil(15 * np.exp(-time * (4 / decay_s))) / 15)
