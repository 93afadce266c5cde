import numpy as np

from explorer.demo.composer import accompaniment, harmony

VOICINGS = [(60, 64, 67), (57, 60, 64)]


def test_a_hit_lasts_until_the_next_hit_or_a_given_length():
    assert accompaniment.read_pattern("X..o", step=0.5) == [(0.0, 1.5, 0.95), (1.5, 0.5, 0.5)]
    assert accompaniment.read_pattern("x...x...", length=0.2) == [(0.0, 0.2, 0.75), (1.0, 0.2, 0.75)]


def test_every_chord_gets_the_rhythm():
    notes = accompaniment.chords_in_rhythm(VOICINGS, [(1.0, 0.5, 0.7)], beats_per_chord=3)
    assert [(note.beat, note.pitch) for note in notes] == [
        (beat, pitch) for beat, chord in zip((1, 4), VOICINGS, strict=True) for pitch in chord
    ]


def test_broken_chords_continue_an_octave_higher_and_have_rests():
    notes = accompaniment.broken_chords(VOICINGS[:1], [0, 3, -1, 2], step=0.5, beats_per_chord=2)
    assert [(note.beat, note.pitch) for note in notes] == [(0, 60), (0.5, 72), (1.5, 67)]


def test_a_walking_bass_starts_bars_on_roots_and_steps_into_them():
    chords = harmony.progression("I7 IV7 V7 I7", 43)
    notes = accompaniment.walking_bass(np.random.default_rng(0), chords, low=28, high=47)
    assert [note.beat for note in notes] == list(range(16))
    assert [notes[4 * i].pitch % 12 for i in range(4)] == [chord.root for chord in chords]
    for i in range(1, 4):
        step = (notes[4 * i].pitch - notes[4 * i - 1].pitch) % 12
        assert step in (1, 2, 10, 11)


def test_a_walking_bass_stays_in_a_given_scale():
    scale = harmony.scale_pitches("major", 48, 36, 57)
    chords = harmony.progression("I vi ii V I", 48)
    for seed in range(10):
        notes = accompaniment.walking_bass(
            np.random.default_rng(seed), chords, low=38, high=55, beats_per_chord=2, scale=scale
        )
        assert {note.pitch % 12 for note in notes} <= {pitch % 12 for pitch in scale}


def test_boogie_bass_plays_each_chord_tone_twice():
    notes = accompaniment.boogie_bass(harmony.progression("I7", 40), low=28)
    assert [note.pitch - notes[0].pitch for note in notes] == [0, 0, 4, 4, 7, 7, 10, 10]
