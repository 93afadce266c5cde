"""Nocturne: a slow piano solo, a melody over wide broken chords."""

from dataclasses import replace

import numpy as np

from explorer.demo.composer import effects
from explorer.demo.composer.accompaniment import broken_chords
from explorer.demo.composer.harmony import bass_line, progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import piano

_PROGRESSIONS = (
    ("I vi ii7 V7 I VI7 ii7 I", "major"),
    ("i iv V7 i bVI iv V7 i", "harmonic minor"),
    ("I V7/3 vi iii IV I/5 V7 I", "major"),
    ("i bVII bVI V7 i iv V7 i", "harmonic minor"),
    ("I iiidim VI7 ii iv I/5 V7 I", "major"),
    ("i V7/3 bVII IV/3 bVI i/5 V7 i", "harmonic minor"),
)
_ORDERS = ((0, 1, 2, 3, 2, 1), (0, 2, 3, 4, 3, 2), (0, 2, 1, 3, 2, 3), (0, 1, 3, 2, 4, 2))
_RHYTHMS = [
    (1.5, 0.5),
    (1.0, 1.0),
    (2.0,),
    (0.5, 0.5, 1.0),
    (1.0, 1 / 3, 1 / 3, 1 / 3),
    (-0.5, 0.5, 0.5, 0.5),
]


def compose(rng: np.random.Generator) -> Draft:
    """Compose eight chords of two slow beats, the last one strummed."""
    grid = Grid(float(rng.integers(74, 85)))
    tonic = int(rng.integers(50, 62))
    numerals, mode = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    chords = progression(numerals, tonic)
    bus = Bus(grid, grid.seconds(15.5) + 1.6)
    keys = piano(rng, softness=float(rng.uniform(0.8, 1.6)), release_s=0.5)
    _left_hand(rng, bus, chords, keys)
    pitches = scale_pitches(mode, tonic, 68, 91)
    plan = str(rng.choice(["ABAC", "ABCA", "AABC"]))
    notes = write_melody(
        rng,
        chords,
        scale=pitches,
        rhythms=_RHYTHMS,
        tonic=tonic,
        beats_per_bar=2,
        plan=plan,
        leap=0.3,
        accents=(0.0,),
    )
    # The melody gets louder towards the middle of the piece and then softer.
    notes = [
        replace(n, velocity=n.velocity * (0.72 + 0.3 * np.sin(np.pi * n.beat / 16)), beats=n.beats * 1.2)
        for n in notes
    ]
    bus.play(notes, keys, gain=0.67, spread=0.12, pan=0.1, rng=rng, jitter_s=0.014)
    bus.samples = effects.reverberate(bus.samples, effects.room_impulse(2.3, damping_hz=4000), wet=0.22)
    return Draft(bus.samples, grid.bpm, tonic % 12, mode.split()[-1])


def _left_hand(rng: np.random.Generator, bus: Bus, chords, keys) -> None:
    basses = bass_line(chords, start=40, low=33, high=46)
    uppers = voice_lead(chords, voices=3, low=50, high=66)
    shapes = [(low, *high) for low, high in zip(basses, uppers, strict=True)]
    order = list(_ORDERS[rng.integers(len(_ORDERS))])
    step = 1 / 3 if rng.random() < 0.6 else 0.5
    notes = broken_chords(shapes[:-1], order, step=step, beats_per_chord=2, ring=1.3, velocity=0.36)
    bus.play(notes, keys, gain=0.36, spread=0.12, rng=rng, jitter_s=0.01)
    last = (shapes[-1][0] - 12 if shapes[-1][0] >= 36 else shapes[-1][0], *shapes[-1])
    bus.play([Note(14, 4, pitch, 0.5) for pitch in last], keys, gain=0.42, spread=0.12, strum_s=0.07)
