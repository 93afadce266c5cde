import numpy as np
import pytest
import soundfile

from explorer.analysis.report.checks.copies import check_copies, same_sound, sort_copies
from explorer.database.verify import SourceFile
from explorer.errors import AudioError

RATE_HZ = 44_100


@pytest.fixture
def sound():
    return 0.2 * np.random.default_rng(0).normal(size=RATE_HZ).clip(-3, 3)


@pytest.fixture
def write(tmp_path):
    def write_it(name, samples):
        soundfile.write(tmp_path / name, samples, RATE_HZ)
        return tmp_path / name

    return write_it


def filed(path, fingerprint=None, duration_s=1.0):
    return SourceFile(path, 1, 1, fingerprint or path.name, duration_s)


def sort(files, *, titles=None, durations_s=None):
    return sort_copies([["a", "b"]], files, titles or {}, durations_s or {})


def test_one_recording_in_two_formats_is_the_same_sound(write, sound):
    one, other = write("a.flac", sound), write("b.wav", np.column_stack([sound, sound]))
    assert same_sound(one, other)
    assert sort({"a": filed(one), "b": filed(other)}).same == [("a", "b")]


def test_loudness_and_silence_at_the_end_make_no_other_recording(write, sound):
    later = np.concatenate([0.5 * sound, np.zeros(3 * RATE_HZ)])
    assert same_sound(write("a.wav", sound), write("b.wav", later))


@pytest.mark.parametrize("shift", [0, 1000])
def test_other_sounds_are_told_apart(write, sound, shift):
    other = np.roll(sound, shift) if shift else sound[::-1]
    one, two = write("a.wav", sound), write("b.wav", other)
    assert not same_sound(one, two)
    found = sort({"a": filed(one), "b": filed(two)})
    assert found.different == [("a", "b")]
    verdict = check_copies(found, 2)
    assert (verdict.status, verdict.songs) == ("failed", ["a", "b"])


def test_a_recording_that_goes_on_is_another(write, sound):
    assert not same_sound(write("a.wav", sound), write("b.wav", np.tile(sound, 2)))


def test_silence_sounds_like_silence_and_nothing_else(write, sound):
    silent, longer = write("a.wav", np.zeros(1000)), write("b.wav", np.zeros(90_000))
    assert same_sound(silent, longer)
    assert not same_sound(silent, write("c.wav", sound))


def test_files_of_the_same_bytes_are_copies_unheard(tmp_path):
    file = filed(tmp_path / "absent.mp3", "same")
    found = sort({"a": file, "b": file})
    assert found.copies == [("a", "b")]
    assert check_copies(found, 2).status == "noted"


def test_a_file_that_is_no_sound_is_judged_by_what_is_known(tmp_path, write, sound):
    (tmp_path / "b.wav").write_text("words")
    files = {"a": filed(write("a.wav", sound)), "b": filed(tmp_path / "b.wav")}
    with pytest.raises(AudioError):
        same_sound(tmp_path / "a.wav", tmp_path / "b.wav")
    assert sort(files, durations_s={"a": 1.0, "b": 1.2}).undecided == [("a", "b")]


@pytest.mark.parametrize(
    ("titles", "durations_s", "expected"),
    [
        ({}, {"a": 200.0, "b": 200.4}, "undecided"),
        ({}, {"a": 200.0, "b": 230.0}, "different"),
        ({"a": "Song", "b": "Song"}, {}, "undecided"),
        ({"a": "Song", "b": "Another"}, {"a": 200.0}, "different"),
    ],
)
def test_where_files_are_gone_durations_and_then_titles_decide(titles, durations_s, expected):
    found = sort({}, titles=titles, durations_s=durations_s)
    assert getattr(found, expected) == [("a", "b")]
    assert check_copies(found, 2).status == {"undecided": "noted", "different": "failed"}[expected]


def test_of_very_many_copies_only_some_are_heard(write, sound, monkeypatch):
    monkeypatch.setattr("explorer.analysis.report.checks.copies.MOST_COMPARISONS", 2)
    files = {str(n): filed(write(f"{n}.wav", sound)) for n in range(5)}
    found = sort_copies([list(files)], files, {}, dict.fromkeys(files, 1.0))
    assert (len(found.same), len(found.undecided)) == (2, 2)
