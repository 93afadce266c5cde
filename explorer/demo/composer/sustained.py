"""Instruments that sound as long as a note is held: synthesisers, reeds, strings, flutes, organs, pads.

Each function takes a timbre and returns an instrument (see `score.Instrument`).
"""

import numpy as np

from explorer.demo.composer.effects import bandpass
from explorer.demo.composer.oscillators import (
    SAMPLE_RATE_HZ,
    ensemble,
    filter_sweep,
    harmonics,
    oscillate,
    pitch_to_hz,
    sample_times,
    wavetable,
)
from explorer.demo.composer.score import Instrument

_VIOLIN_FORMANTS = ((290, 1.0, 90), (480, 0.9, 140), (1100, 0.6, 500), (2500, 0.7, 1200))


def envelope(
    hold_s: float, *, attack_s: float, release_s: float, decay_s: float = 0.0, sustain: float = 1.0
) -> np.ndarray:
    """Return an attack-decay-sustain-release envelope, `hold_s + release_s` long. [shape=(n,), float32].

    hold_s: time until the release begins. attack_s, decay_s, release_s: lengths of the slopes.
    sustain: the level after the decay, 0 to 1.
    """
    attack_s = min(attack_s, hold_s)
    time = sample_times(max(2, int((hold_s + release_s) * SAMPLE_RATE_HZ)))
    level = np.minimum(1, time / max(attack_s, 1e-3))
    if decay_s:
        level *= sustain + (1 - sustain) * np.exp(-np.maximum(0, time - attack_s) * (3 / decay_s))
    fade = np.clip((hold_s + release_s - time) / release_s, 0, 1)
    return (level * fade**1.5).astype(np.float32)


def formant_harmonics(frequency_hz: float, formants, *, tilt: float) -> np.ndarray:
    """Return amplitudes of harmonics that fall as k**-tilt, filtered by formants. [shape=(H,), float64]."""
    k = np.arange(1, max(2, min(180, int(12_000 / frequency_hz))))
    frequencies = k * frequency_hz
    peaks = sum(gain / (1 + ((frequencies - centre) / width) ** 2) for centre, gain, width in formants)
    return (0.03 + peaks) / k**tilt


def vibrato(
    frequency_hz: float, time: np.ndarray, *, rate_hz: float, cents: float, onset_s: float, phase: float = 0.0
) -> np.ndarray:
    """Return a frequency with vibrato that begins at `onset_s`, in Hz. [shape=(n,), float32]."""
    depth = cents * np.clip((time - onset_s) / 0.3, 0, 1)
    wave = np.sin(np.float32(2 * np.pi * rate_hz) * time + np.float32(phase))
    return np.float32(frequency_hz) * (1 + np.float32(np.log(2) / 1200) * depth * wave)


def synth(
    *,
    waveform: str = "saw",
    cutoff_hz: tuple[float, float] = (300.0, 2400.0),
    resonance: float = 1.0,
    rise_s: float = 0.001,
    fall_s: float = 0.25,
    attack_s: float = 0.004,
    decay_s: float = 0.0,
    sustain: float = 1.0,
    release_s: float = 0.08,
    voices: int = 1,
    detune_cents: float = 9.0,
    sub: float = 0.0,
) -> Instrument:
    """Make a subtractive synthesiser: detuned oscillators through a swept resonant low-pass filter.

    waveform: as for `oscillators.harmonics`.
    cutoff_hz: the filter's lowest cutoff, and its highest cutoff at full velocity.
    resonance: gain at the cutoff.
    rise_s, fall_s: time constants of the cutoff's rise and fall.
    attack_s, decay_s, sustain, release_s: the envelope of the loudness, as for `envelope`.
    voices: number of oscillators; one is mono, two or more are stereo.
    detune_cents: detuning of the lowest and the highest oscillator.
    sub: level of a sine an octave below.
    """
    low_hz, high_hz = cutoff_hz
    offsets = np.linspace(-detune_cents, detune_cents, voices) / 100 if voices > 1 else [0.0]

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(duration_s, attack_s=attack_s, release_s=release_s, decay_s=decay_s, sustain=sustain)
        time = sample_times(len(level))
        filter_opening = (1 - np.exp(-time / rise_s)) * np.exp(-time / fall_s)
        cutoff = low_hz * (high_hz / low_hz) ** (filter_opening * (0.4 + 0.6 * velocity))
        parts = [
            filter_sweep(
                waveform, pitch + float(offset), cutoff, resonance=resonance, start_phase=(0.37 * i) % 1
            )
            for i, offset in enumerate(offsets)
        ]
        low = sub * np.sin(np.float32(2 * np.pi * pitch_to_hz(pitch - 12)) * time) if sub else 0
        if voices == 1:
            return (parts[0] + low) * level
        left, right = sum(parts[::2]), sum(parts[1::2]) * (len(parts[::2]) / len(parts[1::2]))
        both = np.stack([left + 0.3 * right + low, right + 0.3 * left + low], axis=1)
        return both * level[:, None] / len(parts)

    return render


def reed(
    *, cents: tuple[float, ...] = (-7.0, 0.0, 8.0), vibrato_cents: float = 0.0, attack_s: float = 0.025
) -> Instrument:
    """Make free reeds: for an accordion several that beat, for a melodica one with vibrato.

    cents: tuning of each reed. vibrato_cents: depth of the vibrato. attack_s: length of the attack.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(duration_s * 0.94, attack_s=attack_s, release_s=0.05, decay_s=0.3, sustain=0.85)
        time = sample_times(len(level))
        amplitudes = harmonics("reed", pitch_to_hz(pitch))
        amplitudes = amplitudes / np.sqrt(1 + (np.arange(len(amplitudes)) / (5 + 9 * velocity)) ** 2)
        table = wavetable(amplitudes / 3)
        sound = np.zeros(len(level), dtype=np.float32)
        for number, offset in enumerate(cents):
            frequency = pitch_to_hz(pitch + offset / 100)
            if vibrato_cents:
                frequency = vibrato(frequency, time, rate_hz=5.2, cents=vibrato_cents, onset_s=0.15)
            sound += oscillate(table, frequency, count=len(level), start_phase=0.29 * number)
        return sound * level / len(cents)

    return render


def bowed(rng: np.random.Generator, *, attack_s: float = 0.06, vibrato_cents: float = 14.0) -> Instrument:
    """Make two violins in unison: a waveform with a violin's formants, vibrato and bow noise.

    attack_s: length of the attack. vibrato_cents: depth of the vibrato on held notes.
    """
    players = [(rng.uniform(4.8, 6.0), rng.uniform(0, 6), offset) for offset in (-3.0, 3.0)]

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(
            duration_s * 0.97, attack_s=attack_s, release_s=0.12, decay_s=0.5, sustain=0.8 + 0.2 * velocity
        )
        time = sample_times(len(level))
        table = wavetable(formant_harmonics(pitch_to_hz(pitch), _VIOLIN_FORMANTS, tilt=1.15 - 0.3 * velocity))
        sides = []
        for rate_hz, phase, offset in players:
            frequency = vibrato(
                pitch_to_hz(pitch + offset / 100),
                time,
                rate_hz=rate_hz,
                cents=vibrato_cents,
                onset_s=0.12,
                phase=phase,
            )
            sides.append(oscillate(table, frequency, count=len(level), start_phase=phase))
        bow_noise = bandpass(rng.standard_normal(len(level), dtype=np.float32), 2000, 6000) * 0.03
        left, right = sides
        both = np.stack([left + 0.5 * right + bow_noise, right + 0.5 * left - bow_noise], axis=1)
        return both * level[:, None]

    return render


def pad(
    rng: np.random.Generator,
    *,
    brightness_hz: float = 900.0,
    attack_s: float = 1.0,
    release_s: float = 1.5,
    spread_cents: float = 22.0,
    hollow: bool = False,
) -> Instrument:
    """Make a stereo pad: an ensemble that fades in and out slowly.

    brightness_hz: the frequency above which the harmonics become much weaker.
    attack_s, release_s: lengths of the fade in and the fade out.
    spread_cents: as for `oscillators.ensemble`.
    hollow: use odd harmonics only, as a clarinet does.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(duration_s, attack_s=attack_s, release_s=release_s)
        base_hz = pitch_to_hz(pitch)
        amplitudes = harmonics("square" if hollow else "saw", base_hz)[:60]
        k = np.arange(1, len(amplitudes) + 1)
        amplitudes = amplitudes / (1 + (k * base_hz / (brightness_hz * (0.6 + 0.6 * velocity))) ** 2)
        sound = ensemble(base_hz, amplitudes, count=len(level), rng=rng, spread_cents=spread_cents)
        return sound * level[:, None]

    return render


def whistle(rng: np.random.Generator, *, breath: float = 0.08) -> Instrument:
    """Make a tin whistle or flute: nearly a sine, with a little vibrato and the player's breath.

    breath: level of the breath noise relative to the tone.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(duration_s * 0.93, attack_s=0.035, release_s=0.06)
        time = sample_times(len(level))
        table = wavetable(np.array([1.0, 0.32 * velocity, 0.16 * velocity, 0.05, 0.02]))
        frequency = vibrato(pitch_to_hz(pitch), time, rate_hz=5.0, cents=11, onset_s=0.15)
        noise = rng.standard_normal(len(level), dtype=np.float32)
        breath_noise = bandpass(noise, pitch_to_hz(pitch) * 0.8, min(14_000, pitch_to_hz(pitch) * 3))
        breath_level = breath * (1 + 3 * np.exp(-time / 0.03))
        return (oscillate(table, frequency, count=len(level)) + breath_level * breath_noise) * level

    return render


def organ(*, drawbars: tuple[float, ...] = (0.8, 0.5, 1.0, 0.5, 0, 0.3), click: float = 0.15) -> Instrument:
    """Make a drawbar organ.

    drawbars: levels of the sub-octave, the fifth, the unison and the harmonics above.
    click: level of the click at the start of a note.
    """
    # Harmonics of half the fundamental. Drawbars: 16', 5 1/3', 8', 4', 2 2/3', 2', 1 3/5', 1 1/3', 1'.
    numbers = (1, 3, 2, 4, 6, 8, 10, 12, 16)[: len(drawbars)]
    amplitudes = np.zeros(16)
    for number, level in zip(numbers, drawbars, strict=True):
        amplitudes[number - 1] = level
    table = wavetable(amplitudes / 2)

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(duration_s * 0.95, attack_s=0.004, release_s=0.03)
        level = level * (1 + click * np.exp(-sample_times(len(level)) / 0.004))
        return oscillate(table, pitch_to_hz(pitch) / 2, count=len(level)) * level

    return render


def chip(*, waveform: str = "pulse25", vibrato_cents: float = 0.0, decay_s: float = 0.0) -> Instrument:
    """Make a tone channel of an old games console: a pulse wave or a stepped triangle wave.

    waveform: as for `oscillators.harmonics`. vibrato_cents: depth of the vibrato on held notes.
    decay_s: 0 holds the level, otherwise it decays in 16 steps.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(duration_s * 0.9, attack_s=0.001, release_s=0.012)
        time = sample_times(len(level))
        if decay_s:
            level = level * np.ceil(15 * np.exp(-time * (3 / decay_s))) / 15
        frequency = vibrato(pitch_to_hz(pitch), time, rate_hz=6.5, cents=vibrato_cents, onset_s=0.12)
        sound = oscillate(wavetable(harmonics(waveform, pitch_to_hz(pitch))), frequency, count=len(level))
        if waveform == "triangle":
            sound = np.round(sound * 6) / 6
        return (sound * level).astype(np.float32)

    return render
