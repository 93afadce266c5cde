"""Reads the databases that the original experiment's scripts wrote, and never changes them.

songs(id, info JSON)              Spotify's track objects
songs_vectors(song_id, vector)    np.save's bytes, or raw little-endian float64
songs_genres(song_id, genre)      a row for each genre; a row may be there twice
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw
import numpy as np

from explorer.database.connection import is_original, open_without_writing, translate_errors
from explorer.database.records import read_vector
from explorer.errors import LibraryError, NoLibraryError

LARGEST_VALUE = 1e15
"""One larger value would make the map of all songs fail."""


class OriginalSong(NamedTuple):
    """A song of an original database."""

    song_id: str
    info: str
    """A JSON object: what the database says, or at least a name."""
    genres: tuple[str, ...]
    """Each once, in the order in which they were written."""
    vector: np.ndarray | None
    """The last one written that can be used [shape=(512,), float64]."""
    problem: str | None
    """Why the song has a vector that cannot be used, and no other."""


class OriginalDatabase:
    """An original database: iterating reads one song at a time, in the order of `song_ids`.

    Only ids, row numbers and genres are held in memory: the tracks and vectors of 100,000 songs take 1 GB.
    Texts are read as bytes, so that one that is not valid costs only its own characters.

    Attributes
    ----------
    song_ids : list of str
        Sorted; songs without a vector too.
    repeated_genres, strays : int
        Genre rows that repeat another row, and genre and vector rows of songs that are not there.
    """

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.path = path
        self._connection = connection
        self._encoding = connection.pragma("encoding")
        self._vector_column = self._find_vector_column()
        self._infos = {song_id: row for song_id, row in self._rows("songs", "id", "rowid") if song_id}
        self._vectors: dict[str, list[int]] = {}
        for song_id, row in self._rows("songs_vectors", "song_id", "rowid"):
            self._vectors.setdefault(song_id, []).append(row)
        self.strays = len(self._vectors.pop("", []))
        self.song_ids = sorted(self._infos.keys() | self._vectors.keys())
        self.repeated_genres = 0
        self._genres: dict[str, list[str]] = {song_id: [] for song_id in self.song_ids}
        for song_id, genre in self._rows("songs_genres", "song_id", "CAST(genre AS BLOB)"):
            name = " ".join(self._text(genre).split())
            known = self._genres.get(song_id)
            self.strays += known is None
            if known is not None and name:
                self.repeated_genres += name in known
                known += [] if name in known else [name]

    def __iter__(self) -> Iterator[OriginalSong]:
        for song_id in self.song_ids:
            with _reading(self.path):
                info, found = self._info(song_id), self._vector(song_id)
            yield OriginalSong(song_id, info, tuple(self._genres[song_id]), *found)

    def _rows(self, table: str, key: str, value: str) -> Iterator[tuple[str, object]]:
        """Yield a song's id and a value for each row of a table, in the order in which they were written."""
        if self._connection.table_exists(None, table):
            sql = f"SELECT CAST({key} AS BLOB), {value} FROM {table} ORDER BY rowid"
            for song_id, found in self._connection.execute(sql):
                yield self._text(song_id), found

    def _text(self, value: bytes | None) -> str:
        return (value or b"").decode(self._encoding, "replace")

    def _find_vector_column(self) -> str:
        columns = [row[1] for row in self._connection.execute("PRAGMA table_info(songs_vectors)")]
        known = {name.lower() for name in columns}
        if "song_id" not in known or known.isdisjoint(("vector", "embedding")):
            raise LibraryError(
                f"The table songs_vectors has the columns {', '.join(columns)}, and song_id and vector are "
                "expected: name a database that the original scripts wrote."
            )
        return "vector" if "vector" in known else "embedding"

    def _vector(self, song_id: str) -> tuple[np.ndarray | None, str | None]:
        column, problem = self._vector_column, None
        # A text is not fetched: it may not be valid.
        sql = f"SELECT iif(typeof({column}) = 'text', 'text', {column}) FROM songs_vectors WHERE rowid = ?"
        for row in reversed(self._vectors.get(song_id, [])):
            try:
                vector = read_vector(self._connection.execute(sql, (row,)).get)
            except ValueError as error:
                problem = f"its vector is not 512 float64 ({error})"
            else:
                if np.abs(vector).max() <= LARGEST_VALUE:
                    return vector, None
                problem = f"its vector holds values that are not finite, or beyond {LARGEST_VALUE:g}"
        return None, problem

    def _info(self, song_id: str) -> str:
        sql = "SELECT CAST(info AS BLOB) FROM songs WHERE rowid = ?"
        row = self._infos.get(song_id)
        value = None if row is None else self._text(self._connection.execute(sql, (row,)).get)
        try:
            for _ in range(2):  # Some programs wrote the JSON of a JSON text.
                if isinstance(value, str):
                    value = json.loads(value, parse_constant=_finite, parse_float=_finite)
            if isinstance(value, dict) and "name" not in value and isinstance(value.get("track"), dict):
                value = value["track"]  # As Spotify lists the tracks of a playlist.
            if isinstance(value, dict):
                return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
        except (ValueError, RecursionError):
            pass
        return json.dumps({"name": song_id}, ensure_ascii=False)


@contextmanager
def open_original(path: Path) -> Iterator[OriginalDatabase]:
    """Open a database of the original scripts, without changing a byte of it or of its folder.

    Raises
    ------
    NoLibraryError
        If there is no such file.
    LibraryError
        If it is no such database, or damaged; reading the songs may raise it too.
    """
    if not path.exists():
        raise NoLibraryError(f"There is no database at {path}: name one that the original scripts wrote.")
    if not is_original(path):
        raise LibraryError(
            f"{path} is not a database of the original scripts: it has no songs_vectors table."
        )
    with open_without_writing(path) as connection:
        with _reading(path):
            database = OriginalDatabase(path, connection)
        yield database


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    with translate_errors(path):
        try:
            yield
        except apsw.CorruptError as error:
            raise LibraryError(f"{path} is damaged ({error}): restore it from a backup.") from error
        except apsw.SQLError as error:
            raise LibraryError(
                f"{path} has other tables than the original scripts wrote: {error}."
            ) from error


def _finite(text: str) -> float | None:
    """Read a number; NaN and infinity, which Python writes and SQLite's JSON does not know, become None."""
    number = float(text)
    return number if math.isfinite(number) else None
