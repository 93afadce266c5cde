"""Figures of accompaniment: chords in a rhythm, broken chords, walking and boogie basses."""

import numpy as np

from explorer.demo.composer.harmony import Chord, nearest
from explorer.demo.composer.score import Note


def comp(
    voicings: list[tuple[int, ...]], hits: list[tuple[float, float, float]], *, beats_per_chord: float = 4
) -> list[Note]:
    """Play every chord in the same rhythm.

    voicings: MIDI pitches of each chord.
    hits: start and length in beats within the chord's time, and velocity.
    """
    return [
        Note(number * beats_per_chord + start, length, pitch, velocity)
        for number, pitches in enumerate(voicings)
        for start, length, velocity in hits
        for pitch in pitches
    ]


def rhythm(
    pattern: str, *, step: float = 0.25, length: float | None = None
) -> list[tuple[float, float, float]]:
    """Read hits (start and length in beats, velocity) from a pattern of one character a step.

    pattern: `X` loud, `x` normal, `o` soft, anything else a rest.
    step: beats of a step.
    length: beats of each hit; by default a hit lasts until the next one.
    """
    levels = {"X": 0.95, "x": 0.75, "o": 0.5}
    places = [i for i, mark in enumerate(pattern) if mark in levels]
    ends = [*places[1:], len(pattern)]
    return [
        (place * step, length or (end - place) * step, levels[pattern[place]])
        for place, end in zip(places, ends, strict=True)
    ]


def broken(
    voicings: list[tuple[int, ...]],
    order: list[int],
    *,
    step: float,
    beats_per_chord: float = 4,
    ring: float = 1.0,
    velocity: float = 0.6,
) -> list[Note]:
    """Break each chord into single notes.

    voicings: MIDI pitches of each chord, ascending.
    order: which note comes when, over and over; past the top it goes on an octave higher, negative is a rest.
    step: beats between notes.
    ring: beats that a note rings.
    velocity: the first note of a chord and of each beat is played louder than this.
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
    ladder: list[int] | None = None,
) -> list[Note]:
    """Walk in quarter notes over a chord a bar: root first, chord tones between, a step into the next root.

    low, high: MIDI pitches of the range.
    ladder: the scale that the steps into the next root keep to; without it they may be chromatic.
    """
    notes, here = [], (low + high) / 2
    for number, chord in enumerate(chords):
        upcoming = chords[(number + 1) % len(chords)]
        for beat in range(beats_per_chord):
            if beat == 0:
                pitch = nearest(chord.bass, here)
            elif beat == beats_per_chord - 1:
                goal = nearest(upcoming.bass, here)
                steps = [step for step in (-2, -1, 1, 2) if ladder is None or goal + step in ladder]
                pitch = goal + int(rng.choice(steps or [0]))
            else:
                pitch = nearest(chord.tones[(beat + int(rng.integers(2))) % 3], here + rng.choice([-3, 4]))
            pitch += 12 * (pitch < low) - 12 * (pitch > high)
            notes.append(Note(number * beats_per_chord + beat, 0.92, pitch, 0.85 if beat % 2 == 0 else 0.72))
            here = pitch
    return notes


def boogie_bass(chords: list[Chord], *, low: int, beats_per_chord: int = 4, up: bool = True) -> list[Note]:
    """Play the boogie figure over a chord a bar: root, third, fifth, sixth and back, each note twice.

    low: the lowest MIDI pitch. up: climb to the seventh instead of coming back at once.
    """
    line = (0, 4, 7, 9) if not up else (0, 4, 7, 10)
    notes = []
    for number, chord in enumerate(chords):
        root = low + (chord.root - low) % 12
        for beat in range(beats_per_chord):
            for half in (0.0, 0.5):
                place = number * beats_per_chord + beat + half
                notes.append(Note(place, 0.42, root + line[beat % 4], 0.85 - 0.3 * half))
    return notes
