"""Songs as the page and playlists read them, with facts from imported data."""

import json

import numpy as np

from explorer.database.database import Database
from explorer.database.records import Song, SongFacts
from explorer.library.music_file import ScannedFile, Tags


def add_song(database, song_id, info):
    text = info if isinstance(info, str) else json.dumps(info)
    database._rows("INSERT INTO songs VALUES (?, ?)", (song_id, text))


def test_filed_songs_are_returned_in_the_given_order(library, tmp_path):
    path, ids = library
    wanted = [ids[5], ids[2], ids[5], "absent", ids[23]]
    with Database.open_readonly(path) as database:
        songs = database.playlist_songs(wanted)
        assert database.playlist_songs([]) == []
    assert [song.song_id for song in songs] == [ids[5], ids[2], ids[5], ids[23]]
    assert songs[0].title == "Techno piece 5"
    assert (songs[0].artist, songs[0].album, songs[0].genres) == ("Artist 0", "Album", ("Techno",))
    assert (songs[0].root, songs[0].path) == (str(tmp_path / "music"), b"005.flac")
    assert songs[0].duration_s == 0.2


def test_a_song_without_a_file_has_no_path(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM files WHERE song_id = ?", (ids[0],))
        (song,) = database.playlist_songs(ids[:1])
    assert (song.root, song.path) == (None, None)
    assert song.title == "Techno piece 0"
    assert song.duration_s == 0.2


def test_data_of_other_programs_is_read_or_ignored(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        info = json.dumps({"album": {"release_date": "1971-08-31"}, "year": None})
        database._rows("UPDATE songs SET info = ? WHERE id = ?", (info, ids[0]))
        database._rows("UPDATE songs SET info = 'no JSON' WHERE id = ?", (ids[1],))
        database._rows("INSERT INTO songs_genres VALUES (?, x'ff')", (ids[0],))
        first, second = database.playlist_songs(ids[:2])
    assert (first.title, first.year, first.genres) == (ids[0], "1971", ("Techno",))
    assert second.title == ids[1]


def test_a_song_is_found_by_its_bytes_only_while_its_file_exists(library, tmp_path):
    path, ids = library
    with Database.open_readonly(path) as database:
        assert database.song_with_bytes(f"{3:032x}") == ids[3]
        assert database.song_with_bytes("f" * 32) is None
        (tmp_path / "music" / ids[3]).unlink()
        assert database.song_with_bytes(f"{3:032x}") is None


def test_facts_are_read_from_any_json_that_programs_write(fresh_db):
    add_song(
        fresh_db, "ours", {"artists": [{"name": "A"}, {"name": "B"}], "year": "1999", "duration_ms": 1500}
    )
    album = {"name": "x", "release_date": "1987-06-05"}
    add_song(fresh_db, "spotify", {"artists": [{"name": "A, B"}, "C", None, {"id": 1}, "C"], "album": album})
    add_song(fresh_db, "odd", {"artists": "nobody", "year": {"of": "birth"}, "album": ["x"]})
    add_song(fresh_db, "worse", "no JSON at all")
    # SQLite parses a thousand nested brackets, Python fewer.
    add_song(fresh_db, "deep", '{"artists": [' + "[" * 990 + "]" * 990 + "]}")
    assert fresh_db.facts() == {
        "ours": SongFacts(("A", "B"), 1999, 1.5),
        "spotify": SongFacts(("A, B", "C"), 1987, None),
        "odd": SongFacts(),
        "worse": SongFacts(),
        "deep": SongFacts(),
    }


def test_the_duration_of_the_file_replaces_that_of_the_info(fresh_db, tmp_path):
    song = Song(ScannedFile(b"a.flac", 1, 1), Tags("a", year="2004"), "0" * 32, "flac/pcm_16", 12.0004)
    song_id = fresh_db.store_song(fresh_db.add_root(tmp_path), song, [0.0] * 512)
    assert fresh_db.facts()[song_id] == SongFacts((), 2004, 12.0004)
    assert fresh_db.song(song_id).year == "2004"
    assert fresh_db.song(song_id).preview_start_s is None
    fresh_db._rows("UPDATE files SET preview_start_s = 3.5")
    assert fresh_db.song(song_id).preview_start_s == 3.5


def test_a_song_without_a_file_has_a_year_and_no_preview(fresh_db):
    add_song(fresh_db, "a", {"name": "x", "album": {"release_date": "1987-06-05"}})
    add_song(fresh_db, "b", {"name": "y"})
    assert (fresh_db.song("a").year, fresh_db.song("a").preview_start_s) == ("1987", None)
    assert fresh_db.song("b").year == ""


def test_headings_of_many_songs_are_read_at_once(fresh_db):
    for number in range(2_500):
        add_song(
            fresh_db, str(number), {"name": f"Title {number}", "artists": [{"name": "A"}, {"name": "B"}]}
        )
    add_song(fresh_db, "nameless", {})
    headings = fresh_db.titles_and_artists([*map(str, range(2_500)), "nameless", "absent"])
    assert len(headings) == 2_501
    assert headings["2499"] == ("Title 2499", "A, B")
    assert headings["nameless"] == ("nameless", "")
    assert fresh_db.titles_and_artists([]) == {}


def test_each_genre_gets_its_most_frequent_spelling(fresh_db):
    genres = {"a": ("piano", "Jazz"), "b": ("Piano",), "c": ("piano",), "d": ("hip hop",), "e": ("Hip-Hop",)}
    for song_id in genres:
        add_song(fresh_db, song_id, {"name": song_id})
    with fresh_db.transaction():
        fresh_db._rows("INSERT INTO songs_genres VALUES ('a', x'ff')")
    fresh_db.store_genres({song_id: names for song_id, names in genres.items() if song_id != "a"})
    with fresh_db.transaction():
        for name in genres["a"]:
            fresh_db._rows("INSERT INTO songs_genres VALUES ('a', ?)", (name,))
    fresh_db.unify_genre_spellings()
    wanted = {"b": "piano", "c": "piano", "d": "Hip-Hop", "e": "Hip-Hop"}
    assert {song_id: fresh_db.genres_of(song_id) for song_id in wanted} == {
        song_id: (name,) for song_id, name in wanted.items()
    }
    assert fresh_db.genres_of("a") == ("piano", "Jazz")


def test_titles_durations_and_albums_of_songs(fresh_db, tmp_path):
    add_song(fresh_db, "without a file", {"name": "x", "album": "Album"})
    root = fresh_db.add_root(tmp_path)
    song = Song(ScannedFile(b"a.flac", 1, 1), Tags("Title"), "b", "flac/pcm_16", 2.5)
    song_id = fresh_db.store_song(root, song, np.ones(512))
    assert list(fresh_db.titles_and_durations()) == [(song_id, "Title", 2.5)]
    assert fresh_db.albums_of([song_id, "without a file", "absent"]) == {
        song_id: "",
        "without a file": "Album",
    }
    assert fresh_db.formats_of([song_id, "without a file"]) == {song_id: "flac/pcm_16"}
    ids, vectors = fresh_db.vectors(song_ids=[song_id, "without a file", "absent"])
    assert (ids, vectors.shape) == ([song_id], (1, 512))
    assert fresh_db.vectors(song_ids=[])[1].shape == (0, 512)


def test_a_library_has_years_if_any_song_has_one(fresh_db):
    add_song(fresh_db, "a", {"title": "a"})
    add_song(fresh_db, "odd", {"year": {"of": "birth"}, "album": ["x"]})
    add_song(fresh_db, "text", {"year": "unknown"})
    assert not fresh_db.has_years()
    add_song(fresh_db, "z", {"album": {"release_date": "1971-08-31"}})
    assert fresh_db.has_years()
