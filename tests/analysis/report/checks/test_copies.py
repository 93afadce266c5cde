import numpy as np
import pytest
import soundfile

from explorer.analysis.report.checks.copies import (
    check_shared_vectors,
    explain_shared_vectors,
    is_same_recording,
)
from explorer.database.verify import SourceFile
from explorer.errors import AudioError
from explorer.library.music_file import Part

RATE_HZ = 44_100


@pytest.fixture
def sound():
    return 0.2 * np.random.default_rng(0).normal(size=RATE_HZ).clip(-3, 3)


@pytest.fixture
def write(tmp_path):
    def write_samples(name, samples):
        soundfile.write(tmp_path / name, samples, RATE_HZ)
        return tmp_path / name

    return write_samples


def filed(path, fingerprint=None, duration_s=1.0):
    return SourceFile(path, 1, 1, fingerprint or path.name, duration_s)


def explain(files, *, titles=None, durations_s=None):
    return explain_shared_vectors([["a", "b"]], files, titles or {}, durations_s or {})


def test_one_recording_in_two_formats_is_the_same_sound(write, sound):
    first, second = write("a.flac", sound), write("b.wav", np.column_stack([sound, sound]))
    assert is_same_recording(first, second)
    assert explain({"a": filed(first), "b": filed(second)}).same_sound == [("a", "b")]


def test_loudness_and_silence_at_the_end_do_not_matter(write, sound):
    later = np.concatenate([0.5 * sound, np.zeros(3 * RATE_HZ)])
    assert is_same_recording(write("a.wav", sound), write("b.wav", later))


@pytest.mark.parametrize("shift", [0, 1000])
def test_different_sounds_are_different_recordings(write, sound, shift):
    other = np.roll(sound, shift) if shift else sound[::-1]
    first, second = write("a.wav", sound), write("b.wav", other)
    assert not is_same_recording(first, second)
    shared = explain({"a": filed(first), "b": filed(second)})
    assert shared.different == [("a", "b")]
    check = check_shared_vectors(shared, 2)
    assert (check.status, check.songs) == ("failed", ["a", "b"])


def test_a_longer_recording_is_a_different_one(write, sound):
    assert not is_same_recording(write("a.wav", sound), write("b.wav", np.tile(sound, 2)))


def test_silence_equals_silence_only(write, sound):
    silent, longer = write("a.wav", np.zeros(1000)), write("b.wav", np.zeros(90_000))
    assert is_same_recording(silent, longer)
    assert not is_same_recording(silent, write("c.wav", sound))


def test_tracks_of_one_file_are_compared_and_not_the_whole_file(write, sound):
    path = write("a.wav", np.concatenate([sound, sound[::-1], sound]))
    parts = Part(1, 0.0, 1.0), Part(2, 1.0, 2.0), Part(3, 2.0, None)
    first, second, third = (SourceFile(path, 1, 1, f"{part.track}", 1.0, part) for part in parts)
    assert explain({"a": first, "b": second}).different == [("a", "b")]
    assert explain({"a": first, "b": third}).same_sound == [("a", "b")]


def test_files_with_the_same_bytes_are_not_decoded(tmp_path):
    file = filed(tmp_path / "absent.mp3", "same")
    shared = explain({"a": file, "b": file})
    assert shared.same_bytes == [("a", "b")]
    assert check_shared_vectors(shared, 2).status == "noted"


def test_a_file_that_cannot_be_decoded_is_judged_by_its_duration(tmp_path, write, sound):
    (tmp_path / "b.wav").write_text("words")
    files = {"a": filed(write("a.wav", sound)), "b": filed(tmp_path / "b.wav")}
    with pytest.raises(AudioError):
        is_same_recording(tmp_path / "a.wav", tmp_path / "b.wav")
    assert explain(files, durations_s={"a": 1.0, "b": 1.2}).undecided == [("a", "b")]


@pytest.mark.parametrize(
    ("titles", "durations_s", "expected"),
    [
        ({}, {"a": 200.0, "b": 200.4}, "undecided"),
        ({}, {"a": 200.0, "b": 230.0}, "different"),
        ({"a": "Song", "b": "Song"}, {}, "undecided"),
        ({"a": "Song", "b": "Another"}, {"a": 200.0}, "different"),
    ],
)
def test_without_files_durations_and_then_titles_decide(titles, durations_s, expected):
    shared = explain({}, titles=titles, durations_s=durations_s)
    assert getattr(shared, expected) == [("a", "b")]
    assert check_shared_vectors(shared, 2).status == {"undecided": "noted", "different": "failed"}[expected]


def test_only_a_limited_number_of_files_is_decoded(write, sound, monkeypatch):
    monkeypatch.setattr("explorer.analysis.report.checks.copies.MAX_COMPARISONS", 2)
    files = {str(n): filed(write(f"{n}.wav", sound)) for n in range(5)}
    shared = explain_shared_vectors([list(files)], files, {}, dict.fromkeys(files, 1.0))
    assert (len(shared.same_sound), len(shared.undecided)) == (2, 2)
