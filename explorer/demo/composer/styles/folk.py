"""Folk: a fingerpicked guitar, and a melody on a whistle, a mandolin or a second guitar."""

from dataclasses import replace

import numpy as np

from explorer.demo.composer import effects, percussion
from explorer.demo.composer.accompaniment import broken_chords
from explorer.demo.composer.harmony import bass_line, progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import guitar
from explorer.demo.composer.sustained import whistle

_PROGRESSIONS = (
    ("I V vi IV I V I", "major"),
    ("i bVII i bVII bIII bVII i", "dorian"),
    ("I bVII IV I I bVII I", "mixolydian"),
    ("i bVI bVII i bVI bVII i", "minor"),
    ("I IV I V IV V I", "major"),
    ("i IV i IV bVII v i", "dorian"),
)
_PICKINGS = (
    (0, 2, 1, 3, 0, 2, 1, 2),
    (0, 1, 2, 3, 2, 1, 2, 1),
    (0, 3, 2, 1, 0, 3, 1, 2),
    (0, 2, 3, 2, 1, 2, 3, 2),
)
_JIG_PICKINGS = ((0, 2, 3, 1, 2, 3), (0, 1, 2, 3, 2, 1), (0, 3, 2, 1, 2, 3))
_RHYTHMS = [
    (1, 0.5, 0.5, 1, 1),
    (0.5, 0.5, 0.5, 0.5, 1, 1),
    (1.5, 0.5, 1, 1),
    (1, 1, 0.5, 0.5, 1),
    (2, 1, 0.5, 0.5),
]
_JIG_RHYTHMS = [(1, 0.5, 1, 0.5), (0.5, 0.5, 0.5, 1, 0.5), (0.5, 0.5, 0.5, 0.5, 0.5, 0.5), (1.5, 1, 0.5)]


def compose(rng: np.random.Generator) -> Draft:
    """Compose seven bars in 4/4 time, or a jig of eleven shorter bars."""
    is_jig = bool(rng.random() < 0.4)
    bar = 3.0 if is_jig else 4.0
    grid = Grid(
        float(rng.integers(150, 169) if is_jig else rng.integers(118, 131)), swing=1 / 2 if is_jig else 0.53
    )
    tonic = int(rng.choice([43, 45, 48, 50, 52, 47]))
    numerals, mode = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    if is_jig:
        numerals = " ".join(numerals.split()[:-1] + numerals.split()[:-3] + numerals.split()[-1:])
    chords = progression(numerals, tonic)
    bus = Bus(grid, grid.seconds(bar * (len(chords) - 1) + 1) + 1.4)
    _guitar(rng, bus, chords, bar)
    pitches = scale_pitches(mode, tonic, 67, 86)
    rhythms = _JIG_RHYTHMS if is_jig else _RHYTHMS
    accents = (0.0, 1.5) if is_jig else (0.0, 2.0)
    plan = str(rng.choice(["AABA", "ABAC", "AABC"]))
    notes = write_melody(
        rng,
        chords,
        scale=pitches,
        rhythms=rhythms,
        tonic=tonic,
        beats_per_bar=bar,
        plan=plan,
        accents=accents,
    )
    _melody(rng, bus, [*notes[:-1], replace(notes[-1], beats=2.0)])
    if rng.random() < 0.4:
        tap = percussion.hand_drum(rng, pitch_hz=95, slap=0.3)
        pattern, steps = ("x..o..", 2) if is_jig else ("x.o.x.oo", 2)
        bars = range(len(chords) - 1)
        bus.strike(pattern, tap, bars=bars, steps_per_beat=steps, beats_per_bar=bar, gain=0.61, rng=rng)
    bus.samples = effects.reverberate(bus.samples, effects.room_impulse(1.1), wet=0.2)
    return Draft(bus.samples, grid.bpm, tonic % 12, mode)


def _guitar(rng: np.random.Generator, bus: Bus, chords, bar: float) -> None:
    """Play broken chords: each chord's bass note, then the notes above it."""
    uppers = voice_lead(chords, voices=3, low=55, high=71)
    basses = bass_line(chords, start=45, low=40, high=52)
    shapes = [(low, *high) for low, high in zip(basses, uppers, strict=True)]
    pickings = _JIG_PICKINGS if bar == 3 else _PICKINGS
    order = list(pickings[rng.integers(len(pickings))])
    instrument = guitar(
        rng,
        brightness=float(rng.uniform(0.25, 0.5)),
        decay_s=4,
        position=float(rng.uniform(0.12, 0.3)),
        release_s=0.25,
    )
    notes = broken_chords(shapes[:-1], order, step=0.5, beats_per_chord=bar, ring=1.6, velocity=0.55)
    bus.play(notes, instrument, gain=0.65, pan=-0.15, rng=rng, jitter_s=0.005)
    last = [Note(bar * (len(chords) - 1), 3, pitch, 0.75) for pitch in shapes[-1]]
    bus.play(last, instrument, gain=0.64, pan=-0.15, strum_s=0.035)


def _melody(rng: np.random.Generator, bus: Bus, notes: list[Note]) -> None:
    choice = rng.integers(3)
    if choice == 0:
        bus.play(notes, whistle(rng), gain=0.18, pan=0.2, rng=rng)
    elif choice == 1:
        mandolin = guitar(rng, brightness=0.5, damping=0.35, decay_s=2.5, courses=2, position=0.12)
        bus.play(notes, mandolin, gain=2, pan=0.3, rng=rng)
    else:
        second = guitar(rng, brightness=0.4, decay_s=4, position=0.25)
        bus.play(notes, second, gain=1.3, pan=0.3, rng=rng)
