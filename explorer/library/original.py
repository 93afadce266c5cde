"""Reads the databases that the original experiment's scripts wrote, and never changes them.

songs(id, info JSON)              Spotify's track objects
songs_vectors(song_id, vector)    np.save's bytes, or raw little-endian float64
songs_genres(song_id, genre)      a row for each; nothing keeps one from being there twice
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import numpy as np

from explorer.errors import LibraryError, NoLibraryError
from explorer.library.connection import is_original, reading_untouched
from explorer.library.records import read_vector

NO_ID = "(no id)"
"""Stands for what names no song where problems are told."""

LARGEST_VALUE = 1e15
"""What is beyond it would be refused by the map, with all the others."""


@dataclass(frozen=True)
class OriginalSong:
    """A song as an original database has it.

    Attributes
    ----------
    song_id : str
    info : str
        A JSON object: what the database says, or at least a name.
    genres : tuple of str
        Each once, in the order in which they were written.
    vector : np.ndarray [shape=(512,), float64] or None
    """

    song_id: str
    info: str
    genres: tuple[str, ...] = ()
    vector: np.ndarray | None = None


@dataclass
class OriginalLibrary:
    """What an original database holds.

    Attributes
    ----------
    songs : list of OriginalSong
        In the order of their ids, those without a vector too.
    skipped : list of (str, str)
        Songs whose vector cannot be used, and why.
    repeated_genres : int
        Rows of genres that say what another row has said.
    strays : int
        Genres of songs that are not there.
    """

    songs: list[OriginalSong]
    skipped: list[tuple[str, str]] = field(default_factory=list)
    repeated_genres: int = 0
    strays: int = 0


def read_original(path: Path) -> OriginalLibrary:
    """Read a database of the original scripts, without changing a byte of it or of its folder.

    Raises
    ------
    NoLibraryError
        If there is no such file.
    LibraryError
        If it is no such database, or damaged.
    """
    require_original(path)
    try:
        with reading_untouched(path) as connection:
            tables = _Tables(connection)
            infos = {song_id: info for song_id, info in tables.songs() if song_id}
            vectors, skipped = _vectors(tables)
            found = OriginalLibrary([], skipped)
            song_ids = sorted({*infos, *vectors, *(song_id for song_id, _ in skipped)} - {NO_ID})
            genres = _genres(tables, song_ids, found)
    except apsw.SQLError as error:
        raise LibraryError(f"{path} has other tables than the original scripts wrote ({error}).") from error
    # What was read of a song is let go with it: a hundred thousand of Spotify's tracks are large.
    found.songs = [
        OriginalSong(
            song_id, _info(infos.pop(song_id, None), song_id), tuple(genres[song_id]), vectors.get(song_id)
        )
        for song_id in song_ids
    ]
    return found


def require_original(path: Path) -> None:
    """Refuse what is no database of the original scripts.

    Raises
    ------
    NoLibraryError, LibraryError
    """
    if not path.exists():
        raise NoLibraryError(f"There is no database at {path}: name one that the original scripts wrote.")
    if not is_original(path):
        raise LibraryError(
            f"{path} is not a database of the original scripts: there are no songs_vectors of theirs in it."
        )


class _Tables:
    """The rows of an original database, with ids and names as texts, whatever was written.

    Texts are fetched as their bytes: one that is not valid costs its own characters alone.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._encoding = connection.pragma("encoding")
        self._names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}

    def songs(self) -> Iterator[tuple[str, str]]:
        """Yield each song's id and info."""
        if "songs" in self._names:
            for row in self._connection.execute("SELECT CAST(id AS BLOB), CAST(info AS BLOB) FROM songs"):
                yield self._text(row[0]), self._text(row[1])

    def genres(self) -> Iterator[tuple[str, str]]:
        """Yield the song and the name of each genre, in the order in which they were written."""
        if "songs_genres" in self._names:
            sql = "SELECT CAST(song_id AS BLOB), CAST(genre AS BLOB) FROM songs_genres ORDER BY rowid"
            for row in self._connection.execute(sql):
                yield self._text(row[0]), self._text(row[1])

    def vectors(self) -> Iterator[tuple[str, object]]:
        """Yield the song and the value of each vector, in the order in which they were written."""
        columns = [row[1] for row in self._connection.execute("PRAGMA table_info(songs_vectors)")]
        known = [name.lower() for name in columns]
        column = next((name for name in ("vector", "embedding") if name in known), None)
        if column is None or "song_id" not in known:
            raise LibraryError(
                f"The table songs_vectors has the columns {', '.join(columns)}, and song_id and vector are "
                "expected: name a database that the original scripts wrote."
            )
        value = f"iif(typeof({column}) = 'text', 'text', {column})"
        sql = f"SELECT CAST(song_id AS BLOB), {value} FROM songs_vectors ORDER BY rowid"
        for song_id, vector in self._connection.execute(sql):
            yield self._text(song_id), vector

    def _text(self, value: bytes | None) -> str:
        return (value or b"").decode(self._encoding, "replace")


def _vectors(tables: _Tables) -> tuple[dict[str, np.ndarray], list[tuple[str, str]]]:
    """Return each song's vector, the last that was written, and the songs that have none that can be used."""
    vectors: dict[str, np.ndarray] = {}
    problems: dict[str, str] = {}
    for song_id, value in tables.vectors():
        if not song_id:
            problems[NO_ID] = "its row names no song"
            continue
        try:
            vector = read_vector(value)
        except ValueError as error:
            problems[song_id] = f"its vector is not 512 float64 ({error})"
            continue
        if np.abs(vector).max() <= LARGEST_VALUE:
            vectors[song_id] = vector
        else:
            problems[song_id] = f"its vector holds values that are not finite, or beyond {LARGEST_VALUE:g}"
    return vectors, sorted((song_id, why) for song_id, why in problems.items() if song_id not in vectors)


def _genres(tables: _Tables, song_ids: list[str], found: OriginalLibrary) -> dict[str, dict[str, None]]:
    """Return each song's genres in their order; what is there twice, or of no song, is counted."""
    genres: dict[str, dict[str, None]] = {song_id: {} for song_id in song_ids}
    for song_id, genre in tables.genres():
        known, name = genres.get(song_id), " ".join(genre.split())
        if known is None:
            found.strays += 1
        elif name in known:
            found.repeated_genres += 1
        elif name:
            known[name] = None
    return genres


def _info(value: object, song_id: str) -> str:
    """Return a song's info as the JSON object that it is, or else one that holds its name."""
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


def _finite(text: str) -> float | None:
    """Read a number: Python writes NaN and Infinity, and SQLite reads no JSON that has them."""
    number = float(text)
    return number if math.isfinite(number) else None
