"""Ways to damage a songs.db, as a failing disk and other programs do."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import apsw
import numpy as np

from explorer.database.database import Database
from explorer.database.records import encode_vector
from explorer.embedding.song_windows import SongWindows, fit_basis
from explorer.structure.song_features import SongFeatures

_SIZES = (1, 2, 4, 16, 64)


def overwritten(data: bytes, seed: int) -> bytes:
    """Return a file's bytes after ten random overwrites."""
    generator, damaged = random.Random(seed), bytearray(data)
    for _ in range(10):
        size = generator.choice(_SIZES)
        start = generator.randrange(len(data) - size)
        damaged[start : start + size] = generator.randbytes(size)
    return bytes(damaged)


def replace_file(path: Path, data: bytes) -> None:
    """Put another file in the place of a database, without the log of the old one."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(data)


def force(path: Path, *statements: str | tuple[str, tuple]) -> None:
    """Run SQL that a library forbids: no foreign key and no type of a STRICT table is checked."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("foreign_keys", False)
        connection.pragma("writable_schema", True)
        schema = connection.execute(
            "SELECT rowid, sql FROM sqlite_schema WHERE sql LIKE '%STRICT%'"
        ).fetchall()
        for row, sql in schema:
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE rowid = ?", (_loose(sql), row))
        connection.execute("PRAGMA writable_schema = RESET")
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else statement
            connection.execute(sql, values)
        connection.pragma("writable_schema", True)
        for row, sql in schema:
            # A table that a statement has changed stays as it is.
            connection.execute(
                "UPDATE sqlite_schema SET sql = ? WHERE rowid = ? AND sql = ?", (sql, row, _loose(sql))
            )
        connection.execute("PRAGMA writable_schema = RESET")


def _loose(sql: str) -> str:
    return sql.replace("STRICT, ", "").replace("STRICT", "")


def _vector(value: float) -> bytes:
    return encode_vector([value] * 512)


SONG = "003.flac"

ONE_SONG = {
    "vector cut": f"UPDATE songs_vectors SET embedding = substr(embedding, 1, 900) WHERE song_id = '{SONG}'",
    "vector is text": f"UPDATE songs_vectors SET embedding = 'text' WHERE song_id = '{SONG}'",
    "vector is a number": f"UPDATE songs_vectors SET embedding = 7 WHERE song_id = '{SONG}'",
    "vector NaN": (
        f"UPDATE songs_vectors SET embedding = ? WHERE song_id = '{SONG}'",
        (_vector(float("nan")),),
    ),
    "vector infinite": (
        f"UPDATE songs_vectors SET embedding = ? WHERE song_id = '{SONG}'",
        (_vector(float("inf")),),
    ),
    "vector huge": (f"UPDATE songs_vectors SET embedding = ? WHERE song_id = '{SONG}'", (_vector(1e300),)),
    "info is no JSON": f"UPDATE songs SET info = '{{' WHERE id = '{SONG}'",
    "info is a list": f"UPDATE songs SET info = '[]' WHERE id = '{SONG}'",
    "info is a blob": f"UPDATE songs SET info = x'ff00' WHERE id = '{SONG}'",
    "position infinite": f"UPDATE positions SET x = 9e999 WHERE song_id = '{SONG}' AND projection = 'tsne'",
    "position huge": f"UPDATE positions SET y = -1e300 WHERE song_id = '{SONG}' AND projection = 'pca'",
    "no such cluster": f"UPDATE song_clusters SET cluster = 99 WHERE song_id = '{SONG}'",
    "duration infinite": f"UPDATE files SET duration_s = 9e999 WHERE song_id = '{SONG}'",
    "title is no UTF-8": f"UPDATE song_texts SET title = CAST(x'ff41' AS TEXT) WHERE song_id = '{SONG}'",
}
"""Damage that costs one song of `support.store_library`."""

WHOLE_LIBRARY = {
    "model is no JSON": "UPDATE state SET value = '{' WHERE key = 'model'",
    "model is a list": "UPDATE state SET value = '[1]' WHERE key = 'model'",
    "model lacks values": "UPDATE state SET value = '{}' WHERE key = 'model'",
    "revision is text": "UPDATE state SET value = '\"x\"' WHERE key = 'map_revision'",
    "value of state is a blob": "UPDATE state SET value = x'ff' WHERE key = 'map_revision'",
    "root is no UTF-8": "UPDATE roots SET path = CAST(x'2fff' AS TEXT)",
    "root is a blob": "UPDATE roots SET path = x'2f'",
    "quality is no JSON": "UPDATE projections SET quality = 'x' WHERE name = 'tsne'",
    "quality holds text": """UPDATE projections SET quality = '{"continuity": "x"}' WHERE name = 'pca'""",
    "parameters are a list": "UPDATE projections SET parameters = '[]' WHERE name = 'umap'",
    "projection without name": "UPDATE projections SET name = 'tsnf' WHERE name = 'tsne'",
    "position is text": f"UPDATE positions SET x = 'left' WHERE song_id = '{SONG}'",
    "path is text": f"UPDATE files SET path = 'x' WHERE song_id = '{SONG}'",
    "title is a blob": f"UPDATE song_texts SET title = x'07' WHERE song_id = '{SONG}'",
    "a cluster is lost": "DELETE FROM clusters WHERE number = 1",
    "no table of files": "DROP TABLE files",
    "no index of the search": "DROP TABLE song_words",
    "index of the search is empty": "INSERT INTO song_words(song_words) VALUES ('delete-all')",
    "texts are a view": "ALTER TABLE song_texts RENAME TO x; CREATE VIEW song_texts AS SELECT 1 AS song_id",
    "a column is missing": "ALTER TABLE files RENAME COLUMN duration_s TO seconds",
    "newer schema": "PRAGMA user_version = 999",
}
"""Damage with which a library must not be used at all."""

_WINDOWS, _FEATURES = "UPDATE song_windows SET", "UPDATE song_features SET"
_OF_SONG = f"WHERE song_id = '{SONG}'"

INSIDE = {
    "codes cut": f"{_WINDOWS} codes = substr(codes, 1, 65) {_OF_SONG}",
    "no codes": f"{_WINDOWS} codes = x'' {_OF_SONG}",
    "codes are text": f"{_WINDOWS} codes = 'text' {_OF_SONG}",
    "scale is 0": f"{_WINDOWS} scale = 0.0 {_OF_SONG}",
    "scale huge": f"{_WINDOWS} scale = 1e300 {_OF_SONG}",
    "scale infinite": f"{_WINDOWS} scale = 9e999 {_OF_SONG}",
    "step negative": f"{_WINDOWS} step_s = -0.5 {_OF_SONG}",
    "step is text": f"{_WINDOWS} step_s = 'text' {_OF_SONG}",
    "tempo is text": f"{_FEATURES} tempo_bpm = 'fast' {_OF_SONG}",
    "tempo infinite": f"{_FEATURES} tempo_bpm = 9e999 {_OF_SONG}",
    "key is no UTF-8": f"{_FEATURES} musical_key = CAST(x'ff41' AS TEXT) {_OF_SONG}",
    "energy is a blob": f"{_FEATURES} energy = x'07' {_OF_SONG}",
    "confidence is text": f"{_FEATURES} key_confidence = 'sure' {_OF_SONG}",
    "beats cut": f"{_FEATURES} beats = substr(beats, 1, 7) {_OF_SONG}",
    "curve is text": f"{_FEATURES} loudness = 'text' {_OF_SONG}",
}
"""Damage of one song's windows or features, after `store_inside`."""


def store_inside(path: Path) -> None:
    """Store windows and features of all songs of a library."""
    generator = np.random.default_rng(0)
    curve = np.arange(3, dtype=np.float32)
    features = SongFeatures(120.0, 0.9, "A minor", 0.8, 0.5, -14.0, 2000.0, curve, curve - 14, curve + 2000)
    with Database.open(path) as database, database.transaction():
        database.store_window_basis(fit_basis(generator.normal(size=(80, 512))))
        for (song_id,) in database._rows("SELECT id FROM songs"):
            codes = generator.integers(-127, 128, size=(5, 64), dtype=np.int8)
            database.store_windows(song_id, SongWindows(codes, 0.1, 0.5))
            database.store_features(song_id, features)
