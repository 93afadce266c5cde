from itertools import pairwise

import numpy as np
import pytest

from explorer.demo.composer import harmony, melody
from explorer.demo.composer.score import Note

RHYTHMS = [(1.0, 1.0, 1.0, 1.0), (0.5, 0.5, 1.0, 2.0), (1.5, 0.5, -1.0, 1.0)]
CHORDS = harmony.progression("I vi IV V I vi V I", 62)
SCALE = harmony.scale_pitches("major", 62, 62, 84)


def _melody(seed, **settings):
    return melody.write_melody(
        np.random.default_rng(seed), CHORDS, scale=SCALE, rhythms=RHYTHMS, tonic=62, **settings
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_melody_ends_on_a_held_tonic_and_stays_in_range(seed):
    notes = _melody(seed)
    assert notes[-1].pitch % 12 == 2
    assert notes[-1].beats == 4
    assert all(note.pitch in SCALE for note in notes)


@pytest.mark.parametrize("seed", range(5))
def test_accented_notes_are_chord_tones(seed):
    for note in _melody(seed):
        if note.beat % 4 in (0, 2):
            assert note.pitch % 12 in CHORDS[int(note.beat // 4)].tones


def test_equal_letters_of_the_plan_give_equal_rhythms():
    notes = _melody(3, plan="ABAC")
    bars = [[(n.beat % 4, n.beats) for n in notes if n.beat // 4 == bar] for bar in range(7)]
    assert bars[0] == bars[2] == bars[4] == bars[6]
    assert bars[1] == bars[5]


def test_notes_do_not_overlap():
    notes = _melody(4)
    for note, following in pairwise(notes):
        assert note.beat + note.beats <= following.beat + 1e-9


@pytest.mark.parametrize(
    ("numeral", "scale", "altered"),
    [
        ("II7", "major", [60, 62, 64, 66, 67, 69, 71]),
        ("iv", "major", [60, 62, 64, 65, 67, 68, 71]),
        ("V7", "minor", [60, 62, 63, 65, 67, 68, 71]),
        ("bVII", "harmonic minor", [60, 62, 63, 65, 67, 68, 70]),
        ("V7", "minor pentatonic", [60, 63, 65, 67, 70, 72, 75]),
    ],
)
def test_a_scale_is_altered_to_match_the_chord(numeral, scale, altered):
    motif = melody.Motif((0.5,) * 7, tuple(range(7)))
    notes = melody.place_motif(
        motif,
        harmony.parse_chord(numeral, 60),
        scale=harmony.scale_pitches(scale, 60, 60, 84),
        anchor=0,
        start_beat=0,
        accents=(),
    )
    assert [note.pitch for note in notes] == altered


def test_the_second_voice_stays_below_and_in_the_chord():
    notes = _melody(1)
    below = melody.harmonise(notes, CHORDS, scale=harmony.scale_pitches("major", 62, 50, 84))
    assert len(below) == len(notes)
    for upper, lower in zip(notes, below, strict=True):
        assert 3 <= upper.pitch - lower.pitch <= 9
        chord = CHORDS[int(upper.beat // 4)]
        assert (lower.pitch % 12 in chord.tones) or (upper.pitch % 12 not in chord.tones)


def test_rests_produce_no_notes():
    motif = melody.Motif((1.0, -1.0, 2.0), (0, 0, 0))
    notes = melody.place_motif(motif, CHORDS[0], scale=SCALE, anchor=0, start_beat=8, accents=(0.0,))
    assert [(note.beat, note.beats) for note in notes] == [(8, 1), (10, 2)]
    assert isinstance(notes[0], Note)
