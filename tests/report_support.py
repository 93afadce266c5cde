"""A sound library for verification reports, and ways to harm it with plain sqlite3."""

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
    """Fill songs.db with 60 real files in three genres, made-up trained vectors, and a real map."""
    path = folder / "songs.db"
    store_library(path, folder / "music", per_genre=SONGS // 3, trained=True)
    change(path, "DELETE FROM positions", "DELETE FROM projections")
    with Database.open(path) as database:
        make_map(database, reporter=Reporter(), request=MapRequest(projections=("pca", "tsne")))
    return path


def change(path: Path, *statements: str | tuple[str, tuple]) -> None:
    """Do to a database what any program could."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(*((statement,) if isinstance(statement, str) else statement))


def ask(path: Path, sql: str, *bindings: object) -> list[tuple]:
    """Ask it."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, bindings).fetchall()


def vector_of(path: Path, song_id: str) -> np.ndarray:
    """Read a vector without the library's help."""
    return np.load(
        io.BytesIO(ask(path, "SELECT embedding FROM songs_vectors WHERE song_id = ?", song_id)[0][0])
    )


def as_npy(vector: object) -> bytes:
    """Write a vector without the library's help."""
    buffer = io.BytesIO()
    np.save(buffer, vector)
    return buffer.getvalue()


def store_blob(song_id: str, blob: object) -> Callable[[Path], None]:
    """Return what stores a blob, or text, as a song's vector."""

    def harm(path: Path) -> None:
        change(path, ("UPDATE songs_vectors SET embedding = ? WHERE song_id = ?", (blob, song_id)))

    return harm
