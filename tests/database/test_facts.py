import json

import pytest

from explorer.database.records import Song, SongFacts, year_of
from explorer.library.music_file import ScannedFile, Tags


def add(database, song_id, info):
    text = info if isinstance(info, str) else json.dumps(info)
    database._rows("INSERT INTO songs VALUES (?, ?)", (song_id, text))


def test_facts_are_read_from_what_any_program_wrote(fresh_db):
    add(fresh_db, "ours", {"artists": [{"name": "A"}, {"name": "B"}], "year": "1999", "duration_ms": 1500})
    album = {"name": "x", "release_date": "1987-06-05"}
    add(fresh_db, "spotify", {"artists": [{"name": "A, B"}, "C", None, {"id": 1}, "C"], "album": album})
    add(fresh_db, "odd", {"artists": "nobody", "year": {"of": "birth"}, "album": ["x"]})
    add(fresh_db, "worse", "no JSON at all")
    # SQLite follows a thousand brackets, Python fewer.
    add(fresh_db, "deep", '{"artists": [' + "[" * 990 + "]" * 990 + "]}")
    assert fresh_db.facts() == {
        "ours": SongFacts(("A", "B"), 1999, 1.5),
        "spotify": SongFacts(("A, B", "C"), 1987, None),
        "odd": SongFacts(),
        "worse": SongFacts(),
        "deep": SongFacts(),
    }


def test_a_file_knows_better_than_a_tag_how_long_it_is(fresh_db, tmp_path):
    song = Song(ScannedFile(b"a.flac", 1, 1), Tags("a", year="2004"), "0" * 32, "flac/pcm_16", 12.0004)
    song_id = fresh_db.store_song(fresh_db.add_root(tmp_path), song, [0.0] * 512)
    assert fresh_db.facts()[song_id] == SongFacts((), 2004, 12.0004)
    assert fresh_db.song(song_id).year == "2004"
    assert fresh_db.song(song_id).preview_start_s is None
    fresh_db._rows("UPDATE files SET preview_start_s = 3.5")
    assert fresh_db.song(song_id).preview_start_s == 3.5


def test_a_song_without_a_file_has_its_year_and_no_preview(fresh_db):
    add(fresh_db, "a", {"name": "x", "album": {"release_date": "1987-06-05"}})
    add(fresh_db, "b", {"name": "y"})
    assert (fresh_db.song("a").year, fresh_db.song("a").preview_start_s) == ("1987", None)
    assert fresh_db.song("b").year == ""


@pytest.mark.parametrize(
    ("value", "year"),
    [
        ("1999", 1999),
        (1999, 1999),
        ("1999-05-12T10:00", 1999),
        ("19990512", 1999),
        ("12.5.1999", 1999),
        ("℗ 2004 Somebody", 2004),
        ("", None),
        ("99", None),
        ("0000", None),
        ("12345", None),
        ("19991399", None),
        (None, None),
    ],
)
def test_a_year_is_read_from_any_date(value, year):
    assert year_of(value) == year


def test_headings_are_told_for_many_songs_at_once(fresh_db):
    for number in range(2_500):
        add(fresh_db, str(number), {"name": f"Title {number}", "artists": [{"name": "A"}, {"name": "B"}]})
    add(fresh_db, "nameless", {})
    found = fresh_db.headings([*map(str, range(2_500)), "nameless", "absent"])
    assert len(found) == 2_501
    assert found["2499"] == ("Title 2499", "A, B")
    assert found["nameless"] == ("nameless", "")
    assert fresh_db.headings([]) == {}
