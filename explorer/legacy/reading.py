"""Reads databases that the scripts of the original experiment wrote, and never changes them.

Their tables:

songs(id, info JSON)              Spotify's track objects
songs_vectors(song_id, vector)    the .npy format, or raw little-endian float64
songs_genres(song_id, genre)      one row per genre; rows may be repeated
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

from explorer.database.connection import is_original, open_without_writing
from explorer.database.foreign_schema import refuse_computed_columns
from explorer.database.records import MAX_VALUE, read_vector
from explorer.database.sqlite_errors import translate_errors
from explorer.errors import LibraryError, NoLibraryError


class OriginalSong(NamedTuple):
    """A song of an original database."""

    song_id: str
    info: str
    """The track as a JSON object. If there is no valid one, an object with only the id as the name."""
    genres: tuple[str, ...]
    """In the order of the rows, without repetitions."""
    vector: np.ndarray | None
    """The last usable vector of the song [shape=(512,), float64]; None if no vector is usable."""
    problem: str | None
    """Why no vector of the song is usable; None if a vector is usable or the song has no vector."""


class OriginalDatabase:
    """An original database. Iterate over it to read one song at a time, in the order of `song_ids`.

    Only ids, row numbers and genres stay in memory, because the JSON objects and vectors of 100,000 songs
    take 1 GB. Texts are read as bytes and then decoded: invalid bytes become U+FFFD, and the rest of the text
    stays.

    Attributes
    ----------
    song_ids : list of str
        The sorted ids of all songs, with or without a vector.
    repeated_genres : int
        How many genre rows repeat another row.
    strays : int
        How many rows are left out: vector rows without a song id, and genre rows without a song.
    """

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.path = path
        self._connection = connection
        refuse_computed_columns(connection, path, ("songs", "songs_vectors", "songs_genres"))
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
            genres = self._genres.get(song_id)
            if genres is None:
                self.strays += 1
            elif name in genres:
                self.repeated_genres += 1
            elif name:
                genres.append(name)

    def __iter__(self) -> Iterator[OriginalSong]:
        for song_id in self.song_ids:
            with _translate_read_errors(self.path):
                info = self._info(song_id)
                vector, problem = self._vector(song_id)
            yield OriginalSong(song_id, info, tuple(self._genres[song_id]), vector, problem)

    def _rows(self, table: str, key: str, value: str) -> Iterator[tuple[str, object]]:
        """Yield the song id and a value of each row of a table, the oldest row first."""
        if self._connection.table_exists(None, table):
            sql = f"SELECT CAST({key} AS BLOB), {value} FROM {table} ORDER BY rowid"
            for song_id, row_value in self._connection.execute(sql):
                yield self._text(song_id), row_value

    def _text(self, value: bytes | None) -> str:
        return (value or b"").decode(self._encoding, "replace")

    def _find_vector_column(self) -> str:
        columns = [row[1] for row in self._connection.execute("PRAGMA table_info(songs_vectors)")]
        names = {name.lower() for name in columns}
        if "song_id" not in names or names.isdisjoint(("vector", "embedding")):
            raise LibraryError(
                f"The table songs_vectors has the columns {', '.join(columns)} instead of song_id and "
                "vector: choose a database that the original scripts wrote."
            )
        return "vector" if "vector" in names else "embedding"

    def _vector(self, song_id: str) -> tuple[np.ndarray | None, str | None]:
        """Return the last usable vector of a song and None, or None and the problem of its first vector."""
        column, problem = self._vector_column, None
        # Read no value of the type text: apsw fails if it is not valid UTF-8.
        sql = f"SELECT iif(typeof({column}) = 'text', 'text', {column}) FROM songs_vectors WHERE rowid = ?"
        for row in reversed(self._vectors.get(song_id, [])):
            try:
                vector = read_vector(self._connection.execute(sql, (row,)).get)
            except ValueError as error:
                problem = f"its vector is not 512 float64 ({error})"
            else:
                if np.abs(vector).max() <= MAX_VALUE:
                    return vector, None
                problem = f"its vector holds values that are not finite or beyond {MAX_VALUE:g}"
        return None, problem

    def _info(self, song_id: str) -> str:
        """Return the text of a song's JSON object; if it is not valid, an object with the id as the name."""
        sql = "SELECT CAST(info AS BLOB) FROM songs WHERE rowid = ?"
        row = self._infos.get(song_id)
        value = None if row is None else self._text(self._connection.execute(sql, (row,)).get)
        try:
            for _ in range(2):  # Some programs encoded the object as JSON twice.
                if isinstance(value, str):
                    value = json.loads(value, parse_constant=_parse_finite, parse_float=_parse_finite)
            if isinstance(value, dict) and "name" not in value and isinstance(value.get("track"), dict):
                value = value["track"]  # In Spotify's playlists, each item contains the track as `track`.
            if isinstance(value, dict):
                return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
        except (ValueError, RecursionError):
            pass
        return json.dumps({"name": song_id}, ensure_ascii=False)


@contextmanager
def open_original(path: Path) -> Iterator[OriginalDatabase]:
    """Open a database of the original scripts without changing it or its folder.

    Raises
    ------
    NoLibraryError
        If the file does not exist.
    LibraryError
        If the file is not such a database, or is damaged. Iterating over the songs may raise this too.
    """
    if not path.exists():
        raise NoLibraryError(f"There is no database at {path}: choose one that the original scripts wrote.")
    if not is_original(path):
        raise LibraryError(
            f"{path} is not a database of the original scripts: it has no songs_vectors table."
        )
    with open_without_writing(path) as connection:
        with _translate_read_errors(path):
            database = OriginalDatabase(path, connection)
        yield database


@contextmanager
def _translate_read_errors(path: Path) -> Iterator[None]:
    with translate_errors(path):
        try:
            yield
        except apsw.CorruptError as error:
            raise LibraryError(f"{path} is damaged ({error}): restore it from a backup.") from error
        except apsw.SQLError as error:
            raise LibraryError(
                f"{path} does not have the tables and columns of the original scripts ({error}): choose "
                "another file."
            ) from error


def _parse_finite(text: str) -> float | None:
    """Parse a number. Return None for NaN and infinity, which SQLite's JSON functions do not accept."""
    number = float(text)
    return number if math.isfinite(number) else None
