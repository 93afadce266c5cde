"""Reads rows, and checks that their values have their columns' types: in a damaged file they can have any.

SQLite does not check this when it reads a row, not even in a STRICT table.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from math import isfinite
from pathlib import Path

import apsw

from explorer.database.sqlite_errors import damage_error, translate_errors, translate_row_errors
from explorer.util.text import one_line

_ROWS_AT_ONCE = 256
"""Few enough that they are freed before Python looks for garbage among them: that would double the time."""

NULLABLE = frozenset(
    (
        "anthem",
        "audio_fingerprint",
        "brightness_hz",
        "end_s",
        "energy",
        "genres_from",
        "gone_since",
        "link_target",
        "loudness_lufs",
        "musical_key",
        "near",
        "preview_start_s",
        "sheets_state",
        "tempo_bpm",
    )
)
"""The columns that may be NULL. Columns with one name are all nullable, or none is."""

_ALLOWED = {
    "TEXT": {str},
    "JSON": {str},
    "INTEGER": {int},
    "REAL": {float},
    "BLOB": {bytes},
}
"""The types of Python for each declared type of a column; results of expressions have no declared type."""

Columns = Sequence[tuple[str, str | None]]
"""The name and the declared type of each column of a result, as apsw describes them."""


def describe_fault(columns: Columns, rows: Sequence[tuple], *, may_be_null: bool) -> str | None:
    """Return what is wrong with the first bad column of rows; None if nothing is.

    Parameters
    ----------
    may_be_null : bool
        Whether every value may be NULL: an outer join gives NULL where it finds no row.
    """
    for (name, declared), values in zip(columns, zip(*rows, strict=True), strict=True):
        found = set(map(type, values))
        allowed = _ALLOWED.get(declared)
        if allowed is not None and not found <= (
            allowed | {type(None)} if may_be_null or name in NULLABLE else allowed
        ):
            wrong = ", ".join(sorted(kind.__name__ for kind in found - allowed))
            return f"a value of {name} has the type {wrong}"
        if float in found and not _are_finite(values, found):
            return f"a value of {name} is not finite"
    return None


def _are_finite(values: Sequence, types: set[type]) -> bool:
    """Return whether all values of the type float are finite."""
    # The sum of many values takes a tenth of the time of looking at each.
    return (types == {float} and isfinite(sum(values))) or all(
        isfinite(value) for value in values if isinstance(value, float)
    )


class RowReader:
    """Runs statements on one connection.

    Attributes
    ----------
    path : Path
        Of the library.
    left_out : dict of str to str
        What is wrong with each damaged song that queries have left out, by song id.
    """

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self.left_out: dict[str, str] = {}

    def _rows(self, sql: str, bindings: tuple = ()) -> list[tuple]:
        """Run a statement and return its rows.

        Raises
        ------
        UnusableLibraryError
            If a value cannot be read, or has another type than its column.
        """
        with translate_row_errors(self.path):
            cursor = self._connection.execute(sql, bindings)
            if (columns := _columns(cursor)) is None:
                return []
            rows = cursor.fetchall()
        if fault := describe_fault(columns, rows, may_be_null="LEFT JOIN" in sql):
            raise damage_error(self.path, fault)
        return rows

    def _unchecked_rows(self, sql: str, bindings: tuple = ()) -> list[tuple]:
        """Run a statement and return its rows; their values may have any type."""
        with translate_row_errors(self.path):
            return self._connection.execute(sql, bindings).fetchall()

    def _song_rows(self, sql: str, bindings: tuple = ()) -> list[tuple]:
        """Run a query about many songs; rows that cannot be read are left out and recorded in `left_out`.

        The first column must be the song's id.
        """
        return list(self._iterate_song_rows(sql, bindings))

    def _iterate_song_rows(self, sql: str, bindings: tuple = ()) -> Iterator[tuple]:
        """Yield the rows of `_song_rows`."""
        for rows in self._song_blocks(sql, bindings):
            yield from rows

    def _song_blocks(self, sql: str, bindings: tuple = ()) -> Iterator[list[tuple]]:
        """Yield the rows of `_song_rows`, up to 256 at a time and at least one."""
        may_be_null = "LEFT JOIN" in sql
        with translate_errors(self.path):
            cursor = self._connection.execute(sql, bindings)
            if (columns := _columns(cursor)) is None:
                return
            while True:
                rows, fault = [], None
                try:
                    rows.extend(islice(cursor, _ROWS_AT_ONCE))  # It keeps the rows before the unreadable one.
                except UnicodeDecodeError:
                    fault = "a text is not UTF-8"
                    self._leave_out(None, fault)
                n_read = len(rows)
                if rows and describe_fault(columns, rows, may_be_null=may_be_null):
                    rows = list(self._sound_rows(columns, rows, may_be_null=may_be_null))
                if rows:
                    yield rows
                if not fault and n_read < _ROWS_AT_ONCE:
                    return

    def _sound_rows(self, columns: Columns, rows: list[tuple], *, may_be_null: bool) -> Iterator[tuple]:
        for row in rows:
            if fault := describe_fault(columns, [row], may_be_null=may_be_null):
                self._leave_out(row[0], fault)
            else:
                yield row

    @property
    def left_out_sentence(self) -> str:
        """What to tell the user about the songs in `left_out`; empty if there are none."""
        return left_out_sentence(self.path, self.left_out)

    def _leave_out(self, song_id: object, fault: str) -> None:
        """Record that a damaged song, or a row of an unknown song, is left out."""
        key = song_id if isinstance(song_id, str) else f"a song whose id cannot be read ({fault})"
        self.left_out.setdefault(key, fault)

    def _value(self, sql: str, bindings: tuple = ()) -> object:
        rows = self._rows(sql, bindings)
        return rows[0][0] if rows else None

    def _json(self, text: str | None, kind: type, name: str) -> object:
        """Return a JSON value that must be of one type; `name` says what it is. None stays None.

        Raises
        ------
        UnusableLibraryError
            If the text is not JSON, or its value has another type.
        """
        if text is None:
            return None
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise damage_error(self.path, f"{name} is not JSON") from None
        if value is not None and (
            not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
        ):
            raise damage_error(self.path, f"{name} is not of the type {kind.__name__}")
        return value


def _columns(cursor: apsw.Cursor) -> Columns | None:
    """Return the names and declared types of a result's columns; None if there is no row."""
    try:
        return cursor.get_description()
    except apsw.ExecutionCompleteError:
        return None


def left_out_sentence(path: Path, left_out: dict[str, str]) -> str:
    """Return what to tell the user about damaged songs of a library; empty if there are none.

    Parameters
    ----------
    left_out : dict of str to str
        As `RowReader.left_out`.
    """
    if not left_out:
        return ""
    song_id, fault = next(iter(left_out.items()))
    others = f" and {len(left_out) - 1:,} more" if len(left_out) > 1 else ""
    return (
        f"{path} holds damaged values of {one_line(song_id)!r}{others}, which were left out ({fault}): run "
        f"`python run.py status --db {shlex.quote(str(path))}` to see all of them."
    )
