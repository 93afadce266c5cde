"""Blues: a shuffle with brushes or sticks, boogie or walking bass, short guitar phrases."""

from dataclasses import replace

import numpy as np

from explorer.demo.composer import effects, percussion
from explorer.demo.composer.accompaniment import boogie_bass, chords_in_rhythm, walking_bass
from explorer.demo.composer.harmony import progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import bass_guitar, guitar, piano
from explorer.demo.composer.sustained import organ

_PROGRESSIONS = (
    "I7 IV7 I7 I7 IV7 I7 V7 I7",
    "I7 V7 IV7 IV7 I7 V7 I7 I7",
    "I7 I7 IV7 IV7 I7 V7 I7 I7",
    "I7 VI7 II7 V7 I7 VI7 V7 I7",
    "im7 im7 iv7 iv7 im7 V7 im7 im7",
)
_RHYTHMS = [
    (-1.0, 0.5, 0.5, 1.0, -1.0),
    (0.5, 0.5, 0.5, 0.5, 1.0, -1.0),
    (-0.5, 0.5, 0.5, 0.5, 2.0),
    (1.0, 0.5, 1.0, -1.5),
    (-2.0, 0.5, 0.5, 1.0),
]


def compose(rng: np.random.Generator) -> Draft:
    """Compose eight bars; the last one is the closing chord."""
    grid = Grid(float(rng.integers(138, 157)), swing=float(rng.uniform(0.62, 0.67)))
    tonic = int(rng.choice([40, 43, 45, 46, 48, 41]))
    chords = progression(str(rng.choice(_PROGRESSIONS)), tonic)
    bus = Bus(grid, grid.seconds(29) + 1.15)
    _rhythm_section(rng, bus, chords)
    _chords(rng, bus, chords)
    pitches = scale_pitches("blues", tonic, 60, 82)
    notes = write_melody(
        rng, chords, scale=pitches, rhythms=_RHYTHMS, tonic=tonic, plan="ABAC", leap=0.2, accents=(0.0,)
    )
    lead = guitar(rng, brightness=0.75, decay_s=3, grit=float(rng.uniform(2, 6)), position=0.13)
    bus.play(notes, lead, gain=0.79, pan=0.2, rng=rng, jitter_s=0.009)
    # A grace note a semitone below leads into each long note.
    graces = [
        replace(n, beat=n.beat - 0.12, beats=0.14, pitch=n.pitch - 1, velocity=0.5)
        for n in notes
        if n.beats >= 1
    ]
    bus.play([n for n in graces if n.beat > 0], lead, gain=0.71, pan=0.2)
    bus.samples = effects.reverberate(bus.samples, effects.room_impulse(0.9, damping_hz=4000), wet=0.2)
    return Draft(bus.samples, grid.bpm, tonic % 12, "blues")


def _rhythm_section(rng: np.random.Generator, bus: Bus, chords) -> None:
    bars = range(7)
    ride = percussion.cymbal(rng, decay_s=0.45, ping=0.6)
    bus.strike("x.xox.xo", ride, bars=bars, steps_per_beat=2, gain=0.24, pan=0.35, rng=rng)
    back = percussion.brush(rng) if rng.random() < 0.5 else percussion.snare(rng, pitch_hz=180)
    bus.strike("..X...X,", back, bars=bars, steps_per_beat=2, gain=0.49, rng=rng)
    kick = percussion.kick(rng, pitch_hz=56, sweep_hz=90, decay_s=0.2, click=0.2)
    bus.strike("x...x..o", kick, bars=bars, steps_per_beat=2, gain=0.46, rng=rng)
    bus.add(kick, bus.seconds(28), gain=0.35)
    bus.add(percussion.cymbal(rng, decay_s=1.6), bus.seconds(28), gain=0.19, pan=0.3)
    low = 28 + (chords[0].root - 28) % 12
    if rng.random() < 0.5:
        notes = boogie_bass(chords[:-1], low=low, up=bool(rng.random() < 0.5))
    else:
        notes = walking_bass(rng, chords[:-1], low=28, high=47)
    notes = [*notes, Note(28, 2.5, 28 + (chords[-1].root - 28) % 12, 0.9)]
    bus.play(notes, bass_guitar(rng, brightness=0.3, tone_hz=900), gain=0.39, rng=rng)


def _chords(rng: np.random.Generator, bus: Bus, chords) -> None:
    voicings = voice_lead(chords, voices=4, low=52, high=70)
    hits = [
        [(0.0, 0.3, 0.6), (1.5, 0.4, 0.8), (3.5, 0.4, 0.7)],
        [(beat + 0.5, 0.3, 0.65) for beat in range(4)],
        [(0.0, 3.4, 0.55)],
        [(1.0, 0.25, 0.8), (3.0, 0.25, 0.8)],
    ][rng.integers(4)]
    player, gain = (piano(rng, softness=0.7, release_s=0.1), 0.2) if rng.random() < 0.6 else (organ(), 0.045)
    bus.play(chords_in_rhythm(voicings[:-1], hits), player, gain=gain, pan=-0.25, rng=rng)
    bus.play([Note(28, 2.2, p, 0.8) for p in voicings[-1]], player, gain=gain, pan=-0.25, strum_s=0.03)
