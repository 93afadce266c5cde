from itertools import pairwise

import numpy as np
import pytest

from explorer.demo.composer import harmony, melody
from explorer.demo.composer.score import Note

CELLS = [(1.0, 1.0, 1.0, 1.0), (0.5, 0.5, 1.0, 2.0), (1.5, 0.5, -1.0, 1.0)]
CHORDS = harmony.progression("I vi IV V I vi V I", 62)
LADDER = harmony.ladder("major", 62, 62, 84)


def _tune(seed, **settings):
    return melody.tune(np.random.default_rng(seed), CHORDS, ladder=LADDER, cells=CELLS, tonic=62, **settings)


@pytest.mark.parametrize("seed", range(5))
def test_a_tune_ends_on_a_held_tonic_in_range(seed):
    notes = _tune(seed)
    assert notes[-1].pitch % 12 == 2
    assert notes[-1].beats == 4
    assert all(note.pitch in LADDER for note in notes)


@pytest.mark.parametrize("seed", range(5))
def test_accents_belong_to_the_chord(seed):
    for note in _tune(seed):
        if note.beat % 4 in (0, 2):
            assert note.pitch % 12 in CHORDS[int(note.beat // 4)].tones


def test_equal_letters_of_the_plan_are_equal_rhythms():
    notes = _tune(3, plan="ABAC")
    bars = [[(n.beat % 4, n.beats) for n in notes if n.beat // 4 == bar] for bar in range(7)]
    assert bars[0] == bars[2] == bars[4] == bars[6]
    assert bars[1] == bars[5]


def test_notes_of_a_bar_neither_overlap_nor_leave_it():
    notes = _tune(4)
    for note, following in pairwise(notes):
        assert note.beat + note.beats <= following.beat + 1e-9


@pytest.mark.parametrize(
    ("numeral", "scale", "bent"),
    [
        ("II7", "major", [60, 62, 64, 66, 67, 69, 71]),
        ("iv", "major", [60, 62, 64, 65, 67, 68, 71]),
        ("V7", "minor", [60, 62, 63, 65, 67, 68, 71]),
        ("bVII", "harmonic minor", [60, 62, 63, 65, 67, 68, 70]),
        ("V7", "minor pentatonic", [60, 63, 65, 67, 70, 72, 75]),
    ],
)
def test_a_scale_bends_to_the_chord(numeral, scale, bent):
    motif = melody.Motif((0.5,) * 7, tuple(range(7)))
    notes = melody.fit(
        motif,
        harmony.parse_chord(numeral, 60),
        ladder=harmony.ladder(scale, 60, 60, 84),
        anchor=0,
        start_beat=0,
        accents=(),
    )
    assert [note.pitch for note in notes] == bent


def test_the_second_voice_stays_below_and_in_the_chord():
    notes = _tune(1)
    below = melody.harmonise(notes, CHORDS, ladder=harmony.ladder("major", 62, 50, 84))
    assert len(below) == len(notes)
    for upper, lower in zip(notes, below, strict=True):
        assert 3 <= upper.pitch - lower.pitch <= 9
        chord = CHORDS[int(upper.beat // 4)]
        assert (lower.pitch % 12 in chord.tones) or (upper.pitch % 12 not in chord.tones)


def test_rests_are_silent():
    motif = melody.Motif((1.0, -1.0, 2.0), (0, 0, 0))
    notes = melody.fit(motif, CHORDS[0], ladder=LADDER, anchor=0, start_beat=8, accents=(0.0,))
    assert [(note.beat, note.beats) for note in notes] == [(8, 1), (10, 2)]
    assert isinstance(notes[0], Note)
