"""Writes accompaniments: chords in a rhythm, broken chords, walking and boogie basses."""

import numpy as np

from explorer.demo.composer.harmony import Chord, nearest
from explorer.demo.composer.score import Note


def chords_in_rhythm(
    voicings: list[tuple[int, ...]], hits: list[tuple[float, float, float]], *, beats_per_chord: float = 4
) -> list[Note]:
    """Write the same rhythm for every chord.

    voicings: MIDI pitches of each chord.
    hits: (start in beats from the chord's start, length in beats, velocity).
    """
    return [
        Note(number * beats_per_chord + start, length, pitch, velocity)
        for number, pitches in enumerate(voicings)
        for start, length, velocity in hits
        for pitch in pitches
    ]


def read_pattern(
    pattern: str, *, step: float = 0.25, length: float | None = None
) -> list[tuple[float, float, float]]:
    """Read hits (start and length in beats, velocity) from a pattern of one character per step.

    pattern: `X` loud, `x` normal, `o` soft, any other a rest.
    step: length of a step in beats.
    length: length of each hit in beats; by default a hit lasts until the next one.
    """
    levels = {"X": 0.95, "x": 0.75, "o": 0.5}
    starts = [i for i, mark in enumerate(pattern) if mark in levels]
    ends = [*starts[1:], len(pattern)]
    return [
        (start * step, length or (end - start) * step, levels[pattern[start]])
        for start, end in zip(starts, ends, strict=True)
    ]


def broken_chords(
    voicings: list[tuple[int, ...]],
    order: list[int],
    *,
    step: float,
    beats_per_chord: float = 4,
    ring: float = 1.0,
    velocity: float = 0.6,
) -> list[Note]:
    """Write the notes of each chord in succession.

    voicings: MIDI pitches of each chord, ascending.
    order: indices of the chord's notes in the order of playing; the order is repeated. An index above the top
    note continues an octave higher; a negative index is a rest.
    step: beats between notes.
    ring: length of a note in beats.
    velocity: of the notes between two beats. The notes on beats are louder, the first note of a chord most.
    """
    notes = []
    for number, pitches in enumerate(voicings):
        for i in range(round(beats_per_chord / step)):
            index = order[i % len(order)]
            if index < 0:
                continue
            pitch = pitches[index % len(pitches)] + 12 * (index // len(pitches))
            accent = 0.2 if i == 0 else 0.08 if (i * step) % 1 == 0 else 0.0
            notes.append(Note(number * beats_per_chord + i * step, ring, pitch, velocity + accent))
    return notes


def walking_bass(
    rng: np.random.Generator,
    chords: list[Chord],
    *,
    low: int,
    high: int,
    beats_per_chord: int = 4,
    scale: list[int] | None = None,
) -> list[Note]:
    """Write a walking bass, one bar per chord: the bass note, chord tones, and a step to the next bass note.

    low, high: the range in MIDI pitches.
    scale: MIDI pitches from which the step to the next bass note starts; without a scale it may be chromatic.
    """
    notes, previous = [], (low + high) / 2
    for number, chord in enumerate(chords):
        next_chord = chords[(number + 1) % len(chords)]
        for beat in range(beats_per_chord):
            if beat == 0:
                pitch = nearest(chord.bass, previous)
            elif beat == beats_per_chord - 1:
                target = nearest(next_chord.bass, previous)
                steps = [step for step in (-2, -1, 1, 2) if scale is None or target + step in scale]
                pitch = target + int(rng.choice(steps or [0]))
            else:
                pitch = nearest(
                    chord.tones[(beat + int(rng.integers(2))) % 3], previous + rng.choice([-3, 4])
                )
            pitch += 12 * (pitch < low) - 12 * (pitch > high)
            notes.append(Note(number * beats_per_chord + beat, 0.92, pitch, 0.85 if beat % 2 == 0 else 0.72))
            previous = pitch
    return notes


def boogie_bass(chords: list[Chord], *, low: int, beats_per_chord: int = 4, up: bool = True) -> list[Note]:
    """Write a boogie bass, one bar per chord: root, third, fifth and a top note, each twice.

    low: the lowest MIDI pitch. up: the top note is the seventh; otherwise it is the sixth.
    """
    line = (0, 4, 7, 9) if not up else (0, 4, 7, 10)
    notes = []
    for number, chord in enumerate(chords):
        root = low + (chord.root - low) % 12
        for beat in range(beats_per_chord):
            for half in (0.0, 0.5):
                start = number * beats_per_chord + beat + half
                notes.append(Note(start, 0.42, root + line[beat % 4], 0.85 - 0.3 * half))
    return notes
