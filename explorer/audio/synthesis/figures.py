"""Figures of accompaniment: chords in a rhythm, broken chords, walking and boogie basses."""

import numpy as np

from explorer.audio.synthesis.harmony import Chord, nearest
from explorer.audio.synthesis.score import Note


def comp(
    voicings: list[tuple[int, ...]], hits: list[tuple[float, float, float]], *, beats_per_chord: float = 4
) -> list[Note]:
    """Play every chord in the same rhythm.

    Parameters
    ----------
    voicings : list of tuple of int
        MIDI pitches of each chord.
    hits : list of (float, float, float)
        Start and length in beats within the chord's time, and velocity.
    beats_per_chord : float
        How long a chord lasts.

    Returns
    -------
    list of Note
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
    """Read hits from a pattern: `X` loud, `x` normal, `o` soft, anything else a rest.

    Parameters
    ----------
    pattern : str
        A character a step.
    step : float
        Beats of a step.
    length : float, optional
        Beats of each hit; by default a hit lasts until the next one.

    Returns
    -------
    list of (float, float, float)
        Start and length in beats, velocity.
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

    Parameters
    ----------
    voicings : list of tuple of int
        MIDI pitches of each chord, ascending.
    order : list of int
        Which note comes when; past the top it goes on an octave higher, negative is a rest.
    step : float
        Beats between notes.
    beats_per_chord : float
        How long a chord lasts; the order is repeated to fill it.
    ring : float
        Beats that a note rings.
    velocity : float
        The first note of a chord and of each beat is played louder than this.

    Returns
    -------
    list of Note
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
    """Walk in quarter notes: root first, chord tones between, a step into the next root.

    Parameters
    ----------
    rng : np.random.Generator
        Chooses the way.
    chords : list of Chord
        One a bar.
    low, high : int
        MIDI pitches of the range.
    beats_per_chord : int
        Beats of a chord.
    ladder : list of int, optional
        The scale that the steps into the next root keep to; without it they may be chromatic.

    Returns
    -------
    list of Note
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
    """Play the boogie figure: root, third, fifth, sixth and back, each note twice.

    Parameters
    ----------
    chords : list of Chord
        One a bar.
    low : int
        The lowest MIDI pitch.
    beats_per_chord : int
        Beats of a chord.
    up : bool
        Climb to the seventh instead of coming back at once.

    Returns
    -------
    list of Note
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
