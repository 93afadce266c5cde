"""A sound library for verification reports, and functions that damage it with plain sqlite3."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from support import store_library

from explorer.database.database import Database
from explorer.indexing.make_map import MapRequest, make_map
from explorer.util.progress import Reporter

SONGS = 60


def store_sound_library(folder: Path) -> Path:
    """Write a library: 60 real files in three genres, random vectors recorded as trained, and a real map."""
    path = folder / "songs.db"
    store_library(path, folder / "music", per_genre=SONGS // 3, trained=True)
    change(path, "DELETE FROM positions", "DELETE FROM projections")
    with Database.open(path) as database:
        make_map(database, reporter=Reporter(), request=MapRequest(projections=("pca", "tsne")))
    return path


def change(path: Path, *statements: str | tuple[str, tuple]) -> None:
    """Execute SQL statements on a database without the library's code."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(*((statement,) if isinstance(statement, str) else statement))


def ask(path: Path, sql: str, *bindings: object) -> list[tuple]:
    """Return the rows of a query on a database."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, bindings).fetchall()


def vector_of(path: Path, song_id: str) -> np.ndarray:
    """Read a song's vector without the library's code."""
    ((blob,),) = ask(path, "SELECT embedding FROM songs_vectors WHERE song_id = ?", song_id)
    return np.load(io.BytesIO(blob))


def as_npy(vector: object) -> bytes:
    """Return a vector in .npy format without the library's code."""
    buffer = io.BytesIO()
    np.save(buffer, vector)
    return buffer.getvalue()


def store_blob(song_id: str, blob: object) -> Callable[[Path], None]:
    """Return a function that stores a blob, or a text, as a song's vector."""

    def harm(path: Path) -> None:
        change(path, ("UPDATE songs_vectors SET embedding = ? WHERE song_id = ?", (blob, song_id)))

    return harm
