import pytest

from explorer.structure.keys import TONICS, Key, camelot_distance, known_key

MAJOR_CODES = {
    **{"B": 1, "F#": 2, "C#": 3, "G#": 4, "D#": 5, "A#": 6},
    **{"F": 7, "C": 8, "G": 9, "D": 10, "A": 11, "E": 12},
}
"""The outer circle of the Camelot wheel, as DJ programs print it."""
MINOR_CODES = {
    **{"G#": 1, "D#": 2, "A#": 3, "F": 4, "C": 5, "G": 6},
    **{"D": 7, "A": 8, "E": 9, "B": 10, "F#": 11, "C#": 12},
}


def _tag(text):
    key = known_key(measured="C major", confidence=0.1, tag=text)
    return key.name if key.source == "tag" else None


@pytest.mark.parametrize(("codes", "is_minor"), [(MAJOR_CODES, False), (MINOR_CODES, True)])
def test_each_key_has_its_code_on_the_wheel(codes, is_minor):
    for tonic, name in enumerate(TONICS):
        key = Key(tonic, is_minor)
        assert key.camelot == f"{codes[name]}{'A' if is_minor else 'B'}"
        assert _tag(key.camelot) == _tag(f"{codes[name]:02}{key.camelot[-1].lower()}") == key.name
        open_key = (codes[name] - 8) % 12 + 1
        assert _tag(f"{open_key}{'m' if is_minor else 'd'}") == key.name
        assert _tag(key.name) == key.name


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        *(
            ("Am", "A minor"),
            ("A minor", "A minor"),
            ("am", "A minor"),
            ("A min", "A minor"),
            ("Amin", "A minor"),
        ),
        *(
            ("A", "A major"),
            ("AM", "A major"),
            ("A Major", "A major"),
            ("Amaj", "A major"),
            ("a major", "A major"),
        ),
        *(("A#m", "A# minor"), ("Bbm", "A# minor"), ("Bb", "A# major"), ("bb minor", "A# minor")),
        *(("Cb", "B major"), ("B#m", "C minor"), ("E\u266d", "D# major"), ("F\u266fm", "F# minor")),
        *(("A-flat minor", "G# minor"), ("F sharp major", "F# major"), ("Ab", "G# major")),
        *(("8A", "A minor"), ("08A", "A minor"), ("12b", "E major"), ("1m", "A minor"), ("1d", "C major")),
        *(("8A/Am", "A minor"), ("Am (8A)", "A minor"), ("C#m/Dbm", "C# minor")),
        *(
            ("H", "B major"),
            ("Hm", "B minor"),
            ("h-moll", "B minor"),
            ("B-Dur", "A# major"),
            ("b-Moll", "A# minor"),
        ),
        *(("cis-Moll", "C# minor"), ("Es-Dur", "D# major"), ("as moll", "G# minor"), ("Des-Dur", "C# major")),
        *(("A-Moll", "A minor"), ("Ases-Dur", None), ("B", "B major"), ("Bm", "B minor")),
    ],
)
def test_a_tag_names_the_key(tag, name):
    assert _tag(tag) == name


@pytest.mark.parametrize(
    "tag",
    ["", "o", "0", "a", "c#", "0A", "13A", "8", "8C", "I", "ds-Dur", "D dorian", "Am/C", "8A/9A", "key", "-"],
)
def test_the_measured_key_counts_where_the_tag_names_none(tag):
    assert known_key(measured="F# minor", confidence=0.3, tag=tag) == Key(6, True, 0.3, "sound")
    assert known_key(measured=None, confidence=0.0, tag=tag) is None


def test_a_tag_is_sure_and_a_measured_key_of_low_confidence_is_not():
    assert known_key(measured="C major", confidence=0.0, tag="Am").is_sure
    assert not known_key(measured="C major", confidence=0.05).is_sure
    assert not known_key(measured="C major", confidence=float("nan")).is_sure
    assert known_key(measured="C major", confidence=1.2).confidence == 1.0


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [
        ("8A", "8A", 0),
        ("8A", "8B", 1),
        ("8A", "9A", 1),
        ("12B", "1B", 1),
        ("8A", "9B", 2),
        ("1A", "7A", 6),
        ("1A", "7B", 7),
    ],
)
def test_steps_on_the_wheel(a, b, steps):
    first, second = (known_key(measured=None, confidence=0.0, tag=code) for code in (a, b))
    assert camelot_distance(first, second) == camelot_distance(second, first) == steps
