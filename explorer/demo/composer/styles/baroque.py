"""Baroque: two violin parts, a walking cello bass, and broken chords on a harpsichord."""

from dataclasses import replace

import numpy as np

from explorer.demo.composer import effects
from explorer.demo.composer.accompaniment import broken_chords, walking_bass
from explorer.demo.composer.harmony import progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import harmonise, write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import guitar
from explorer.demo.composer.sustained import bowed

_PROGRESSIONS = (
    ("i iv bVII bIII bVI iidim V7 i V i", "harmonic minor"),
    ("I V vi iii IV I IV V7 V I", "major"),
    ("I IV viidim iii vi ii V7 I V7 I", "major"),
    ("i V7 i bVII bIII bVI iv V7 V7 i", "harmonic minor"),
    ("I vi ii V7 I IV ii V7 V I", "major"),
    ("i bVII bVI V7 i iv i V7 V i", "harmonic minor"),
)
_RHYTHMS = [
    (0.5, 0.25, 0.25, 0.5, 0.5),
    (0.25, 0.25, 0.25, 0.25, 0.5, 0.5),
    (0.75, 0.25, 0.5, 0.5),
    (0.25,) * 8,
    (1.0, 0.5, 0.5),
    (0.5, 0.5, 0.25, 0.25, 0.25, 0.25),
]


def compose(rng: np.random.Generator) -> Draft:
    """Compose ten chords of two beats, the last one held."""
    grid = Grid(float(rng.integers(92, 105)))
    tonic = int(rng.integers(50, 62))
    numerals, mode = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    chords = progression(numerals, tonic)
    bus = Bus(grid, grid.seconds(19) + 1.4)
    _violins(rng, bus, chords, tonic, mode)
    _continuo(rng, bus, chords, scale_pitches(mode, tonic, 36, 57))
    bus.samples = effects.reverberate(bus.samples, effects.room_impulse(1.7, damping_hz=5500), wet=0.28)
    return Draft(bus.samples, grid.bpm, tonic % 12, mode.split()[-1])


def _violins(rng: np.random.Generator, bus: Bus, chords, tonic: int, mode: str) -> None:
    """Play a melody, and a second part that follows it in thirds or is a slower melody."""
    pitches = scale_pitches(mode, tonic, 67, 88)
    settings = {"tonic": tonic, "beats_per_bar": 2, "plan": "ABAC", "leap": 0.25, "accents": (0.0, 1.0)}
    first = write_melody(rng, chords, scale=pitches, rhythms=_RHYTHMS, **settings)
    first = [*first[:-1], replace(first[-1], beats=2.4)]
    if rng.random() < 0.5:
        second = harmonise(first, chords, scale=scale_pitches(mode, tonic, 57, 88), beats_per_bar=2)
    else:
        second = write_melody(
            rng,
            chords,
            scale=scale_pitches(mode, tonic, 60, 79),
            rhythms=[(1.0, 1.0), (0.5, 0.5, 1.0)],
            **settings,
        )
    players = bowed(rng, attack_s=float(rng.uniform(0.03, 0.07)))
    bus.play(first, players, gain=0.091, pan=-0.45, rng=rng, jitter_s=0.008)
    bus.play(second, players, gain=0.066, pan=0.35, rng=rng, jitter_s=0.008)


def _continuo(rng: np.random.Generator, bus: Bus, chords, scale: list[int]) -> None:
    cello = bowed(rng, attack_s=0.05, vibrato_cents=8)
    line = walking_bass(rng, chords[:-1], low=38, high=55, beats_per_chord=2, scale=scale)
    low = 38 + (chords[-1].root - 38) % 12
    bus.play([*line, Note(18, 2.2, low, 0.85)], cello, gain=0.085, pan=0.1, rng=rng)
    voicings = voice_lead(chords, voices=4, low=55, high=74)
    harpsichord = guitar(rng, brightness=0.97, decay_s=2.2, damping=0.12, position=0.09, release_s=0.08)
    step = float(rng.choice([0.25, 0.5]))
    order = [[0, 2, 1, 3], [3, 2, 1, 0], [0, 1, 2, 3, 2, 1, 0, 1]][rng.integers(3)]
    notes = broken_chords(voicings[:-1], order, step=step, beats_per_chord=2, ring=0.6, velocity=0.6)
    bus.play(notes, harpsichord, gain=0.46, pan=-0.1, rng=rng, jitter_s=0.003)
    last = [Note(18, 2.2, pitch, 0.8) for pitch in voicings[-1]]
    bus.play(last, harpsichord, gain=0.47, strum_s=0.04)
