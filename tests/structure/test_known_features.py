from explorer.structure.known_features import KnownFeatures, frequency_text
from explorer.structure.song_features import SongFeatures

MEASURED = SongFeatures(119.6, 0.9, "A minor", 0.9, 0.618, -14.3, 1812.0)
DOUBTFUL = SongFeatures(119.6, 0.1, "A minor", 0.1)


def test_known_values_are_written_with_their_units():
    assert KnownFeatures.of(MEASURED).texts() == {
        "Tempo": "120 bpm",
        "Key": "A minor · 8A",
        "Loudness": "-14 LUFS",
        "Brightness": "1.8 kHz",
        "Energy": "62 of 100",
    }


def test_doubt_is_said_as_doubt_and_unknown_values_are_left_out():
    texts = KnownFeatures.of(DOUBTFUL).texts()
    assert texts == {"Tempo": "about 120 bpm (not sure)", "Key": "A minor · 8A (not sure)"}
    assert KnownFeatures.of(None).texts() == {}
    assert KnownFeatures.of(SongFeatures(energy=0.0)).texts() == {"Energy": "0 of 100"}


def test_tags_come_first_even_if_nothing_was_measured():
    for measured in (MEASURED, DOUBTFUL, None):
        known = KnownFeatures.of(measured, tag_tempo="174", tag_key="Dm").as_json()
        assert (known["tempo_bpm"], known["tempo_source"], known["tempo_is_sure"]) == (174.0, "tag", True)
        assert (known["key"], known["camelot"], known["key_source"]) == ("D minor", "7A", "tag")


def test_unknown_values_are_null_in_json():
    known = KnownFeatures.of(None).as_json()
    assert set(known.values()) == {None}
    measured = KnownFeatures.of(DOUBTFUL).as_json()
    assert measured.keys() == known.keys()
    assert (measured["tempo_is_sure"], measured["tempo_confidence"]) == (False, 0.1)


def test_a_frequency_is_written_in_the_unit_that_its_rounded_value_has():
    assert [frequency_text(hz) for hz in (850.4, 999.4, 999.6, 12_345)] == [
        *("850 Hz", "999 Hz", "1.0 kHz", "12.3 kHz")
    ]


def test_a_silent_song_has_no_loudness_and_no_brightness():
    known = KnownFeatures.of(SongFeatures(energy=0.0, loudness_lufs=-70.0, brightness_hz=0.0))
    assert (known.energy, known.loudness_lufs, known.brightness_hz) == (0.0, None, None)
    strange = SongFeatures(energy=float("nan"), loudness_lufs=float("-inf"), brightness_hz=float("inf"))
    known = KnownFeatures.of(strange)
    assert (known.energy, known.loudness_lufs, known.brightness_hz) == (None, None, None)
