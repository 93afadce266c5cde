"""The queries about coarse vectors, and which vector each query means."""

import numpy as np
import pytest

from explorer.database.database import Database
from explorer.database.records import Song
from explorer.database.state import ANY, COARSE, FULL, StateTables
from explorer.errors import UnusableLibraryError
from explorer.library.music_file import Fingerprints, ScannedFile, Tags


def a_vector(seed):
    return np.random.default_rng(seed).normal(size=512)


@pytest.fixture
def mixed(fresh_db, tmp_path):
    """Three songs of a library that shows coarse vectors: "full", "coarse", and "both"."""
    fresh_db.choose_coarse_windows(4)
    fresh_db.show_coarse(True)
    root_id = fresh_db.add_root(tmp_path)
    for name, full, coarse in (("full", 1, None), ("coarse", None, 2), ("both", 3, 4)):
        song = make_song(name, fingerprint=f"fp {name}", sound=f"sound {name}")
        vectors = [None if seed is None else a_vector(seed) for seed in (full, coarse)]
        fresh_db.store_song(root_id, song, vectors[0], coarse=vectors[1])
    return fresh_db, root_id


def make_song(name, *, fingerprint, sound, track=0):
    file = ScannedFile(name.encode(), 1, 2)
    return Song(file, Tags(name), fingerprint, "flac/flac", 3.0, audio_fingerprint=sound)


def place(database, song_id):
    """Give a song a place on the map."""
    database._rows("INSERT OR IGNORE INTO projections VALUES ('pca', '{}', '{}')")
    database._rows("INSERT INTO positions VALUES ('pca', ?, 0, 0, NULL)", (song_id,))


def placed(database):
    return [song_id for (song_id,) in database._rows("SELECT song_id FROM positions ORDER BY song_id")]


def test_each_query_counts_the_songs_that_have_its_kind_of_vector(mixed):
    database, root_id = mixed
    assert database.known_sounds(which=FULL) == {"fp full", "sound full", "fp both", "sound both"}
    assert database.known_sounds(which=COARSE) == {"fp coarse", "sound coarse", "fp both", "sound both"}
    assert len(database.known_sounds(which=ANY)) == 6
    known = database.known_files(root_id)
    assert {path: file.is_coarse for path, file in known.items()} == {
        b"full": False,
        b"coarse": True,
        b"both": False,
    }
    assert [song.song_id for song in database.songs()] == ["both", "coarse"]
    assert set(database.source_files()) == {"both", "coarse"}
    assert set(database.files_without_coarse()) == {"full"}
    assert {path for path, *_ in database.preview_starts(root_id)} == {b"full", b"both"}
    assert database.songs_without_vector() == ["full"]
    assert database.count_awaiting_full() == 1
    assert not database.is_ready_for_full()
    prints = Fingerprints("fp coarse", None, Tags(""))
    assert not database.same_sound(prints)
    assert [song.song_id for song in database.same_sound(prints, which=ANY)] == ["coarse"]
    assert [len(database.songs_at(root_id, b"coarse", which=which)) for which in (ANY, COARSE, FULL)] == [
        1,
        1,
        0,
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (lambda library: library.count_vectors(), 2),
        (lambda library: [song.song_id for song in library.songs()], ["both", "coarse"]),
        (lambda library: library.vector("both").tolist(), a_vector(4).tolist()),
    ],
)
def test_a_reader_sees_no_switch_to_full_vectors_between_two_queries(mixed, monkeypatch, query, expected):
    database, shows_coarse = mixed[0], StateTables.shows_coarse

    def switching(library):
        found = shows_coarse(library)
        if library is reader:
            database.show_coarse(False)
        return found

    with Database.open_readonly(database.path) as reader:
        monkeypatch.setattr(StateTables, "shows_coarse", switching)
        assert query(reader) == expected
    assert not shows_coarse(database)


def test_only_a_change_of_the_shown_vector_takes_a_song_from_the_map(mixed):
    database, root_id = mixed
    for name in ("both", "coarse"):
        place(database, name)
    same = make_song("both", fingerprint="another tag", sound="sound both")
    database.store_song(root_id, same, a_vector(8))
    assert placed(database) == ["both", "coarse"]
    assert database.vectors_of("both")[COARSE] is not None
    database.store_song(root_id, make_song("both", fingerprint="x", sound="another"), a_vector(9))
    assert placed(database) == ["coarse"]
    assert database.vectors_of("both")[COARSE] is None
    database.store_coarse_vector("coarse", a_vector(10))
    assert placed(database) == []


def test_a_coarse_vector_of_another_sound_replaces_the_full_one(mixed):
    database, root_id = mixed
    database.store_song(root_id, make_song("full", fingerprint="x", sound="y"), None, coarse=a_vector(5))
    vectors = database.vectors_of("full")
    assert vectors[FULL] is None
    np.testing.assert_array_equal(vectors[COARSE], a_vector(5))


def test_a_moved_song_takes_the_coarse_vector_and_the_place_of_the_one_at_its_new_path(mixed):
    database, root_id = mixed
    place(database, "coarse")
    (moved,) = database.same_sound(Fingerprints("fp full", None, Tags("")))
    assert database.move_song(moved, root_id, ScannedFile(b"coarse", 1, 2)) == "coarse"
    vectors = database.vectors_of("coarse")
    np.testing.assert_array_equal(vectors[FULL], a_vector(1))
    np.testing.assert_array_equal(vectors[COARSE], a_vector(2))
    assert placed(database) == ["coarse"]


def test_completing_a_song_keeps_its_tags_and_fails_if_its_file_has_changed(mixed):
    database, root_id = mixed
    song = make_song("coarse", fingerprint="fp coarse", sound="sound coarse")
    database._rows("UPDATE songs SET info = json_set(info, '$.name', 'decoded') WHERE id = 'coarse'")
    database._rows("INSERT INTO asked_songs(song_id) VALUES ('coarse'), ('full')")
    assert database.asked_paths(root_id) == [b"coarse"]
    assert not database.complete_song(
        root_id, make_song("coarse", fingerprint="other", sound="s"), a_vector(6)
    )
    assert database.complete_song(root_id, song, a_vector(6))
    assert database.song("coarse").title == "decoded"
    assert database.asked_paths(root_id) == []
    assert database.is_ready_for_full()
    database.show_coarse(False)
    assert database.first_look() == {
        "songs": 3,
        "coarse": 0,
        "full": 3,
        "shows_coarse": False,
        "awaiting": 0,
    }


@pytest.mark.parametrize("how", ["gone", "failed"])
def test_songs_that_are_gone_or_failed_do_not_wait_for_a_full_vector(mixed, how):
    database, root_id = mixed
    if how == "gone":
        database.mark_gone(root_id, [b"coarse"], since="2026-01-01T00:00:00+00:00")
    else:
        database.store_failure(root_id, ScannedFile(b"coarse", 1, 2), "It is broken.")
    assert database.is_ready_for_full()


def test_a_damaged_coarse_or_full_vector_is_found(mixed):
    database, _ = mixed
    database._rows("UPDATE coarse_vectors SET embedding = x'00' WHERE song_id = 'coarse'")
    database._rows("UPDATE songs_vectors SET embedding = x'00' WHERE song_id = 'full'")
    assert database.damaged_songs().keys() == {"coarse", "full"}


def test_an_impossible_number_of_windows_is_damage(mixed):
    database, _ = mixed
    database._rows("UPDATE state SET value = '-3' WHERE key = 'coarse_windows'")
    with pytest.raises(UnusableLibraryError):
        database.coarse_windows()
