"""Which songs somebody played or selected is recorded, without harm to requests or libraries."""

import time

import pytest

from explorer.config import Settings
from explorer.database.database import Database
from explorer.web.app import create_app
from explorer.web.data import asked_songs
from explorer.web.data.asked_songs import AskedSongs

PATIENCE_S = 60


@pytest.fixture
def first_look(library):
    """The library of 24 songs at its first look: songs 0 and 1 have full vectors already."""
    path, song_ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("INSERT INTO coarse_vectors SELECT song_id, embedding FROM songs_vectors")
        database._rows("DELETE FROM songs_vectors WHERE song_id > '001.flac'")
        database.show_coarse(True)
    return path, song_ids


def stored(path):
    with Database.open_readonly(path) as database:
        return [song_id for (song_id,) in database._rows("SELECT song_id FROM asked_songs ORDER BY number")]


def wait_until_written(asked):
    until = time.monotonic() + PATIENCE_S
    while asked._thread is not None:
        assert time.monotonic() < until
        time.sleep(0.02)


def add(path, *song_ids, settings=None):
    asked = AskedSongs(settings or Settings(database=path), interval_s=0.01)
    for song_id in song_ids:
        asked.add(song_id)
    wait_until_written(asked)
    return asked


def test_only_songs_without_a_full_vector_are_recorded(first_look):
    path, _ = first_look
    add(path, "005.flac", "001.flac", "absent.flac", "003.flac", "005.flac")
    assert stored(path) == ["005.flac", "003.flac"]
    with Database.open(path) as database, database.transaction():
        database._rows("INSERT INTO songs_vectors SELECT * FROM coarse_vectors WHERE song_id = '005.flac'")
    add(path, "007.flac")
    assert stored(path) == ["003.flac", "007.flac"]


def test_the_table_stays_small(first_look, monkeypatch):
    path, song_ids = first_look
    monkeypatch.setattr("explorer.database.vectors._MAX_ASKED", 3)
    add(path, *song_ids)
    assert stored(path) == song_ids[-3:]


def test_nothing_is_recorded_once_all_songs_have_full_vectors(library):
    asked = add(library[0], "005.flac")
    assert stored(library[0]) == []
    asked.add("006.flac")
    assert asked._thread is None


def test_a_library_that_may_not_be_changed_is_not_written(first_look, no_music_folders):
    path, _ = first_look
    add(path, "005.flac")
    assert stored(path) == []


def test_a_server_for_other_machines_does_not_write(first_look):
    path, _ = first_look
    add(path, "005.flac", settings=Settings(database=path, host="0.0.0.0"))
    assert stored(path) == []


def test_songs_are_dropped_if_the_library_is_busy_or_gone(first_look, monkeypatch):
    path, _ = first_look
    monkeypatch.setattr("explorer.database.connection.BUSY_TIMEOUT_MS", 50)
    with Database.open(path) as database, database.transaction():
        database._rows("UPDATE state SET value = value")
        add(path, "005.flac")
    assert stored(path) == []
    add(path.with_name("absent.db"), "005.flac")
    add(path, "006.flac")
    assert stored(path) == ["006.flac"]


def test_playing_from_the_start_and_selecting_count_but_ranges_and_tooltips_do_not(
    first_look, sound_jobs, monkeypatch
):
    path, _ = first_look
    songs = []
    monkeypatch.setattr(asked_songs.AskedSongs, "add", lambda _self, song_id: songs.append(song_id))
    client = create_app(Settings(database=path), jobs=sound_jobs).server.test_client()
    client.get("/_dash-layout")
    client.get("/audio/003.flac", headers={"Range": "bytes=0-"})
    client.get("/audio/004.flac", headers={"Range": "bytes=100-200"})
    client.get("/audio/004.flac", headers={"Range": "bytes=0-0"})
    client.head("/audio/004.flac")
    client.get("/audio/absent.flac")
    client.get("/preview/004.flac")
    client.get("/songs/1/5")
    client.get("/neighbours/1/6")
    assert songs == ["003.flac", "006.flac"]
