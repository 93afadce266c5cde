"""Refuses a songs.db whose tables could run something: another person may have made the file.

SQLite runs what a file says: a trigger when a row is written, a view or a generated column when a row is
read, a CHECK, a default or an index of an expression when a row is stored or checked. Any of them can run for
ever. So a library may only have those that the migrations make. Plain tables and indexes, and views that no
query of this program reads, run nothing: users may add them.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

import apsw

from explorer.database.schema import MIGRATIONS
from explorer.database.sqlite_errors import damage_error, translate_row_errors

_OBJECTS = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
_RUNS_SOMETHING = re.compile(r"\b(?:as|check|generated|virtual)\b|\bdefault\s*[(/-]", re.IGNORECASE)
_PLAIN_INDEX = re.compile(r'CREATE (?:UNIQUE )?INDEX [\w"]+ ON [\w"]+ ?\([\w", ]+\)', re.IGNORECASE)

_OF_FIRST_SEARCH = frozenset(
    (
        *("readable_songs", "song_texts_added", "song_texts_removed", "song_words"),
        *("songs_added", "songs_changed", "songs_removed", "texts_of_songs"),
    )
)
_SECOND_SEARCH = 5
"""The migration to this version drops these objects of older versions, and nothing uses them before."""


def protect(connection: apsw.Connection) -> None:
    """Make SQLite careful with a file that another person may have made."""
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)


def refuse_foreign_schema(connection: apsw.Connection, path: Path) -> None:
    """Raise an `UnusableLibraryError` if a library has something that runs and that no migration makes."""
    with translate_row_errors(path):
        rows = connection.execute(_OBJECTS).fetchall()
        version = connection.pragma("user_version")
    if found := _find_foreign(frozenset(rows), version):
        raise damage_error(path, f"its {found} is not of this program")


def refuse_computed_columns(connection: apsw.Connection, path: Path, tables: tuple[str, ...]) -> None:
    """Raise an `UnusableLibraryError` if reading one of these tables would run something."""
    with translate_row_errors(path):
        kinds = {row[1].lower(): row[2] for row in connection.execute("PRAGMA main.table_list")}
        for table in tables:
            columns = connection.execute(f"PRAGMA main.table_xinfo({table})").fetchall()
            if kinds.get(table, "table") != "table" or any(hidden for *_, hidden in columns):
                raise damage_error(path, f"its table {table} is not of the original scripts")


@lru_cache(maxsize=16)
def _find_foreign(rows: frozenset[tuple[str, str, str]], version: int) -> str | None:
    for kind, name, sql in sorted(rows - _own()):
        text = " ".join(sql.split())
        if (kind, name, text) in _own() or (version < _SECOND_SEARCH and name in _OF_FIRST_SEARCH):
            continue
        if kind == "table":
            is_allowed = not _RUNS_SOMETHING.search(sql)
        elif kind == "index":
            is_allowed = _PLAIN_INDEX.fullmatch(text)
        else:
            is_allowed = kind == "view" and name.lower() not in {own_name for _, own_name, _ in _own()}
        if not is_allowed:
            return f"{kind} {name}"
    return None


@cache
def _own() -> frozenset[tuple[str, str, str]]:
    """Return what the migrations make, in every version, as SQLite writes it and in one line."""
    own = set()
    connection = apsw.Connection(":memory:")
    for migration in MIGRATIONS:
        connection.execute(migration)
        for kind, name, sql in connection.execute(_OBJECTS):
            own |= {(kind, name, sql), (kind, name, " ".join(sql.split()))}
    connection.close()
    return frozenset(own)
