"""Attacks with tables, views and triggers of a songs.db that another person made."""

from contextlib import closing

import apsw
import pytest
from support import store_original

from explorer.database.database import Database
from explorer.database.schema import MIGRATIONS
from explorer.errors import UnusableLibraryError
from explorer.legacy.reading import open_original

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT"
BIG = "length(replace(hex(zeroblob(400000000)), '0', 'xyz'))"

HOSTILE = {
    "trigger that deletes": "CREATE TRIGGER t AFTER INSERT ON songs BEGIN DELETE FROM songs_vectors; END",
    "trigger without end": f"CREATE TRIGGER t AFTER DELETE ON failures BEGIN {ENDLESS} max(x) FROM n; END",
    "our trigger, changed": "DROP TRIGGER songs_added; CREATE TRIGGER songs_added AFTER INSERT ON songs "
    "BEGIN DELETE FROM songs_genres; END",
    "our view, changed": f"DROP VIEW readable_songs; CREATE VIEW readable_songs AS {ENDLESS} x AS id, '{{}}' "
    "AS info FROM n",
    "our table as a view": "DROP TABLE runs; "
    f"CREATE VIEW Runs AS {ENDLESS} x AS id, '' AS started, 1 AS seconds FROM n",
    "generated column": f"ALTER TABLE files ADD COLUMN x INTEGER GENERATED ALWAYS AS ({BIG}) VIRTUAL",
    "check": f"ALTER TABLE songs ADD COLUMN x CHECK/**/(x IS NULL OR {BIG} > 1)",
    "default": f"CREATE TABLE x(a, b DEFAULT/**/({BIG}))",
    "check of another table": f"CREATE TABLE x(a 'int'CHECK({BIG} > a))",
    "index of an expression": "CREATE INDEX i ON songs_genres(genre || hex(genre))",
    "index of some rows": "CREATE INDEX i ON songs_genres(genre) WHERE genre LIKE '%a%b%c%'",
    "virtual table": "CREATE VIRTUAL TABLE v USING fts5(x)",
    "our virtual table, changed": "DROP TABLE song_words; CREATE VIRTUAL TABLE song_words USING "
    "fts5(title, content = 'x')",
}

HARMLESS = (
    "CREATE TABLE mine(id INTEGER PRIMARY KEY, note TEXT DEFAULT '', n REAL NOT NULL DEFAULT 0)",
    "CREATE INDEX by_genre ON songs_genres(genre, song_id)",
    "CREATE VIEW my_view AS SELECT count(*) FROM songs",
    "ANALYZE",
)


def run(path, *statements):
    with closing(apsw.Connection(str(path))) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "songs.db"
    Database.open(path).close()
    return path


@pytest.mark.parametrize("statements", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("version", [None, len(MIGRATIONS) - 1], ids=["this version", "older version"])
def test_a_library_that_could_run_something_is_refused(library, statements, version):
    run(library, statements, f"PRAGMA user_version = {version}" if version else "SELECT 1")
    for open_library in (Database.open, Database.open_readonly):
        with pytest.raises(UnusableLibraryError, match="is not of this program"):
            open_library(library).close()


def test_plain_tables_indexes_and_views_of_the_user_are_kept(library):
    run(library, *HARMLESS)
    for open_library in (Database.open, Database.open_readonly):
        with open_library(library) as database:
            assert database.integrity_problems() == []


@pytest.mark.parametrize(
    "statements",
    [
        f"DROP TABLE songs; CREATE TABLE songs(id TEXT, info AS ({BIG}))",
        "DROP TABLE songs_genres; CREATE VIRTUAL TABLE songs_genres USING fts5(song_id, genre)",
        f"DROP TABLE songs_vectors; CREATE TABLE songs_vectors(song_id AS ({BIG}), vector BLOB)",
    ],
)
def test_an_original_database_that_could_run_something_is_refused(tmp_path, statements):
    path = tmp_path / "original.db"
    store_original(path)
    run(path, statements)
    with pytest.raises(UnusableLibraryError, match="is not of"), open_original(path):
        pass


def test_a_library_with_too_many_music_folders_is_refused(library):
    run(
        library,
        "INSERT INTO roots(path, name) WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n "
        "LIMIT 10001) SELECT '/' || x, '' FROM n",
    )
    with (
        Database.open_readonly(library) as database,
        pytest.raises(UnusableLibraryError, match="music folders"),
    ):
        database.roots()
