import numpy as np
import pytest

from explorer.mapping.same_recordings import (
    AlikeSongs,
    count_same_recordings,
    folded_title,
    is_same_recording,
    same_recordings,
)

FLAC = np.random.default_rng(5).normal(size=512) + 3


def at_cosine(cosine):
    """Return a vector that has this cosine with `FLAC`."""
    other = np.random.default_rng(6).normal(size=512)
    unit = FLAC / np.linalg.norm(FLAC)
    other -= (other @ unit) * unit
    other /= np.linalg.norm(other)
    return 7 * (cosine * unit + np.sqrt(1 - cosine**2) * other)


class Library:
    """Songs by id: (title, duration in seconds, vector); it counts the vectors that are read."""

    def __init__(self, songs, duplicates=()):
        self._songs, self._duplicates = songs, duplicates
        self.n_read = 0

    def titles_and_durations(self):
        return [(song_id, title, seconds) for song_id, (title, seconds, _) in self._songs.items()]

    def duplicates(self):
        return list(self._duplicates)

    def vectors(self, *, dtype, song_ids):
        self.n_read += len(song_ids)
        return song_ids, np.array([self._songs[song_id][2] for song_id in song_ids], dtype=dtype)


@pytest.mark.parametrize(
    ("title", "seconds", "cosine", "expected"),
    [
        ("Don't Stop", 180.0, 0.9995, True),
        ("dont stop", 180.05, 0.9995, True),
        ("DON’T  STOP!", 179.1, 0.9991, True),
        ("Don't Stop", 180.0, 0.9989, False),
        ("Don't Stop", 181.1, 0.9999, False),
        ("Don't Stop", 178.9, 0.9999, False),
        ("Don't Go", 180.0, 0.9999, False),
        ("Don't Stop (live)", 180.0, 0.9999, False),
    ],
)
def test_title_length_and_vector_decide(title, seconds, cosine, expected):
    library = Library({"b.flac": ("Don't Stop", 180.0, FLAC), "a.mp3": (title, seconds, at_cosine(cosine))})
    assert same_recordings(library) == ([("a.mp3", "b.flac")] if expected else [])
    assert count_same_recordings(library) == expected


def test_songs_with_exactly_the_same_sound_are_not_told_twice():
    songs = {
        "a.flac": ("Song", 180.0, FLAC),
        "a.mp3": ("Song", 180.0, at_cosine(0.9999)),
        "copy.flac": ("Song", 180.0, FLAC),
    }
    pairs = same_recordings(Library(songs, duplicates=[["a.flac", "copy.flac"]]))
    assert pairs == [("a.flac", "a.mp3"), ("a.mp3", "copy.flac")]
    assert same_recordings(Library(songs, duplicates=[["a.flac", "copy.flac", "a.mp3"]])) == []


def test_songs_of_two_groups_of_duplicates_are_compared():
    songs = dict.fromkeys(("a", "b", "c", "d"), ("Song", 180.0, FLAC))
    pairs = same_recordings(Library(songs, duplicates=[["a", "b"], ["c", "d"]]))
    assert pairs == [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]


def test_only_vectors_of_songs_with_alike_titles_and_lengths_are_read():
    songs = {f"{n}.flac": (f"Song {n % 5}", 10.0 * n, FLAC) for n in range(500)}
    library = Library(songs | {"5.mp3": ("song 0", 50.5, FLAC)})
    assert same_recordings(library) == [("5.flac", "5.mp3")]
    assert library.n_read == 2


def test_many_songs_with_one_title_are_not_all_compared():
    songs = {f"{n:05d}": ("Untitled", 30.0, FLAC) for n in range(2_000)}
    pairs = same_recordings(Library(songs))
    assert 2_000 < len(pairs) < 2_000 * 100
    assert {second for _, second in pairs} == {f"{n:05d}" for n in range(1, 2_000)}


def test_the_recordings_of_one_song_are_those_of_all_pairs():
    rng = np.random.default_rng(1)
    titles, lengths = ["Intro", "intro!", "Outro", "…", "Live"], np.round(rng.uniform(30, 45, 400), 1)
    vectors = [at_cosine(cosine) for cosine in rng.choice([1.0, 0.9995, 0.99], 400)]
    songs = [(titles[number % 5], length, vectors[number]) for number, length in enumerate(lengths)]
    pairs = same_recordings(Library({f"{number:03d}": song for number, song in enumerate(songs)}))
    # The last number has no song.
    alike = AlikeSongs((number, title, length) for number, (title, length, _) in enumerate(songs[:-1]))
    assert alike.of(399) == alike.of(400) == AlikeSongs([]).of(0) == []
    found = set()
    for number in range(399):
        others = alike.of(number)
        compared = np.array([vectors[other] for other in others]).reshape(-1, 512)
        same = np.array(others, dtype=int)[is_same_recording(vectors[number], compared)]
        found |= {tuple(sorted((number, other))) for other in same.tolist()}
    expected = {(int(first), int(second)) for first, second in pairs if "399" not in (first, second)}
    assert found == expected
    assert len(found) > 100


def test_vectors_of_zeros_and_titles_without_letters_match_nothing():
    zeros = np.zeros(512)
    assert same_recordings(Library({"a": ("Song", 1.0, zeros), "b": ("Song", 1.0, zeros)})) == []
    assert same_recordings(Library({"a": ("???", 1.0, FLAC), "b": ("!", 1.0, FLAC)})) == []
    assert same_recordings(Library({})) == []


@pytest.mark.parametrize(
    ("title", "folded"),
    [
        ("Beyoncé – Halo", "beyoncehalo"),
        ("ＡＢＢＡ", "abba"),
        ("Straße", "strasse"),
        ("音楽", "音楽"),
        ("…", "…"),
    ],
)
def test_titles_are_compared_by_their_letters(title, folded):
    assert folded_title(title) == folded
