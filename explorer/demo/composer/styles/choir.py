"""Choir: a hymn in four parts with church reverb, sometimes with a solo voice above."""

from dataclasses import replace

import numpy as np

from explorer.demo.composer import effects
from explorer.demo.composer.harmony import bass_line, progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.voices import choir, singer

_PROGRESSIONS = (
    ("I vi IV V I/3 IV V7 I", "major"),
    ("I V/3 vi iii IV I/3 V7 I", "major"),
    ("i iv bVII bIII bVI iidim/3 V i", "harmonic minor"),
    ("i bVII/3 bIII bVI iv i/5 V7 i", "harmonic minor"),
    ("I IV I/3 ii V7/3 I IV I", "major"),
    ("i bVI bIII bVII i iv Vsus4 I", "minor"),
)
_RHYTHMS = [(1.0, 1.0), (1.5, 0.5), (2.0,), (0.5, 0.5, 1.0)]


def compose(rng: np.random.Generator) -> Draft:
    """Compose eight chords of two beats, the last one held."""
    grid = Grid(float(rng.integers(78, 91)))
    tonic = int(rng.integers(50, 62))
    numerals, mode = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    chords = progression(numerals, tonic)
    bus = Bus(grid, grid.seconds(17) + 1.4)
    _sections(rng, bus, chords, scale_pitches(mode, tonic, 40, 84))
    if rng.random() < 0.6:
        pitches = scale_pitches(mode, tonic, 69, 84)
        notes = write_melody(
            rng,
            chords,
            scale=pitches,
            rhythms=_RHYTHMS,
            tonic=tonic,
            beats_per_bar=2,
            plan="ABAC",
            accents=(0.0,),
        )
        notes = [*notes[:-1], replace(notes[-1], beats=3.0)]
        voice = singer(vowel=str(rng.choice(["ah", "oh", "eh"])))
        bus.play(notes, voice, gain=0.26, pan=0.1, rng=rng, jitter_s=0.015)
    bus.samples = effects.reverberate(bus.samples, effects.room_impulse(3.6, damping_hz=4500), wet=0.55)
    return Draft(bus.samples, grid.bpm, tonic % 12, mode.split()[-1])


def _sections(rng: np.random.Generator, bus: Bus, chords, scale: list[int]) -> None:
    """Sing bass, tenor, alto and soprano, with some passing notes between notes a third apart."""
    uppers = voice_lead(chords, voices=3, low=55, high=int(rng.choice([74, 76, 79])))
    basses = bass_line(chords, start=47, low=40, high=55)
    parts = [basses, *(list(part) for part in zip(*uppers, strict=True))]
    vowels = [str(vowel) for vowel in rng.choice(["ah", "oh", "oo", "eh"], 2, p=[0.45, 0.25, 0.2, 0.1])]
    for part, pan, gain in zip(parts, (0.3, -0.35, 0.35, -0.3), (0.093, 0.062, 0.062, 0.07), strict=True):
        for half, vowel in enumerate(vowels):
            notes = _part_notes(part, scale, has_passing_note=rng.random(len(part)) < 0.5)
            chosen = [n for n in notes if (n.beat < 8) == (half == 0)]
            bus.play(chosen, choir(vowel=vowel), gain=gain, pan=pan, rng=rng, jitter_s=0.02)


def _part_notes(part: list[int], scale: list[int], *, has_passing_note: np.ndarray) -> list[Note]:
    """Write one voice's notes; passing notes go where they are allowed and the next note is a third away."""
    notes = []
    for number, pitch in enumerate(part):
        next_pitch = part[number + 1] if number + 1 < len(part) else pitch
        between = [p for p in scale if min(pitch, next_pitch) < p < max(pitch, next_pitch)]
        if len(between) == 1 and has_passing_note[number]:
            notes += [Note(2 * number, 1.0, pitch, 0.7), Note(2 * number + 1, 1.0, between[0], 0.6)]
        else:
            notes.append(Note(2 * number, 2.0 if number + 1 < len(part) else 3.0, pitch, 0.7))
    return notes
