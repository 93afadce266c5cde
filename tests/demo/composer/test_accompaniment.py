import numpy as np

from explorer.demo.composer import accompaniment, harmony

VOICINGS = [(60, 64, 67), (57, 60, 64)]


def test_a_rhythm_lasts_until_its_next_hit():
    assert accompaniment.rhythm("X..o", step=0.5) == [(0.0, 1.5, 0.95), (1.5, 0.5, 0.5)]
    assert accompaniment.rhythm("x...x...", length=0.2) == [(0.0, 0.2, 0.75), (1.0, 0.2, 0.75)]


def test_comping_plays_each_chord_in_its_time():
    notes = accompaniment.comp(VOICINGS, [(1.0, 0.5, 0.7)], beats_per_chord=3)
    assert [(note.beat, note.pitch) for note in notes] == [
        (beat, pitch) for beat, chord in zip((1, 4), VOICINGS, strict=True) for pitch in chord
    ]


def test_broken_chords_go_on_an_octave_higher_and_rest():
    notes = accompaniment.broken(VOICINGS[:1], [0, 3, -1, 2], step=0.5, beats_per_chord=2)
    assert [(note.beat, note.pitch) for note in notes] == [(0, 60), (0.5, 72), (1.5, 67)]


def test_a_walking_bass_lands_on_roots_and_leads_into_them():
    chords = harmony.progression("I7 IV7 V7 I7", 43)
    notes = accompaniment.walking_bass(np.random.default_rng(0), chords, low=28, high=47)
    assert [note.beat for note in notes] == list(range(16))
    assert [notes[4 * i].pitch % 12 for i in range(4)] == [chord.root for chord in chords]
    for i in range(1, 4):
        step = (notes[4 * i].pitch - notes[4 * i - 1].pitch) % 12
        assert step in (1, 2, 10, 11)


def test_a_walking_bass_keeps_to_a_scale_where_it_is_given_one():
    scale = harmony.ladder("major", 48, 36, 57)
    chords = harmony.progression("I vi ii V I", 48)
    for seed in range(10):
        notes = accompaniment.walking_bass(
            np.random.default_rng(seed), chords, low=38, high=55, beats_per_chord=2, ladder=scale
        )
        assert {note.pitch % 12 for note in notes} <= {pitch % 12 for pitch in scale}


def test_boogie_climbs_the_chord_in_eighths():
    notes = accompaniment.boogie_bass(harmony.progression("I7", 40), low=28)
    assert [note.pitch - notes[0].pitch for note in notes] == [0, 0, 4, 4, 7, 7, 10, 10]
