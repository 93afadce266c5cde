"""Waltz: an accordion melody over one bass note and two chords per bar."""

import numpy as np

from explorer.demo.composer import effects
from explorer.demo.composer.accompaniment import chords_in_rhythm
from explorer.demo.composer.harmony import bass_line, progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import harmonise, write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import bass_guitar, guitar
from explorer.demo.composer.sustained import reed

_PROGRESSIONS = (
    ("I I V7 V7 V7 V7 I I IV I V7 I", "major"),
    ("I vi ii7 V7 I vi ii7 V7 IV I V7 I", "major"),
    ("i i iv i V7 V7 i i iv i V7 i", "harmonic minor"),
    ("i V7 i i iv bVII bIII bIII iv i V7 i", "harmonic minor"),
    ("I I7 IV iv I VI7 ii7 V7 I VI7 V7 I", "major"),
)
_RHYTHMS = [
    (1, 1, 1),
    (2, 1),
    (1.5, 0.5, 1),
    (0.5, 0.5, 1, 1),
    (1, 0.5, 0.5, 1),
    (0.5, 0.5, 0.5, 0.5, 1),
    (3,),
]


def compose(rng: np.random.Generator) -> Draft:
    """Compose twelve bars that close on the tonic."""
    grid = Grid(float(rng.integers(166, 187)))
    tonic = int(rng.integers(53, 65))
    numerals, mode = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    chords = progression(numerals, tonic)
    bus = Bus(grid, grid.seconds(36) + 0.7)
    _accompany(rng, bus, chords)
    detune_cents = float(rng.uniform(5, 13))
    accordion = reed(cents=(-detune_cents, 0.0, detune_cents + 1))
    pitches = scale_pitches(mode, tonic, 62, 86)
    plan = str(rng.choice(["ABAC", "AABC", "ABCB", "AABA"]))
    notes = write_melody(
        rng,
        chords,
        scale=pitches,
        rhythms=_RHYTHMS[:6],
        tonic=tonic,
        beats_per_bar=3,
        plan=plan,
        accents=(0.0,),
    )
    bus.play(notes, accordion, gain=0.65, pan=0.12, rng=rng, jitter_s=0.004)
    if rng.random() < 0.7:
        second_voice = harmonise(notes, chords, scale=scale_pitches(mode, tonic, 55, 86), beats_per_bar=3)
        bus.play(second_voice, accordion, gain=0.45, pan=0.12, rng=rng, jitter_s=0.004)
    bus.samples = effects.reverberate(bus.samples, effects.room_impulse(1.2), wet=0.2)
    return Draft(bus.samples, grid.bpm, tonic % 12, mode.split()[-1])


def _accompany(rng: np.random.Generator, bus: Bus, chords) -> None:
    """Play the bass, alternately root and fifth, on beat one and the chord on beats two and three."""
    roots = bass_line(chords, start=41, low=34, high=48)
    fifths = [chord.tones[2] for chord in chords]
    basses = []
    for bar, (root, fifth) in enumerate(zip(roots, fifths, strict=True)):
        low = root if bar % 2 == 0 or bar == 11 else root - (root - fifth) % 12
        basses.append(Note(3 * bar, 1.1 if bar < 11 else 2.5, low if low > 33 else low + 12, 0.85))
    bus.play(basses, bass_guitar(rng, brightness=0.2, tone_hz=700), gain=0.42, rng=rng)
    voicings = voice_lead(chords, voices=3, low=53, high=69)
    hits = [(1.0, 0.45, 0.6), (2.0, 0.4, 0.5)]
    bus.play(
        chords_in_rhythm(voicings[:-1], hits, beats_per_chord=3),
        reed(cents=(-5.0, 5.0)),
        gain=0.35,
        pan=-0.25,
    )
    if rng.random() < 0.5:
        strings = guitar(rng, brightness=0.6, decay_s=1.2, release_s=0.06)
        bus.play(
            chords_in_rhythm(voicings[:-1], hits, beats_per_chord=3),
            strings,
            gain=0.32,
            pan=-0.5,
            strum_s=0.008,
        )
    bus.play([Note(33, 2.4, p, 0.6) for p in voicings[-1]], reed(cents=(-5.0, 5.0)), gain=0.33, pan=-0.2)
