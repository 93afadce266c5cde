from itertools import pairwise

import pytest

from explorer.demo.composer import harmony


@pytest.mark.parametrize(
    ("numeral", "tones", "bass"),
    [
        ("I", (0, 4, 7), 0),
        ("ii7", (2, 5, 9, 0), 2),
        ("V7/3", (7, 11, 2, 5), 11),
        ("bVImaj7", (8, 0, 3, 7), 8),
        ("iidim/3", (2, 5, 8), 5),
        ("i9", (0, 3, 7, 10, 2), 0),
        ("im7", (0, 3, 7, 10), 0),
        ("Vsus4", (7, 0, 2), 7),
    ],
)
def test_roman_numerals_are_read_as_chords(numeral, tones, bass):
    assert harmony.parse_chord(numeral, 60) == harmony.Chord(tones, bass)


@pytest.mark.parametrize("numeral", ["", "H", "Iblah", "V7/4"])
def test_invalid_numerals_are_refused(numeral):
    with pytest.raises(ValueError, match="is not a chord"):
        harmony.parse_chord(numeral, 0)


def test_chords_are_relative_to_the_key():
    assert harmony.progression("V", 2)[0].tones == (9, 1, 4)


def test_voices_stay_in_range_and_include_every_chord_tone():
    chords = harmony.progression("I vi7 ii7 V7 I", 60)
    for chord, pitches in zip(chords, harmony.voice_lead(chords, low=52, high=74), strict=True):
        assert all(52 <= pitch <= 74 for pitch in pitches)
        assert {pitch % 12 for pitch in pitches} == set(chord.tones)
        assert list(pitches) == sorted(pitches)


def test_voices_keep_the_tones_that_chords_share():
    voicings = harmony.voice_lead(harmony.progression("I vi IV ii", 60), voices=3, low=52, high=79)
    for before, after in pairwise(voicings):
        moves = sorted(abs(a - b) for a, b in zip(before, after, strict=True))
        assert moves[:2] == [0, 0]
        assert moves[2] <= 2


@pytest.mark.parametrize("numerals", ["I ii", "IV V", "vi V"])
def test_neighbouring_triads_avoid_parallel_fifths(numerals):
    before, after = harmony.voice_lead(harmony.progression(numerals, 60), voices=3, low=57, high=81)
    for low in range(3):
        for high in range(low + 1, 3):
            fifths = [(pitches[high] - pitches[low]) % 12 == 7 for pitches in (before, after)]
            assert not all(fifths)


def test_the_bass_plays_inversions_near_the_previous_note():
    line = harmony.bass_line(harmony.progression("I V/3 vi I/5", 60), start=45, low=38, high=52)
    assert [pitch % 12 for pitch in line] == [0, 11, 9, 7]
    assert all(abs(a - b) <= 7 for a, b in pairwise(line))


def test_scale_pitches_are_those_of_the_scale_in_the_range():
    assert harmony.scale_pitches("major pentatonic", 62, 60, 72) == [62, 64, 66, 69, 71]
