"""Tunes: a motif is invented, repeated, moved to fit each bar's chord, and brought home."""

from dataclasses import dataclass

import numpy as np

from explorer.demo.composer.harmony import Chord, nearest
from explorer.demo.composer.score import Note


@dataclass(frozen=True)
class Motif:
    """A bar of rhythm (beats; a negative one is a rest) and its shape (steps of the scale)."""

    beats: tuple[float, ...]
    steps: tuple[int, ...]


def invent(rng: np.random.Generator, cells: list[tuple[float, ...]], *, leap: float = 0.2) -> Motif:
    """Draw a motif: mostly steps, and a leap is answered by a step back.

    cells: rhythms of one bar to choose from. leap: share of leaps among the intervals.
    """
    beats = cells[rng.integers(len(cells))]
    steps, place, due = [], 0, 0
    direction = int(rng.choice([-1, 1]))
    for _ in beats:
        steps.append(place)
        if due:
            move, due = due, 0
        elif rng.random() < leap:
            move = direction * int(rng.integers(2, 5))
            due = -direction
        else:
            direction = -direction if rng.random() < 0.3 else direction
            move = direction
        place += move
    return Motif(beats=tuple(beats), steps=tuple(steps))


def _snap(index: int, ladder: list[int], chord: Chord) -> int:
    """Move a place on the ladder to the nearest chord tone on it."""
    fitting = [i for i, pitch in enumerate(ladder) if pitch % 12 in chord.tones]
    return min(fitting, key=lambda i: (abs(i - index), i)) if fitting else index


def _bends(chord: Chord, ladder: list[int]) -> dict[int, int]:
    """Tell which tones of a seven-tone scale a chord sharpens or flattens: no F over D major."""
    scale = sorted({rung % 12 for rung in ladder})
    bends: dict[int, int] = {}
    if len(scale) != 7:
        return bends
    for tone in set(chord.tones) - set(scale):
        beside = [pc for pc in ((tone + 1) % 12, (tone - 1) % 12) if pc in scale and pc not in chord.tones]
        if len(beside) == 2 and chord.root in scale:
            # Chords are stacked thirds: the tone that was bent lies an even number of steps above the root.
            steps = [(scale.index(pc) - scale.index(chord.root)) % 7 for pc in beside]
            beside = [pc for pc, step in zip(beside, steps, strict=True) if step % 2 == 0]
        if beside:
            bends[beside[0]] = tone
    return bends


def _inflect(pitch: int, chord: Chord, ladder: list[int]) -> int:
    """Play a tone of the scale as the chord has it."""
    bent = _bends(chord, ladder).get(pitch % 12)
    return pitch if bent is None else nearest(bent, pitch)


def _place(pitch: float, ladder: list[int]) -> int:
    """Find where on the ladder a pitch belongs."""
    return min(range(len(ladder)), key=lambda i: abs(ladder[i] - pitch))


def fit(
    motif: Motif,
    chord: Chord,
    *,
    ladder: list[int],
    anchor: int,
    start_beat: float,
    accents: tuple[float, ...],
) -> list[Note]:
    """Place a motif in a bar: accented notes belong to the chord, the others pass between them.

    ladder: the scale's MIDI pitches, ascending; the tune turns back at its ends.
    anchor: place on the ladder where the motif starts.
    accents: beats of the bar that are accented.
    """
    notes, beat, top = [], 0.0, len(ladder) - 1
    for length, step in zip(motif.beats, motif.steps, strict=True):
        index = anchor + step
        index = -index if index < 0 else index
        index = 2 * top - index if index > top else index
        strong = beat in accents
        if strong or abs(length) >= 1.5:
            index = _snap(index, ladder, chord)
        if length > 0:
            pitch = _inflect(ladder[int(np.clip(index, 0, top))], chord, ladder)
            notes.append(Note(start_beat + beat, length, pitch, 0.85 if strong else 0.68))
        beat += abs(length)
    return notes


def tune(
    rng: np.random.Generator,
    chords: list[Chord],
    *,
    ladder: list[int],
    cells: list[tuple[float, ...]],
    tonic: int,
    beats_per_bar: float = 4,
    plan: str = "AABA",
    leap: float = 0.2,
    accents: tuple[float, ...] = (0.0, 2.0),
) -> list[Note]:
    """Write a melody over a progression, a bar a chord; the last bar is a held tonic.

    ladder: the scale's MIDI pitches in the instrument's range.
    cells: rhythms of one bar, in beats, negative for rests.
    tonic: the key's pitch, whose class counts.
    plan: which motif each bar plays, repeated as needed: equal letters are equal motifs.
    leap: share of leaps.
    accents: beats of the bar that belong to the chord.
    """
    motifs = {letter: invent(rng, cells, leap=leap) for letter in sorted(set(plan))}
    notes: list[Note] = []
    middle = len(ladder) // 2
    anchor = _snap(middle + int(rng.integers(-1, 2)), ladder, chords[0])
    for bar, chord in enumerate(chords[:-1]):
        motif = motifs[plan[bar % len(plan)]]
        # A phrase starts near the middle again, so that a repeated motif is heard as repeated.
        goal = round(0.6 * anchor + 0.4 * middle)
        anchor = _snap(goal, ladder, chord)
        placed = fit(
            motif, chord, ladder=ladder, anchor=anchor, start_beat=bar * beats_per_bar, accents=accents
        )
        notes += placed
        anchor = _place(placed[-1].pitch, ladder) if placed else anchor
    last = notes[-1].pitch if notes else ladder[middle]
    home = nearest(tonic % 12, last)
    if home not in ladder:
        home = min((p for p in ladder if p % 12 == tonic % 12), key=lambda p: abs(p - last))
    notes.append(Note((len(chords) - 1) * beats_per_bar, beats_per_bar, home, 0.8))
    return notes


def harmonise(
    notes: list[Note], chords: list[Chord], *, ladder: list[int], beats_per_bar: float = 4
) -> list[Note]:
    """Write a second voice below: chord tones under chord tones, thirds under the notes between.

    chords: one a bar. ladder: the scale's MIDI pitches, wide enough for both voices.
    """
    second = []
    for note in notes:
        chord = chords[min(int(note.beat // beats_per_bar), len(chords) - 1)]
        if note.pitch % 12 in chord.tones:
            pitch = next(p for p in range(int(note.pitch) - 3, 0, -1) if p % 12 in chord.tones)
        else:
            below = ladder[max(0, _place(note.pitch, ladder) - 2)]
            pitch = _inflect(below, chord, ladder)
        second.append(note.moved(pitch=pitch, velocity=note.velocity * 0.85))
    return second
