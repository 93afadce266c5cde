import json
import sqlite3
from contextlib import closing

import pytest

from explorer.library.database import Database
from explorer.library.schema import MIGRATIONS


def add(database, song_id, title, *, artist="", album=""):
    info = {"name": title, "artists": [{"name": artist}] if artist else [], "album": {"name": album}}
    database._rows("INSERT INTO songs VALUES (?, ?)", (song_id, json.dumps(info)))


@pytest.fixture
def songs(fresh_db):
    add(fresh_db, "ete", "Été indien", artist="Joe Dassin", album="Summer of Love")
    add(fresh_db, "late", "A late summer", artist="Beyoncé")
    add(fresh_db, "summer", "Summer", artist="Calvin Harris")
    add(fresh_db, "long", "Latecomers of the last autumn")
    add(fresh_db, "time", "Summertime", artist="Ella Fitzgerald")
    add(fresh_db, "yoru", "夜に駆ける", artist="YOASOBI")
    add(fresh_db, "percent", '100 % "pure"', artist="AC/DC")
    return fresh_db


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ETE", ["ete"]),
        ("beyonce", ["late"]),
        ("summer", ["summer", "time", "late", "ete"]),
        ("late", ["long", "late"]),
        ("summer harr", ["summer"]),
        ("ind ete", ["ete"]),
        ("dassin love", ["ete"]),
        ("駆ける", ["yoru"]),
        ("mmertim", ["time"]),
        ('"', ["percent"]),
        ("%", ["percent"]),
        ("ac/d", ["percent"]),
        ("AND OR NOT *", []),
        ("title:", []),
        ("zzz", []),
        ("  ", []),
        ("_", []),
    ],
)
def test_words_are_found_by_their_beginnings(songs, text, expected):
    assert songs.search(text) == expected


def test_the_index_follows_what_any_program_writes(songs):
    songs._rows("UPDATE songs SET info = ? WHERE id = 'late'", (json.dumps({"name": "Springtime"}),))
    assert songs.search("springt") == ["late"]
    assert songs.search("beyonce") == []
    songs._rows("INSERT OR REPLACE INTO songs VALUES ('late', ?)", (json.dumps({"name": "Winter"}),))
    assert songs.search("winter") == ["late"]
    assert songs.search("springt") == []
    songs._rows("DELETE FROM songs WHERE id = 'late'")
    assert songs.search("winter") == []
    songs._rows("INSERT INTO songs VALUES ('odd', 'no JSON at all'), ('null', 'null')")
    assert songs.song("odd").title == "odd"
    # The standard library's module enforces no foreign keys.
    with closing(sqlite3.connect(songs.path)) as other, other:
        other.execute("INSERT OR REPLACE INTO songs VALUES ('yoru', ?)", (json.dumps({"name": "Racing"}),))
        other.execute("DELETE FROM songs WHERE id = 'time'")
    assert songs.search("racing") == ["yoru"]
    assert songs.search("summertime") == []
    songs._rows("INSERT INTO song_words(song_words, rank) VALUES ('integrity-check', 1)")


def test_a_library_of_an_older_version_can_be_searched_and_read(tmp_path, monkeypatch):
    path = tmp_path / "songs.db"
    monkeypatch.setattr("explorer.library.connection.MIGRATIONS", MIGRATIONS[:2])
    with Database.open(path) as old:
        add(old, "a", "Été indien", artist="Joe Dassin", album="Summer of Love")
    monkeypatch.undo()
    with Database.open_readonly(path) as database:
        assert database.search("dassin") == ["a"]
        assert database.song("a").album == "Summer of Love"
        assert database.positions("tsne")[0] == []


@pytest.mark.parametrize(
    ("artists", "expected"),
    [
        (["Plain"], "Plain"),
        ("Plain", ""),
        ({"name": "Plain"}, ""),
        ([None, 7, {"name": None}, {}], "7"),
        (None, ""),
    ],
)
def test_artists_of_any_shape_can_be_stored(fresh_db, artists, expected):
    fresh_db._rows("INSERT INTO songs VALUES ('a', ?)", (json.dumps({"name": "x", "artists": artists}),))
    assert fresh_db.artists() == {"a": expected}


@pytest.mark.parametrize("text", ["x" * 100_000, "word " * 5000, "\ud800", "zq\x00zq", "(NEAR AND *"])
def test_a_hostile_search_finds_nothing_and_fails_nothing(songs, text):
    assert songs.search(text) == []


def test_vacuum_does_not_mix_songs_up(songs):
    songs._rows("DELETE FROM songs WHERE id = 'ete'")
    songs._rows("VACUUM")
    assert songs.search("calvin") == ["summer"]
