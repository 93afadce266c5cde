"""Reading rows of a damaged library."""

import math

import pytest
from damage_support import SONG, force

from explorer.database.database import Database
from explorer.database.row_reading import NULLABLE, describe_fault
from explorer.errors import UnusableLibraryError


def test_the_nullable_columns_are_those_of_the_schema(fresh_db):
    rows = fresh_db._rows(
        """SELECT DISTINCT columns.name FROM sqlite_schema, pragma_table_info(sqlite_schema.name) AS columns
           WHERE sqlite_schema.type = 'table' AND sql LIKE '%STRICT%'
               AND NOT columns."notnull" AND NOT columns.pk"""
    )
    assert {name for (name,) in rows} == NULLABLE


@pytest.mark.parametrize(
    ("declared", "good", "bad"),
    [
        ("TEXT", "a", [b"a", 1, 1.0, None]),
        ("JSON", "{}", [b"{}", 1, None]),
        ("INTEGER", 1, ["1", 1.0, None]),
        ("REAL", 1.0, ["1", b"", None, math.inf, -math.inf, math.nan]),
        ("BLOB", b"a", ["a", 1, None]),
    ],
)
def test_values_must_have_the_type_of_their_column(declared, good, bad):
    columns = (("title", declared),)
    assert describe_fault(columns, [(good,)] * 3, may_be_null=False) is None
    for value in bad:
        fault = describe_fault(columns, [(good,), (value,)], may_be_null=False)
        assert "title" in fault
    assert describe_fault(columns, [(None,)], may_be_null=True) is None
    assert describe_fault((("near", declared),), [(None,)], may_be_null=False) is None


def test_results_of_expressions_may_have_any_type_but_must_be_finite():
    assert describe_fault((("a + b", None),), [(1,), ("x",), (None,)], may_be_null=False) is None
    assert describe_fault((("a + b", None),), [(math.inf,)], may_be_null=False)


def test_rows_after_a_text_that_is_not_utf8_are_still_read(library):
    path, song_ids = library
    force(
        path, f"UPDATE song_texts SET artist = CAST(x'c328' AS TEXT) WHERE song_id IN ('{SONG}', '010.flac')"
    )
    with Database.open_readonly(path) as database:
        artists = database.artists()
        assert sorted(artists) == sorted(set(song_ids) - {SONG, "010.flac"})
        assert "damaged" in database.left_out_sentence
        # A query about one song says that it is damaged.
        with pytest.raises(UnusableLibraryError, match="UTF-8"):
            database.song(SONG)


def test_vectors_out_of_order_are_an_error_and_never_other_songs_vectors(library, monkeypatch):
    path, _ = library
    with Database.open_readonly(path) as database:
        rows = database._unchecked_rows("SELECT song_id, embedding FROM songs_vectors ORDER BY song_id")
        monkeypatch.setattr(database, "_iterate_song_rows", lambda *_: iter(rows[::-1]))
        with pytest.raises(UnusableLibraryError, match="order"):
            database.vectors()


def test_a_message_with_many_lines_of_sql_becomes_one_sentence(library):
    path, _ = library
    with Database.open_readonly(path) as database, pytest.raises(UnusableLibraryError) as caught:
        database._rows("SELECT\n\n*\nFROM nowhere" + "\n" * 400)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
