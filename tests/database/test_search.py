"""Full-text search by title, artist, album and genre."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from explorer.database.database import Database
from explorer.database.schema import MIGRATIONS


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
def test_songs_are_found_by_the_beginnings_of_words(songs, text, expected):
    assert songs.search(text) == expected


def test_the_index_follows_songs_that_other_programs_write(songs):
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
    # The standard library's sqlite3 does not enforce foreign keys.
    with closing(sqlite3.connect(songs.path)) as other, other:
        other.execute("INSERT OR REPLACE INTO songs VALUES ('yoru', ?)", (json.dumps({"name": "Racing"}),))
        other.execute("DELETE FROM songs WHERE id = 'time'")
    assert songs.search("racing") == ["yoru"]
    assert songs.search("summertime") == []
    songs._rows("INSERT INTO song_words(song_words, rank) VALUES ('integrity-check', 1)")


@pytest.fixture
def spelled(fresh_db):
    add(fresh_db, "lodz", "Łódź", artist="Żółw")
    add(fresh_db, "sund", "Øresund", artist="MØ")
    add(fresh_db, "gate", "STRAẞE nach Århus", artist="Motörhead")
    add(fresh_db, "stop", "Don’t Stop", artist="AC/DC")
    add(fresh_db, "rem", "It's Alive", artist="R.E.M.", album="Jean-Luc & l'été")
    add(fresh_db, "pink", "Blow Me", artist="P!nk", album="Ke$ha *N*SYNC")
    add(fresh_db, "kino", "Звёзды", artist="Кино")
    add(fresh_db, "wide", "ＹＯＡＳＯＢＩ Ⅶ", artist="ビリー・アイリッシュ")
    add(fresh_db, "rome", "Θάλασσα Đà Nẵng", artist="Ɓaaba Ŀuis", album="Paral·lel ıŋə")
    return fresh_db


@pytest.mark.parametrize(
    ("text", "song_id"),
    [
        *((text, "lodz") for text in ("lodz", "łódź", "LÓDZ", "ŁÓ", "zolw", "odz", "Z\u0307o")),
        *(
            (text, "sund")
            for text in ("oresund", "Øresund", "oeresund", "mo", "mø", "resun", "O\u0308resund")
        ),
        *(
            (text, "gate")
            for text in ("strasse", "straße", "arhus", "aarhus", "århus", "motorhead", "motoerh")
        ),
        *((text, "stop") for text in ("dont stop", "don't stop", "don´t", "don t", "acdc", "ac dc", "AC/DC")),
        *(
            (text, "stop")
            for text in ("ac-dc", "A.C.D.C.", "ac dc dont stop", "acdc don't stop", "stop AC/DC")
        ),
        *((text, "rem") for text in ("rem", "r.e.m.", "r e m", "its alive", "jeanluc", "jean luc", "lete")),
        *((text, "rem") for text in ("rem & alive", "rem and luc")),
        *((text, "pink") for text in ("pink", "P!nk", "kesha", "ke$ha", "nsync")),
        *((text, "kino") for text in ("звезды", "ЗВЁЗДЫ", "zvezdy", "кино", "kino", "ВЕЗД")),
        *((text, "wide") for text in ("yoasobi", "ｙｏａ", "vii", "ビリーアイリ", "ビリー アイ", "リッシ")),
        *((text, "rome") for text in ("θαλασσα", "ΘΆΛΑ", "da nang", "baaba", "luis", "parallel", "ine")),
    ],
)
def test_a_song_is_found_however_its_words_are_typed(spelled, text, song_id):
    assert spelled.search(text)[0] == song_id


@pytest.mark.parametrize("text", ["acd c", "stopi", "don ts", "oeoe", "zvyozdy", "& &"])
def test_another_spelling_is_not_just_any_text(spelled, text):
    assert spelled.search(text) == []


def test_titles_that_begin_with_the_text_come_first_in_each_spelling(fresh_db):
    add(fresh_db, "late", "Please don't stop")
    add(fresh_db, "first", "Don't stop thinking about tomorrow")
    add(fresh_db, "artist", "A", artist="Dont Stop")
    assert fresh_db.search("dont stop") == fresh_db.search("Don’t Stop") == ["first", "late", "artist"]


def test_a_long_text_is_indexed_to_its_end(fresh_db):
    add(fresh_db, "long", "Łódź " + "la " * 40_000 + "Finále don't")
    assert fresh_db.search("lodz finale don") == ["long"]


def test_the_index_has_the_spellings_of_songs_that_other_programs_write(spelled):
    with closing(sqlite3.connect(spelled.path)) as other, other:
        other.execute("INSERT INTO songs VALUES ('new', ?)", (json.dumps({"name": "Łza O'Connor"}),))
        other.execute("INSERT INTO songs_genres VALUES ('new', 'Hip-Hop')")
        other.execute("UPDATE songs SET info = ? WHERE id = 'sund'", (json.dumps({"name": "Øre"}),))
        other.execute("DELETE FROM songs WHERE id = 'lodz'")
    assert spelled.search("lza oconnor hiphop") == ["new"]
    assert (spelled.search("ore"), spelled.search("oresund"), spelled.search("lodz")) == (["sund"], [], [])
    numbers = "SELECT count(*) FROM song_spellings JOIN song_texts USING (number)"
    assert spelled._value(numbers) == spelled._value("SELECT count(*) FROM song_spellings") == 9
    spelled._rows("INSERT INTO song_words(song_words, rank) VALUES ('integrity-check', 1)")


def tag(database, song_id, *genres):
    for genre in genres:
        database._rows("INSERT INTO songs_genres VALUES (?, ?)", (song_id, genre))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The word is in the title, the artist, the genre of these three songs.
        ("jazz", ["hands", "quartet", "ballad"]),
        ("JÁZZ", ["hands", "quartet", "ballad"]),
        ("jazz quiet", ["ballad"]),
        ("ambient", ["hands"]),
        ("drum bass", ["quartet"]),
        ("歌謡", ["ballad"]),
        ("azz", ["quartet", "hands", "ballad"]),
    ],
)
def test_matches_by_genre_come_after_matches_by_title_and_artist(fresh_db, text, expected):
    add(fresh_db, "hands", "Jazz hands, a longer title")
    add(fresh_db, "quartet", "A night", artist="Jazz Quartet")
    add(fresh_db, "ballad", "Quiet")
    tag(fresh_db, "ballad", "Acid Jazz", "昭和歌謡")
    tag(fresh_db, "hands", "Ambient")
    tag(fresh_db, "quartet", "Drum & Bass")
    assert fresh_db.search(text) == expected


def test_the_index_follows_genres_that_other_programs_write(songs):
    def genres():
        return dict(songs._rows("SELECT song_id, genres FROM song_texts WHERE genres <> ''"))

    tag(songs, "ete", "Chanson", "Pop", "Chanson")
    tag(songs, "time", "Jazz", "Pop")
    assert genres() == {"ete": "Chanson, Pop", "time": "Jazz, Pop"}
    songs._rows("UPDATE songs_genres SET genre = 'Swing' WHERE genre = 'Jazz'")
    assert (songs.search("jazz"), songs.search("swing")) == ([], ["time"])
    songs._rows("UPDATE songs_genres SET song_id = 'late' WHERE genre = 'Swing'")
    assert songs.search("swing") == ["late"]
    # One of two equal rows is deleted: the song still has the genre.
    songs._rows("DELETE FROM songs_genres WHERE rowid = (SELECT min(rowid) FROM songs_genres)")
    assert songs.search("chanson") == ["ete"]
    songs._rows("UPDATE songs SET info = ? WHERE id = 'ete'", (json.dumps({"name": "Automne"}),))
    assert songs.search("automne chanson") == ["ete"]
    with closing(sqlite3.connect(songs.path)) as other, other:
        other.execute(
            "INSERT INTO songs_genres VALUES ('yoru', 'J-Pop'), ('nobody', 'Lost'), ('yoru', x'ff')"
        )
        other.execute("INSERT OR REPLACE INTO songs VALUES ('ete', '{}')")
        other.execute("DELETE FROM songs_genres WHERE song_id = 'late'")
    assert songs.search("j pop") == ["yoru"]
    assert songs.search("chanson") == ["ete"]
    assert songs.search("swing") == songs.search("lost") == []
    songs._rows("DELETE FROM songs WHERE id IN ('ete', 'time')")
    assert genres() == {"yoru": "J-Pop"}
    songs._rows("INSERT INTO song_words(song_words, rank) VALUES ('integrity-check', 1)")


@pytest.mark.parametrize("steps", [2, 3, 4])
def test_genres_stored_by_an_older_version_are_found(tmp_path, monkeypatch, steps):
    path = tmp_path / "songs.db"
    schema_3 = Path(__file__).with_name("schema_3.sql").read_text()
    history = (*MIGRATIONS[:2], schema_3, *MIGRATIONS[3:])
    monkeypatch.setattr("explorer.database.connection.MIGRATIONS", history[:steps])
    with Database.open(path) as old:
        for number in range(300):
            add(old, f"{number:03d}", f"Song {number}", artist="Somebody")
            tag(old, f"{number:03d}", "Rock", "Rock", f"Kind {number}")
        old._rows("DELETE FROM songs WHERE id < '010'")
    monkeypatch.undo()
    with Database.open(path) as database:
        assert database._connection.pragma("user_version") == len(MIGRATIONS)
        assert database.search("kind 123") == ["123"]
        assert len(database.search("rock")) == 290
        assert database.search("song 7") == ["070", *(f"{n:03d}" for n in range(71, 80))]
        assert database._value("SELECT genres FROM song_texts WHERE song_id = '123'") == "Rock, Kind 123"
        database._rows("INSERT INTO song_words(song_words, rank) VALUES ('integrity-check', 1)")
        database._rows("DELETE FROM songs_genres WHERE song_id = '123'")
        database._rows("VACUUM")
        tag(database, "200", "Polka")
        assert (database.search("polka"), database.search("kind 123")) == (["200"], [])
        database._rows("INSERT INTO song_words(song_words, rank) VALUES ('integrity-check', 1)")


def test_a_library_of_an_older_version_is_migrated_and_read(tmp_path, monkeypatch):
    path = tmp_path / "songs.db"
    monkeypatch.setattr("explorer.database.connection.MIGRATIONS", MIGRATIONS[:2])
    with Database.open(path) as old:
        add(old, "a", "Été indien", artist="Joe Dassin", album="Summer of Love")
    monkeypatch.undo()
    with Database.open_readonly(path) as database:
        assert database.search("dassin") == ["a"]
        assert database.song("a").album == "Summer of Love"
        assert database.positions("tsne")[0] == []


def test_spellings_are_added_to_a_library_of_an_older_version(tmp_path, monkeypatch):
    path = tmp_path / "songs.db"
    before = next(n for n, step in enumerate(MIGRATIONS) if "CREATE TABLE song_spellings" in step)
    monkeypatch.setattr("explorer.database.connection.MIGRATIONS", MIGRATIONS[:before])
    with Database.open(path) as old:
        add(old, "a", "Łódź", artist="AC/DC")
        tag(old, "a", "Hip-Hop")
        add(old, "b", "Plain")
        old._rows("DELETE FROM songs WHERE id = 'b'")
    monkeypatch.undo()
    with Database.open(path) as database:
        assert database.search("lodz acdc hiphop") == ["a"]
        database._rows("DELETE FROM songs_genres")
        assert database.search("hip") == []
        database._rows("INSERT INTO song_words(song_words, rank) VALUES ('integrity-check', 1)")


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
def test_artists_of_any_json_type_can_be_stored(fresh_db, artists, expected):
    fresh_db._rows("INSERT INTO songs VALUES ('a', ?)", (json.dumps({"name": "x", "artists": artists}),))
    assert fresh_db.artists() == {"a": expected}


@pytest.mark.parametrize(
    "text",
    ["x" * 100_000, "word " * 5000, "\ud800", "zq\x00zq", "(NEAR AND *", "q-" * 99, "q' " * 66, '"^' * 9],
)
def test_a_hostile_search_finds_nothing_and_raises_nothing(songs, text):
    assert songs.search(text) == []


def test_search_is_right_after_vacuum(songs):
    songs._rows("DELETE FROM songs WHERE id = 'ete'")
    songs._rows("VACUUM")
    assert songs.search("calvin") == ["summer"]
