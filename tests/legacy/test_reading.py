"""Reading original databases, also damaged ones, without changing them."""

import hashlib
import io
import json
import pickle
import sqlite3
import tracemalloc
from contextlib import closing

import numpy as np
import pytest
from support import store_library, store_original

from explorer.database.connection import is_original
from explorer.database.database import Database
from explorer.errors import LibraryError, NoLibraryError
from explorer.legacy.reading import open_original


def change(path, sql, *bindings):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(sql, bindings)


def read(path):
    """Return an original database, for its counts, and all its songs by id."""
    with open_original(path) as original:
        return original, {song.song_id: song for song in original}


def npy(array):
    blob = io.BytesIO()
    np.save(blob, array)
    return blob.getvalue()


def state(folder):
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
        if path.is_file()
    }


@pytest.mark.parametrize("column", ["vector", "embedding"])
def test_songs_vectors_and_genres_are_read_as_written(tmp_path, column):
    vectors = store_original(tmp_path / "old.db", column=column)
    original, songs = read(tmp_path / "old.db")
    assert list(songs) == original.song_ids == sorted(vectors)
    for song in songs.values():
        np.testing.assert_array_equal(song.vector, vectors[song.song_id])
        assert len(song.genres) == 1
        assert song.problem is None
    assert (original.repeated_genres, original.strays) == (12, 0)
    assert json.loads(songs[min(songs)].info)["preview_url"] == "https://example.org/0"


def test_raw_float64_is_read_and_other_values_are_reported(tmp_path):
    path = tmp_path / "old.db"
    vectors = store_original(path)
    raw, *others = sorted(vectors)
    blobs = {
        raw: vectors[raw].astype("<f8").tobytes(),
        others[0]: vectors[others[0]].astype("<f8").tobytes()[:-8],
        others[1]: npy(vectors[others[1]].astype(np.float32)),
        others[2]: npy(np.arange(512)),
        others[3]: npy(vectors[others[3]][None]),
        others[4]: pickle.dumps(vectors[others[4]]),
        others[5]: "a text",
        others[6]: npy(np.full(512, np.nan)),
        others[7]: npy(vectors[others[7]])[:2000],
        others[8]: None,
        others[9]: npy(np.full(512, 1e16)),
    }
    for song_id, blob in blobs.items():
        change(path, "UPDATE songs_vectors SET vector = ? WHERE song_id = ?", blob, song_id)
    _, by_id = read(path)
    np.testing.assert_array_equal(by_id[raw].vector, vectors[raw])
    reasons = {song.song_id: song.problem for song in by_id.values() if song.problem}
    assert sorted(reasons) == sorted(others[:10])
    assert all(by_id[song_id].vector is None for song_id in reasons)
    assert "4088 bytes" in reasons[others[0]]
    assert "float32" in reasons[others[1]]
    assert "int64" in reasons[others[2]]
    assert "(1, 512)" in reasons[others[3]]
    assert "type str" in reasons[others[5]]
    assert "not finite" in reasons[others[6]]
    assert "nothing" in reasons[others[8]]
    assert "beyond 1e+15" in reasons[others[9]]
    np.testing.assert_array_equal(by_id[others[10]].vector, vectors[others[10]])


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        b"{'descr': '<f8', ((((((((",
        b"(" * 118,
        b"\xff",
    ],
)
def test_a_damaged_header_affects_only_one_vector(tmp_path, header):
    path = tmp_path / "old.db"
    song_id = min(store_original(path))
    blob = b"\x93NUMPY\x01\x00v\x00" + header.ljust(118) + bytes(100)
    change(path, "UPDATE songs_vectors SET vector = ? WHERE song_id = ?", blob, song_id)
    assert [song.song_id for song in read(path)[1].values() if song.problem] == [song_id]


def test_invalid_bytes_in_a_text_replace_only_single_characters(tmp_path):
    path = tmp_path / "old.db"
    store_original(path)
    change(path, "INSERT INTO songs VALUES (CAST(x'61ff' AS TEXT), CAST(? AS TEXT))", b'{"name": "B\xff"}')
    change(path, "INSERT INTO songs_genres VALUES (CAST(x'61ff' AS TEXT), CAST(x'6aff' AS TEXT))")
    song = read(path)[1]["a\ufffd"]
    assert json.loads(song.info)["name"] == "B\ufffd"
    assert song.genres == ("j\ufffd",)


def test_a_database_in_utf_16_is_read(tmp_path):
    store_original(tmp_path / "old.db")
    with closing(sqlite3.connect(tmp_path / "old.db")) as old, closing(sqlite3.connect(":memory:")) as new:
        new.execute("PRAGMA encoding = 'UTF-16'")
        new.executescript("\n".join(old.iterdump()))
        new.execute("VACUUM INTO ?", (str(tmp_path / "new.db"),))
    infos = [[song.info for song in read(tmp_path / name)[1].values()] for name in ("old.db", "new.db")]
    assert infos[0] == infos[1]


def test_rows_without_an_id_are_not_songs(tmp_path):
    path = tmp_path / "old.db"
    vector = npy(next(iter(store_original(path).values())))
    for song_id in (None, ""):
        change(path, "INSERT INTO songs VALUES (?, '{}')", song_id)
        change(path, "INSERT INTO songs_vectors VALUES (?, ?)", song_id, vector)
        change(path, "INSERT INTO songs_genres VALUES (?, 'x')", song_id)
    change(path, "INSERT INTO songs_genres VALUES ('stem 1', NULL)")
    original, songs = read(path)
    assert len(songs) == 12
    assert original.strays == 4


def test_nan_and_infinity_in_the_json_become_null(tmp_path):
    path = tmp_path / "old.db"
    song_id = min(store_original(path))
    info = '{"name": "Kept", "a": NaN, "b": [-Infinity], "c": 1e999, "d": 1.5}'
    change(path, "UPDATE songs SET info = ? WHERE id = ?", info, song_id)
    assert json.loads(read(path)[1][song_id].info) == {
        "name": "Kept",
        "a": None,
        "b": [None],
        "c": None,
        "d": 1.5,
    }


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE state(anything)",
        "PRAGMA user_version = 3",
        "CREATE TABLE state(anything); PRAGMA user_version = 3",
    ],
)
def test_tables_or_a_version_added_later_do_not_make_an_original_a_library(tmp_path, sql):
    path = tmp_path / "old.db"
    store_original(path)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(sql)
    before = state(tmp_path)
    assert is_original(path)
    for opening in (Database.open, Database.open_readonly):
        with pytest.raises(LibraryError, match="original scripts"):
            opening(path)
    assert state(tmp_path) == before


@pytest.mark.parametrize("version", [0, 1, 99])
def test_a_database_of_another_program_is_refused_and_unchanged(tmp_path, version):
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"CREATE TABLE places(url); PRAGMA user_version = {version}")
    before = state(tmp_path)
    for opening in (Database.open, Database.open_readonly):
        with pytest.raises(LibraryError, match=r"another program|not a library of this program"):
            opening(path)
    assert state(tmp_path) == before


def test_an_original_with_other_columns_is_refused(tmp_path):
    path = tmp_path / "old.db"
    store_original(path)
    change(path, "ALTER TABLE songs RENAME COLUMN info TO data")
    with pytest.raises(LibraryError, match="tables and columns"):
        read(path)


def test_a_song_written_twice_has_its_last_vector(tmp_path):
    path = tmp_path / "old.db"
    song_id = min(store_original(path))
    change(path, "INSERT INTO songs_vectors VALUES (?, ?)", song_id, npy(np.ones(512)))
    change(path, "INSERT INTO songs_vectors VALUES (?, ?)", song_id, b"")
    song = read(path)[1][song_id]
    assert song.problem is None
    np.testing.assert_array_equal(song.vector, np.ones(512))


def test_the_id_is_the_name_of_a_song_without_valid_json(tmp_path):
    path = tmp_path / "old.db"
    first, second, third, *_ = sorted(store_original(path))
    change(path, "DELETE FROM songs WHERE id = ?", first)
    change(path, "UPDATE songs SET info = '{half' WHERE id = ?", second)
    change(
        path, "UPDATE songs SET info = ? WHERE id = ?", json.dumps({"track": {"name": "In a list"}}), third
    )
    change(path, "INSERT INTO songs_genres VALUES ('nobody', 'x')")
    original, songs = read(path)
    names = [json.loads(songs[song_id].info)["name"] for song_id in (first, second, third)]
    assert names == [first, second, "In a list"]
    assert original.strays == 1


@pytest.mark.parametrize("wal", [False, True])
def test_reading_changes_neither_the_file_nor_its_folder(tmp_path, wal):
    path = tmp_path / "old.db"
    store_original(path, wal=wal)
    before = state(tmp_path)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert len(read(path)[1]) == 12
    finally:
        tmp_path.chmod(0o755)
    assert state(tmp_path) == before


def test_the_log_of_a_killed_writer_is_read(tmp_path):
    path = tmp_path / "old.db"
    store_original(path, wal=True)
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("INSERT INTO songs VALUES ('late', '{\"name\": \"Late\"}')")
    database.commit()
    copy = tmp_path / "copy"
    copy.mkdir()
    for end in ("", "-wal"):
        (copy / f"old.db{end}").write_bytes((tmp_path / f"old.db{end}").read_bytes())
    database.close()
    before = state(copy)
    assert "late" in read(copy / "old.db")[1]
    assert state(copy) == before


def test_an_original_that_is_only_in_its_log_is_recognised(tmp_path):
    database = sqlite3.connect(tmp_path / "old.db")
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("CREATE TABLE songs_vectors(song_id TEXT, vector BLOB)")
    database.commit()
    assert is_original(tmp_path / "old.db")
    database.close()


def test_songs_are_read_one_at_a_time_to_save_memory(tmp_path):
    store_original(tmp_path / "old.db", count=2000)
    tracemalloc.start()
    try:
        with open_original(tmp_path / "old.db") as original:
            assert sum(song.vector is not None for song in original) == 2000
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2000 * 4096 / 4


@pytest.mark.parametrize("wal", [False, True])
def test_opening_an_original_as_a_library_is_refused_and_changes_nothing(tmp_path, wal):
    store_original(tmp_path / "old.db", wal=wal)
    before = state(tmp_path)
    for opening in (Database.open, Database.open_readonly):
        with pytest.raises(LibraryError, match=r"serve --audio FOLDER --db .*old\.db"):
            opening(tmp_path / "old.db")
    assert state(tmp_path) == before


def test_files_that_are_not_originals_are_refused(tmp_path):
    store_library(tmp_path / "ours.db", tmp_path / "music", per_genre=1)
    (tmp_path / "text.db").write_text("no database, but long enough to be looked at as one" * 20)
    (tmp_path / "empty.db").touch()
    with pytest.raises(NoLibraryError):
        read(tmp_path / "none.db")
    for name in ("ours.db", "text.db", "empty.db"):
        with pytest.raises(LibraryError):
            read(tmp_path / name)
    assert not is_original(tmp_path / "ours.db")


def test_a_file_name_with_special_url_characters_is_opened(tmp_path):
    path = tmp_path / "old #1 100%?.db"
    store_original(path)
    assert len(read(path)[1]) == 12
    assert list(tmp_path.iterdir()) == [path]
