"""Roots that do not exist any more: their rows move to another root, or are deleted."""

from pathlib import Path

import numpy as np
import pytest

from explorer.database.records import Song
from explorer.library.music_file import ScannedFile, Tags


@pytest.fixture
def store(fresh_db):
    """Store a song with a path in the root of a folder; return its id."""

    def store(folder, path, *, fingerprint="f", audio_fingerprint=None):
        file = ScannedFile(path, 1, 1)
        song = Song(file, Tags("Title"), fingerprint, "flac/pcm_16", 1.0, audio_fingerprint=audio_fingerprint)
        return fresh_db.store_song(fresh_db.add_root(Path(folder)), song, np.ones(512))

    return store


def places(database):
    return {song_id: str(database.file_of(song_id).path) for song_id in database.song_ids()}


def test_a_root_gets_another_path_and_keeps_its_number_and_choices(fresh_db, store):
    song_id = store("/old", b"caf\xe9/1.flac")
    fresh_db.choose_genres(1, "folder")
    fresh_db.store_failure(1, ScannedFile(b"bad.mp3", 1, 1), "bad")
    fresh_db.move_root(1, Path("/new"), lambda path: b"in/" + path)
    assert fresh_db.numbered_roots() == {1: Path("/new")}
    assert fresh_db.genre_choice(1) == "folder"
    assert places(fresh_db) == {song_id: "/new/in/caf\udce9/1.flac"}
    assert fresh_db.failures() == [("/new/in/bad.mp3", "bad")]


def test_a_root_joins_another_root_with_its_choices(fresh_db, store):
    ids = [store("/old", b"1.flac"), store("/new", b"2.flac")]
    fresh_db.choose_genres(1, "folder")
    fresh_db.choose_genres(2, "tags")
    fresh_db.move_root(1, Path("/new"), lambda path: b"in/" + path)
    assert (fresh_db.numbered_roots(), fresh_db.genre_choice(2)) == ({2: Path("/new")}, "tags")
    assert places(fresh_db) == dict(zip(ids, ("/new/in/1.flac", "/new/2.flac"), strict=True))


def test_a_file_whose_place_is_taken_stays_in_the_old_root(fresh_db, store):
    ids = [store("/old", b"1.flac"), store("/old", b"2.flac"), store("/new", b"1.flac")]
    fresh_db.store_failure(1, ScannedFile(b"bad.mp3", 1, 1), "bad")
    fresh_db.store_failure(2, ScannedFile(b"bad.mp3", 1, 1), "worse")
    fresh_db.move_root(1, Path("/new"), bytes)
    assert fresh_db.roots() == ["/old", "/new"]
    assert places(fresh_db) == dict(zip(ids, ("/old/1.flac", "/new/2.flac", "/new/1.flac"), strict=True))


def test_all_songs_of_one_file_move(fresh_db, store):
    ids = [store("/old", name) for name in (b"1.flac", b"2.flac")]
    with fresh_db.transaction():
        fresh_db._rows("UPDATE files SET path = CAST('1.flac' AS BLOB), track = rowid")
    assert len(fresh_db.identities(1)) == 1
    fresh_db.move_root(1, Path("/new"), lambda path: b"in/" + path)
    assert places(fresh_db) == dict.fromkeys(ids, "/new/in/1.flac")


def test_the_identities_of_missing_files_count_only_if_no_other_is_left(fresh_db, store):
    store("/old", b"1.flac", fingerprint="b1", audio_fingerprint="s1")
    store("/old", b"2.flac", fingerprint="b2")
    fresh_db.mark_gone(1, [b"2.flac"], since="2026-11-03T10:00:00+00:00")
    assert [(file.path, file.fingerprints) for file in fresh_db.identities(1)] == [(b"1.flac", {"b1", "s1"})]
    fresh_db.mark_gone(1, [b"1.flac"], since="2026-11-03T10:00:00+00:00")
    assert [file.path for file in fresh_db.identities(1)] == [b"1.flac", b"2.flac"]


def test_only_a_root_without_songs_is_forgotten(fresh_db, store):
    store("/old", b"a/1.flac")
    for path in (b"a/bad.mp3", b"b/bad.mp3"):
        fresh_db.store_failure(1, ScannedFile(path, 1, 1), "bad")
    fresh_db.forget_empty_root(1)
    assert (fresh_db.roots(), len(fresh_db.failures())) == (["/old"], 2)
    fresh_db.forget_failures_under(1, b"a/")
    assert [path for path, _ in fresh_db.failures()] == ["/old/b/bad.mp3"]
    assert fresh_db.songs_under(1, b"b/") == []
    fresh_db.forget_songs([song_id for song_id, _ in fresh_db.songs_under(1, b"a/")])
    fresh_db.forget_empty_root(1)
    assert (fresh_db.roots(), fresh_db.failures()) == ([], [])
