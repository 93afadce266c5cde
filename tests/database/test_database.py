"""Storing songs, finding them, and refusing other files."""

import io
import os
import sqlite3

import apsw
import numpy as np
import pytest

from explorer.database.database import Database
from explorer.database.records import Song, decode_vector, encode_vector
from explorer.errors import LibraryBusyError, LibraryError, SongNotFoundError
from explorer.library.music_file import ScannedFile, Tags


def a_song(path="folder/a.mp3", *, title="A", genres=("Rock",), fingerprint="f" * 32, size=10):
    file = ScannedFile(path.encode("utf-8", "surrogateescape"), size, 5)
    return Song(file, Tags(title, ("X", "Y"), "Album", genres, "1999"), fingerprint, "mp3/mp3", 12.5)


def a_vector(seed=0):
    return np.random.default_rng(seed).normal(size=512)


def test_a_stored_song_is_read_back_with_all_its_fields(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    song_id = fresh_db.store_song(root, a_song(genres=("Rock", "Blues")), a_vector())
    row = fresh_db.song(song_id)
    assert (row.song_id, row.title, row.artist, row.album) == ("folder/a.mp3", "A", "X, Y", "Album")
    assert row.genres == ("Rock", "Blues")
    assert row.duration_s == 12.5
    ids, vectors = fresh_db.vectors()
    assert ids == [song_id]
    np.testing.assert_array_equal(vectors[0], a_vector())


def test_the_original_experiments_query_reads_our_vectors(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    fresh_db.store_song(root, a_song(), a_vector())
    connection = sqlite3.connect(fresh_db.path)
    rows = connection.execute("SELECT rowid, song_id, embedding FROM songs_vectors").fetchall()
    connection.close()
    assert len(rows[0][2]) == 4224
    np.testing.assert_array_equal(np.load(io.BytesIO(rows[0][2])), a_vector())


def test_raw_float64_vectors_are_read(fresh_db, tmp_path):
    assert np.array_equal(decode_vector(a_vector().tobytes(), song_id="x"), a_vector())
    with pytest.raises(LibraryError, match=r"'x'.*100 bytes"):
        decode_vector(b"\0" * 100, song_id="x")
    root = fresh_db.add_root(tmp_path)
    fresh_db.store_song(root, a_song("a.mp3"), a_vector(1))
    fresh_db.store_song(root, a_song("b.mp3"), a_vector(2))
    connection = sqlite3.connect(fresh_db.path)
    connection.execute(
        "UPDATE songs_vectors SET embedding = ? WHERE song_id = 'a.mp3'", (a_vector(3).tobytes(),)
    )
    connection.commit()
    connection.close()
    _, vectors = fresh_db.vectors()
    np.testing.assert_array_equal(vectors, [a_vector(3), a_vector(2)])


def test_an_encoded_vector_takes_4224_bytes_and_decodes_to_the_same_values():
    blob = encode_vector(a_vector())
    assert len(blob) == 4224
    np.testing.assert_array_equal(decode_vector(blob, song_id="x"), a_vector())


def test_equal_paths_under_two_roots_are_two_songs(fresh_db, tmp_path):
    first, second = fresh_db.add_root(tmp_path / "one"), fresh_db.add_root(tmp_path / "two")
    assert fresh_db.store_song(first, a_song(), a_vector(1)) == "folder/a.mp3"
    assert fresh_db.store_song(second, a_song(title="B"), a_vector(2)) == "two/folder/a.mp3"
    assert fresh_db.store_song(second, a_song(title="C"), a_vector(3)) == "two/folder/a.mp3"
    assert [row.title for row in fresh_db.songs()] == ["A", "C"]


def test_file_names_that_are_not_utf8_are_stored_under_different_ids(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    names = [os.fsdecode(b"caf\xe9.mp3"), os.fsdecode(b"caf\xe8.mp3")]
    ids = [fresh_db.store_song(root, a_song(name), a_vector()) for name in names]
    assert len(set(ids)) == 2
    assert [fresh_db.file_of(song_id).path.name for song_id in ids] == names


def test_a_failure_is_listed_until_the_song_succeeds(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    song = a_song()
    fresh_db.store_failure(root, song.file, "damaged")
    assert fresh_db.failures() == [(f"{tmp_path}/folder/a.mp3", "damaged")]
    assert fresh_db.known_files(root)[song.file.path].failed
    fresh_db.store_song(root, song, a_vector())
    assert fresh_db.failures() == []
    assert not fresh_db.known_files(root)[song.file.path].failed


def test_a_song_is_found_by_id_path_and_title(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    fresh_db.store_song(root, a_song("x/a.mp3", title="Einmal"), a_vector())
    fresh_db.store_song(root, a_song("x/b.mp3", title="Zweimal"), a_vector())
    fresh_db.store_song(root, a_song("y/b.mp3", title="Zweimal"), a_vector())
    assert fresh_db.find_song("x/a.mp3").title == "Einmal"
    assert fresh_db.find_song(str(tmp_path / "x" / "a.mp3")).title == "Einmal"
    assert fresh_db.find_song("einmal").song_id == "x/a.mp3"
    with pytest.raises(SongNotFoundError, match=r"(?s)2 songs.*x/b\.mp3.*y/b\.mp3"):
        fresh_db.find_song("Zweimal")
    with pytest.raises(SongNotFoundError, match="Dreimal"):
        fresh_db.find_song("Dreimal")


def test_a_failed_transaction_is_rolled_back(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    with pytest.raises(RuntimeError), fresh_db.transaction():
        fresh_db.store_failure(root, a_song().file, "half done")
        raise RuntimeError
    assert fresh_db.failures() == []


def test_a_snapshot_does_not_change_while_another_connection_writes(library, tmp_path):
    path, _ = library
    with Database.open_readonly(path) as reader, Database.open(path) as writer, reader.snapshot():
        before = reader.summary()["songs"]
        writer.store_song(writer.add_root(tmp_path), a_song(), a_vector())
        assert reader.summary()["songs"] == before
    with Database.open_readonly(path) as reader:
        assert reader.summary()["songs"] == before + 1


def test_a_library_held_by_another_program_is_busy(library):
    path, _ = library
    other = apsw.Connection(str(path))
    other.pragma("locking_mode", "exclusive")
    other.execute("BEGIN EXCLUSIVE; UPDATE state SET value = value")
    try:
        with pytest.raises(LibraryBusyError, match="is busy"):
            Database.open_readonly(path).summary()
    finally:
        other.close()


def test_files_that_are_not_a_library_are_refused_with_a_message(tmp_path):
    text = tmp_path / "notes.db"
    text.write_text("not a database, but long enough to look like something" * 20)
    with pytest.raises(LibraryError, match=r"notes\.db is not a songs\.db"):
        Database.open(text)
    with pytest.raises(LibraryError, match="There is no library"):
        Database.open_readonly(tmp_path / "absent.db")
    newer = tmp_path / "newer.db"
    connection = apsw.Connection(str(newer))
    connection.pragma("user_version", 999)
    connection.close()
    with pytest.raises(LibraryError, match="newer version"):
        Database.open(newer)


def test_a_stored_map_is_read_back_and_has_a_revision(library):
    path, ids = library
    with Database.open_readonly(path) as database:
        assert database.map_revision() == 1
        assert set(database.projections()) == {"pca", "tsne", "umap"}
        song_ids, positions, near = database.positions("umap")
        assert song_ids == sorted(ids)
        assert positions.shape == (24, 2)
        assert near.tolist() == [8] * 24
        labels, names, representatives = database.clusters()
        assert len(labels) == 24
        assert names == ["Techno", "Waltz", "Ambient"]
        assert all(representative in ids for representative in representatives)


def test_forget_everything_leaves_an_empty_library(library):
    path, _ = library
    with Database.open(path) as database:
        database.forget_everything()
        assert database.summary() == {
            "songs": 0,
            "vectors": 0,
            "first_look": {"songs": 0, "coarse": 0, "full": 0, "shows_coarse": False, "awaiting": 0},
            "genres": 0,
            "audio_seconds": 0.0,
            "clusters": 0,
        }
        assert database.model() is None
        assert database.roots() == []
