"""Writes melodies: random motifs, repeated and fitted to each bar's chord, ending on the tonic."""

from dataclasses import dataclass, replace

import numpy as np

from explorer.demo.composer.harmony import Chord, nearest
from explorer.demo.composer.score import Note


@dataclass(frozen=True)
class Motif:
    """A bar of melody: lengths in beats, negative for rests, and scale steps from the first note."""

    beats: tuple[float, ...]
    steps: tuple[int, ...]


def draw_motif(rng: np.random.Generator, rhythms: list[tuple[float, ...]], *, leap: float = 0.2) -> Motif:
    """Make a random motif: mostly steps from note to note; after a leap, a step in the other direction.

    rhythms: the one-bar rhythms to choose from. leap: probability of a leap.
    """
    beats = rhythms[rng.integers(len(rhythms))]
    steps, position, step_back = [], 0, 0
    direction = int(rng.choice([-1, 1]))
    for _ in beats:
        steps.append(position)
        if step_back:
            move, step_back = step_back, 0
        elif rng.random() < leap:
            move = direction * int(rng.integers(2, 5))
            step_back = -direction
        else:
            direction = -direction if rng.random() < 0.3 else direction
            move = direction
        position += move
    return Motif(beats=tuple(beats), steps=tuple(steps))


def _nearest_chord_tone(index: int, scale: list[int], chord: Chord) -> int:
    """Return the index in the scale of the chord tone nearest to an index."""
    fitting = [i for i, pitch in enumerate(scale) if pitch % 12 in chord.tones]
    return min(fitting, key=lambda i: (abs(i - index), i)) if fitting else index


def _altered_tones(chord: Chord, scale: list[int]) -> dict[int, int]:
    """Return the tones of a seven-tone scale that a chord alters, with their altered tones.

    Over a D major chord, F becomes F sharp.
    """
    classes = sorted({pitch % 12 for pitch in scale})
    altered: dict[int, int] = {}
    if len(classes) != 7:
        return altered
    for tone in set(chord.tones) - set(classes):
        candidates = [
            pc for pc in ((tone + 1) % 12, (tone - 1) % 12) if pc in classes and pc not in chord.tones
        ]
        if len(candidates) == 2 and chord.root in classes:
            # A chord is a stack of thirds: the altered tone is an even number of scale steps above the root.
            steps = [(classes.index(pc) - classes.index(chord.root)) % 7 for pc in candidates]
            candidates = [pc for pc, step in zip(candidates, steps, strict=True) if step % 2 == 0]
        if candidates:
            altered[candidates[0]] = tone
    return altered


def _alter(pitch: int, chord: Chord, scale: list[int]) -> int:
    """Raise or lower a pitch of the scale if the chord alters this tone."""
    pitch_class = _altered_tones(chord, scale).get(pitch % 12)
    return pitch if pitch_class is None else nearest(pitch_class, pitch)


def _nearest_index(pitch: float, scale: list[int]) -> int:
    """Return the index of the scale's pitch that is nearest to a pitch."""
    return min(range(len(scale)), key=lambda i: abs(scale[i] - pitch))


def place_motif(
    motif: Motif,
    chord: Chord,
    *,
    scale: list[int],
    anchor: int,
    start_beat: float,
    accents: tuple[float, ...],
) -> list[Note]:
    """Place a motif in a bar: accented and long notes are chord tones, the others are passing notes.

    scale: the scale's MIDI pitches, ascending; a melody that would leave the scale is mirrored at its end.
    anchor: index in the scale where the motif starts.
    accents: the accented beats of the bar.
    """
    notes, beat, top = [], 0.0, len(scale) - 1
    for length, step in zip(motif.beats, motif.steps, strict=True):
        index = anchor + step
        index = -index if index < 0 else index
        index = 2 * top - index if index > top else index
        is_accented = beat in accents
        if is_accented or abs(length) >= 1.5:
            index = _nearest_chord_tone(index, scale, chord)
        if length > 0:
            pitch = _alter(scale[int(np.clip(index, 0, top))], chord, scale)
            notes.append(Note(start_beat + beat, length, pitch, 0.85 if is_accented else 0.68))
        beat += abs(length)
    return notes


def write_melody(
    rng: np.random.Generator,
    chords: list[Chord],
    *,
    scale: list[int],
    rhythms: list[tuple[float, ...]],
    tonic: int,
    beats_per_bar: float = 4,
    plan: str = "AABA",
    leap: float = 0.2,
    accents: tuple[float, ...] = (0.0, 2.0),
) -> list[Note]:
    """Write a melody over a progression, one bar per chord; the last bar is a held tonic.

    scale: the scale's MIDI pitches in the instrument's range.
    rhythms: one-bar rhythms in beats, negative for rests.
    tonic: the key's tonic, in any octave.
    plan: a letter for each bar, repeated if there are more bars; bars with the same letter have the same
    motif.
    leap: probability of a leap.
    accents: the beats of the bar on which chord tones are played.
    """
    motifs = {letter: draw_motif(rng, rhythms, leap=leap) for letter in sorted(set(plan))}
    notes: list[Note] = []
    middle = len(scale) // 2
    anchor = _nearest_chord_tone(middle + int(rng.integers(-1, 2)), scale, chords[0])
    for bar, chord in enumerate(chords[:-1]):
        motif = motifs[plan[bar % len(plan)]]
        # Start each bar near the middle of the range, so that a listener recognises a repeated motif.
        target = round(0.6 * anchor + 0.4 * middle)
        anchor = _nearest_chord_tone(target, scale, chord)
        placed = place_motif(
            motif, chord, scale=scale, anchor=anchor, start_beat=bar * beats_per_bar, accents=accents
        )
        notes += placed
        anchor = _nearest_index(placed[-1].pitch, scale) if placed else anchor
    last = notes[-1].pitch if notes else scale[middle]
    tonic_pitch = nearest(tonic % 12, last)
    if tonic_pitch not in scale:
        tonic_pitch = min((p for p in scale if p % 12 == tonic % 12), key=lambda p: abs(p - last))
    notes.append(Note((len(chords) - 1) * beats_per_bar, beats_per_bar, tonic_pitch, 0.8))
    return notes


def harmonise(
    notes: list[Note], chords: list[Chord], *, scale: list[int], beats_per_bar: float = 4
) -> list[Note]:
    """Write a second voice below: chord tones under chord tones, thirds under the other notes.

    chords: one per bar. scale: the scale's MIDI pitches, wide enough for both voices.
    """
    second = []
    for note in notes:
        chord = chords[min(int(note.beat // beats_per_bar), len(chords) - 1)]
        if note.pitch % 12 in chord.tones:
            pitch = next(p for p in range(int(note.pitch) - 3, 0, -1) if p % 12 in chord.tones)
        else:
            below = scale[max(0, _nearest_index(note.pitch, scale) - 2)]
            pitch = _alter(below, chord, scale)
        second.append(replace(note, pitch=pitch, velocity=note.velocity * 0.85))
    return second
