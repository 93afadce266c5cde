"""Chiptune: two pulse waves, a stepped triangle and noise, the channels of an old games console."""

from dataclasses import replace

import numpy as np

from explorer.demo.composer import effects, percussion
from explorer.demo.composer.harmony import bass_line, progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.sustained import chip

_PROGRESSIONS = (
    ("I V vi IV I V IV I", "major"),
    ("i bVI bIII bVII i bVI bVII i", "minor"),
    ("I bVII IV I I bVII IV I", "mixolydian"),
    ("vi IV I V vi IV V I", "major"),
    ("i iv bVII bIII bVI iv V i", "minor"),
    ("I iii IV iv I ii V I", "major"),
)
_RHYTHMS = [
    (0.5, 0.5, 0.5, 0.5, 1.0, 1.0),
    (0.75, 0.75, 0.5, 1.0, 1.0),
    (0.5, 0.25, 0.25, 0.5, 0.5, 1.0, 1.0),
    (1.0, 0.5, 0.5, 0.75, 0.75, 0.5),
    (1.5, 0.5, 0.5, 0.5, 1.0),
]


def compose(rng: np.random.Generator) -> Draft:
    """Compose eight bars."""
    grid = Grid(float(rng.integers(142, 161)))
    tonic = int(rng.integers(48, 60))
    numerals, mode = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    chords = progression(numerals, tonic)
    bus = Bus(grid, grid.seconds(31) + 0.4)
    _lead(rng, bus, chords, tonic, mode)
    _arpeggio(rng, bus, chords)
    _bass(rng, bus, chords)
    _drums(rng, bus)
    if rng.random() < 0.5:
        bus.samples = effects.echo(bus.samples, grid.seconds(0.75), feedback=0.3, wet=0.16, darken_hz=6000)
    return Draft(bus.samples, grid.bpm, tonic % 12, mode)


def _lead(rng: np.random.Generator, bus: Bus, chords, tonic: int, mode: str) -> None:
    voice = chip(waveform=str(rng.choice(["pulse25", "pulse50", "pulse13"])), vibrato_cents=18)
    pitches = scale_pitches(mode, tonic, 67, 91)
    plan = str(rng.choice(["AABA", "ABAC", "ABAB"]))
    notes = write_melody(rng, chords, scale=pitches, rhythms=_RHYTHMS, tonic=tonic, plan=plan, leap=0.35)
    bus.play([*notes[:-1], replace(notes[-1], beats=3.0)], voice, gain=0.22, pan=0.3)


def _arpeggio(rng: np.random.Generator, bus: Bus, chords) -> None:
    """Play each chord as a fast arpeggio: the console had too few channels for chords."""
    voicings = voice_lead(chords, voices=3, low=60, high=78)
    voice = chip(waveform=str(rng.choice(["pulse13", "pulse25"])), decay_s=float(rng.choice([0.0, 0.2])))
    step = float(rng.choice([0.125, 0.25]))
    order = [(0, 1, 2), (2, 1, 0), (0, 2, 1), (0, 1, 2, 1)][rng.integers(4)]
    notes = []
    for bar, pitches in enumerate(voicings):
        for i in range(round((4 if bar < 7 else 2) / step)):
            octave = 12 if step == 0.25 and (i // len(order)) % 2 else 0
            notes.append(Note(4 * bar + i * step, step, pitches[order[i % len(order)]] + octave, 0.5))
    bus.play(notes, voice, gain=0.23, pan=-0.5)


def _bass(rng: np.random.Generator, bus: Bus, chords) -> None:
    roots = bass_line(chords, start=42, low=36, high=48)
    intervals = [(0, 12, 0, 12, 0, 12, 0, 12), (0, 0, 7, 0, 12, 0, 7, 0), (0, 0, 0, 0, 0, 0, 12, 7)][
        rng.integers(3)
    ]
    notes = [
        Note(4 * bar + i / 2, 0.45, root + interval, 0.75)
        for bar, root in enumerate(roots[:-1])
        for i, interval in enumerate(intervals)
    ]
    bus.play([*notes, Note(28, 2.5, roots[-1], 0.8)], chip(waveform="triangle"), gain=0.23)


def _drums(rng: np.random.Generator, bus: Bus) -> None:
    thump = percussion.chip_noise(rng, rate_hz=1800, decay_s=0.1)
    crack = percussion.chip_noise(rng, rate_hz=9000, decay_s=0.14)
    tick = percussion.chip_noise(rng, rate_hz=20_000, decay_s=0.03)
    pattern = str(rng.choice(["X.....x.X.......", "X...X...X...X...", "X..x....X..x...."]))
    bus.strike(pattern, thump, bars=range(7), gain=0.18)
    bus.strike("....X.......X...", crack, bars=range(7), gain=0.17)
    bus.strike("x.o.x.o.x.o.x.oo", tick, bars=range(7), gain=0.14)
    bus.strike("........X.x.xxxx", crack, bars=[3], gain=0.1)
    bus.add(crack, bus.seconds(28), gain=0.14)
