"""Gamelan: a melody on bronze bars, ornaments at two or four times its speed, gongs and drums."""

import numpy as np

from explorer.demo.composer import effects, percussion
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import gong, metal_bar

# Semitones above the lowest tone. Each gamelan has its own tuning, so each piece varies these at random.
_TUNINGS = {"slendro": (0.0, 2.35, 4.8, 7.2, 9.6), "pelog": (0.0, 1.25, 2.75, 6.9, 8.1)}
# Melodies of 16 beats, as scale degrees; each ends on degree 0, the tone of the gong.
_MELODIES = (
    (2, 1, 2, 0, 2, 3, 4, 2, 4, 3, 2, 1, 3, 2, 1, 0),
    (3, 4, 3, 2, 1, 2, 3, 1, 3, 4, 3, 2, 3, 1, 2, 0),
    (0, 2, 0, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 4, 0),
    (4, 3, 1, 2, 4, 3, 1, 2, 0, 1, 2, 3, 4, 2, 1, 0),
    (1, 0, 1, 2, 3, 2, 1, 3, 4, 3, 4, 2, 3, 2, 1, 0),
    (2, 3, 2, 4, 2, 3, 1, 0, 1, 2, 4, 3, 1, 2, 1, 0),
)


def compose(rng: np.random.Generator) -> Draft:
    """Compose one gong cycle of sixteen beats."""
    grid = Grid(float(rng.integers(84, 99)))
    lowest = int(rng.integers(58, 66))
    mode = str(rng.choice(sorted(_TUNINGS)))
    tuning = [lowest + step + 0.12 * rng.standard_normal() for step in _TUNINGS[mode]]
    tuning[0] = float(lowest)
    melody = _MELODIES[rng.integers(len(_MELODIES))]
    bus = Bus(grid, grid.seconds(16) + 2.7)
    _melody(rng, bus, tuning, melody)
    _ornaments(rng, bus, tuning, melody)
    _gongs(rng, bus, tuning, melody)
    _drum(rng, bus)
    bus.samples = effects.reverberate(bus.samples, effects.room_impulse(2.2, damping_hz=6000), wet=0.3)
    return Draft(bus.samples, grid.bpm, lowest % 12, mode)


def _degree_pitch(tuning: list[float], index: int) -> float:
    """Return a scale degree's pitch; after 5 degrees the scale repeats a stretched octave higher."""
    return tuning[index % 5] + 12.06 * (index // 5)


def _melody(rng: np.random.Generator, bus: Bus, tuning, melody) -> None:
    saron = metal_bar(
        rng, beat_hz=float(rng.uniform(4.5, 7.5)), decay_s=3.0, mallet=float(rng.uniform(0.35, 0.7))
    )
    notes = [
        Note(beat, 1.0, _degree_pitch(tuning, degree), 0.8)
        for beat, degree in enumerate((melody[-1], *melody))
    ]
    bus.play(notes, saron, gain=0.49, pan=-0.15, rng=rng)
    low = metal_bar(rng, beat_hz=5.0, decay_s=4.5, mallet=0.12)
    slow = [
        Note(beat, 2.0, _degree_pitch(tuning, melody[beat + 1] if beat < 15 else 0) - 12, 0.7)
        for beat in range(0, 17, 2)
    ]
    bus.play(slow, low, gain=0.36, pan=0.2)


def _ornaments(rng: np.random.Generator, bus: Bus, tuning, melody) -> None:
    """Play a figure around each tone of the melody, its notes divided between two instruments."""
    high = metal_bar(rng, beat_hz=8.0, decay_s=1.6, mallet=0.8)
    offsets = [(0, 1, 0, 1), (1, 0, 2, 0), (0, 2, 1, 0), (2, 1, 0, 1)][rng.integers(4)]
    is_fast = bool(rng.random() < 0.6)
    even_notes, odd_notes = [], []
    for beat, degree in enumerate(melody):
        for i, offset in enumerate(offsets):
            note = Note(
                beat + i / 4, 0.25, _degree_pitch(tuning, degree + 5 + offset), 0.45 + 0.15 * (i == 0)
            )
            if is_fast or i % 2 == 0:
                (even_notes if i % 2 == 0 else odd_notes).append(note)
    bus.play(even_notes, high, gain=0.62, pan=0.45, rng=rng, jitter_s=0.003)
    bus.play(odd_notes, high, gain=0.7, pan=-0.45, rng=rng, jitter_s=0.003)


def _gongs(rng: np.random.Generator, bus: Bus, tuning, melody) -> None:
    big = gong(rng, beat_hz=float(rng.uniform(1.2, 2.4)), decay_s=8.0)
    bus.play([Note(0, 8, tuning[0] - 24, 0.8), Note(16, 4, tuning[0] - 24, 0.9)], big, gain=0.45)
    small = gong(rng, beat_hz=0.8, decay_s=3.5)
    notes = [Note(beat, 2, _degree_pitch(tuning, melody[beat - 1]) - 12, 0.6) for beat in (4, 8, 12)]
    bus.play(notes, small, gain=0.39, pan=0.25)
    kettle = metal_bar(rng, beat_hz=2.0, decay_s=0.5, mallet=0.9)
    bus.play([Note(beat + 0.5, 0.3, tuning[2] + 12, 0.5) for beat in range(16)], kettle, gain=0.24, pan=-0.3)


def _drum(rng: np.random.Generator, bus: Bus) -> None:
    deep = percussion.hand_drum(rng, pitch_hz=float(rng.uniform(85, 115)), slap=0.15)
    sharp = percussion.hand_drum(rng, pitch_hz=float(rng.uniform(240, 300)), slap=0.5)
    pattern = str(rng.choice(["x...o.x...x.o.o.", "..x...x...x.xoxo", "x.....x.x...x..."]))
    bus.strike(pattern, deep, bars=range(4), gain=0.45, pan=0.1, rng=rng)
    bus.strike("..o.,..o..o.,.,o", sharp, bars=range(4), gain=0.3, pan=-0.1, rng=rng)
