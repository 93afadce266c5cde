"""Songs that come from another database: stored as it has them, with the files where their sound is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from explorer.database.records import KnownFile, absolute_path, encode_vector
from explorer.database.songs import GenreTables
from explorer.database.vectors import VectorTables


class ImportTables(GenreTables, VectorTables):
    """What is written for a song that was not indexed here."""

    def store_imported(
        self, song_id: str, info: str, genres: tuple[str, ...], vector: np.ndarray | None
    ) -> bool:
        """Store a song as another database has it.

        Parameters
        ----------
        info : str
            A JSON object.
        vector : np.ndarray [shape=(512,), float64] or None
            None for a song that was never embedded.

        Returns
        -------
        bool
            Whether anything is different from before.
        """
        before = self._connection.total_changes()
        with self.transaction():
            self._rows(
                """INSERT INTO songs VALUES (?, ?)
                   ON CONFLICT(id) DO UPDATE SET info = excluded.info WHERE info <> excluded.info""",
                (song_id, info),
            )
            if self.genres_of(song_id) != genres:
                self._store_genres(song_id, genres)
            if vector is not None:
                self._store_vector(song_id, encode_vector(vector))
            else:
                for table in ("songs_vectors", "positions"):
                    self._rows(f"DELETE FROM {table} WHERE song_id = ?", (song_id,))
        return self._connection.total_changes() > before

    def clips(self) -> dict[str, tuple[Path, KnownFile]]:
        """Return, for each song with a file, the file's path and what is remembered of it."""
        rows = self._rows(
            """SELECT song_id, roots.path, files.path, size_bytes, modified_ns
               FROM files JOIN roots ON roots.id = root_id"""
        )
        return {
            song_id: (absolute_path(root, path), KnownFile(size_bytes, modified_ns, song_id, False))
            for song_id, root, path, size_bytes, modified_ns in rows
        }

    def forget_clips(self, song_ids: Iterable[str]) -> None:
        """Drop what is known of songs' files: they are not there any more."""
        with self.transaction():
            for song_id in song_ids:
                self._rows("DELETE FROM files WHERE song_id = ?", (song_id,))

    def song_ids(self) -> list[str]:
        """Return the ids of all songs, those without a vector too."""
        return [song_id for (song_id,) in self._rows("SELECT id FROM songs ORDER BY id")]

    def was_imported(self, song_id: str) -> bool:
        """Tell whether a song came from another database: one indexed here names its file."""
        sql = "SELECT info ->> '$.path' IS NULL FROM readable_songs WHERE id = ?"
        return self._value(sql, (song_id,)) == 1

    def forget_songs(self, song_ids: Iterable[str]) -> None:
        """Drop songs, with all that is known of them."""
        with self.transaction():
            for song_id in song_ids:
                self._rows("DELETE FROM songs WHERE id = ?", (song_id,))

    def origin(self) -> dict:
        """Return what `store_origin` was told last, or nothing."""
        return json.loads(self._value("SELECT value FROM state WHERE key = 'origin'") or "{}")

    def store_origin(self, origin: dict) -> None:
        """Remember what state of another database this library is in step with."""
        with self.transaction():
            self._rows("INSERT OR REPLACE INTO state VALUES ('origin', ?)", (json.dumps(origin),))
