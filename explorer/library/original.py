"""Reads the databases that the original experiment's scripts wrote, and never changes them.

songs(id, info JSON)              Spotify's track objects
songs_vectors(song_id, vector)    np.save's bytes, or raw little-endian float64
songs_genres(song_id, genre)      a row for each; nothing keeps one from being there twice
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import numpy as np

from explorer.errors import LibraryError, NoLibraryError
from explorer.library.connection import is_original, reading_untouched
from explorer.library.records import read_vector


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
    with reading_untouched(path) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        infos = _infos(connection) if "songs" in tables else {}
        vectors, skipped = _vectors(connection)
        rows = []
        if "songs_genres" in tables:
            rows = list(connection.execute("SELECT song_id, genre FROM songs_genres ORDER BY rowid"))
    wanted = sorted({*infos, *vectors, *(song_id for song_id, _ in skipped)})
    genres: dict[str, dict[str, None]] = {song_id: {} for song_id in wanted}
    found = OriginalLibrary([], skipped)
    for number, genre in rows:
        known = genres.get(_text(number))
        name = " ".join(_text(genre).split())
        if known is None:
            found.strays += 1
        elif name in known:
            found.repeated_genres += 1
        elif name:
            known[name] = None
    found.songs = [
        OriginalSong(
            song_id, _info(infos.get(song_id), song_id), tuple(genres[song_id]), vectors.get(song_id)
        )
        for song_id in wanted
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


def _infos(connection: apsw.Connection) -> dict[str, object]:
    return {_text(song_id): info for song_id, info in connection.execute("SELECT id, info FROM songs")}


def _vectors(connection: apsw.Connection) -> tuple[dict[str, np.ndarray], list[tuple[str, str]]]:
    """Return each song's vector, the last that was written, and the songs that have none that can be used."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(songs_vectors)")]
    column = next((name for name in ("vector", "embedding") if name in columns), None)
    if column is None or "song_id" not in columns:
        raise LibraryError(
            f"The table songs_vectors has the columns {', '.join(columns)}: song_id and vector are expected."
        )
    vectors: dict[str, np.ndarray] = {}
    problems: dict[str, str] = {}
    for number, blob in connection.execute(f"SELECT song_id, {column} FROM songs_vectors ORDER BY rowid"):
        song_id = _text(number)
        try:
            vector = read_vector(blob)
        except ValueError as error:
            problems[song_id] = f"its vector is not 512 float64 ({error})"
            continue
        if np.isfinite(vector).all():
            vectors[song_id] = vector
        else:
            problems[song_id] = "its vector holds values that are not finite"
    return vectors, sorted((song_id, why) for song_id, why in problems.items() if song_id not in vectors)


def _info(value: object, song_id: str) -> str:
    """Return a song's info as the JSON object that it is, or else one that holds its name."""
    for _ in range(2):  # Some programs wrote the JSON of a JSON text.
        if isinstance(value, str | bytes):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                break
    if isinstance(value, dict) and "name" not in value and isinstance(value.get("track"), dict):
        value = value["track"]  # As Spotify lists the tracks of a playlist.
    if not isinstance(value, dict):
        value = {"name": song_id}
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
