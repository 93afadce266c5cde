"""Queries about songs imported from a database of the original scripts, and their clips (audio files)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from explorer.database.records import KnownFile, absolute_path, encode_vector
from explorer.database.songs import SongTables
from explorer.database.vectors import VectorTables
from explorer.util.text import spelling_key


class ImportTables(SongTables, VectorTables):
    """Queries about imported songs and the original database."""

    def store_imported(
        self, song_id: str, info: str, genres: tuple[str, ...], vector: np.ndarray | None
    ) -> bool:
        """Store a song of an original database, without a file.

        Parameters
        ----------
        info : str
            A JSON object.
        vector : np.ndarray [shape=(512,), float64] or None
            None if the original database has no usable vector of the song.

        Returns
        -------
        bool
            Whether this changed the library.
        """
        before = self._connection.total_changes()
        with self.transaction():
            self._rows(
                """INSERT INTO songs VALUES (?, ?)
                   ON CONFLICT(id) DO UPDATE SET info = excluded.info WHERE info <> excluded.info""",
                (song_id, info),
            )
            # An earlier import may have unified the spellings. That alone is no change.
            if _without_spelling(self.genres_of(song_id)) != _without_spelling(genres):
                self._store_genres(song_id, genres)
            if vector is not None:
                self._store_vector(song_id, encode_vector(vector))
            else:
                for table in ("songs_vectors", "coarse_vectors", "positions"):
                    self._rows(f"DELETE FROM {table} WHERE song_id = ?", (song_id,))
        return self._connection.total_changes() > before

    def clips(self) -> dict[str, tuple[Path, KnownFile]]:
        """Return the absolute path and the stored state of each song's file, by song id."""
        rows = self._rows(
            """SELECT song_id, roots.path, files.path, size_bytes, modified_ns, sheets_state, link_target
               FROM files JOIN roots ON roots.id = root_id"""
        )
        return {
            song_id: (
                absolute_path(root, path),
                KnownFile(
                    size_bytes,
                    modified_ns,
                    song_id,
                    False,
                    sheets_state=sheets_state,
                    link_target=link_target,
                ),
            )
            for song_id, root, path, size_bytes, modified_ns, sheets_state, link_target in rows
        }

    def forget_clips(self, song_ids: Iterable[str]) -> None:
        """Delete the stored files of songs, because the files no longer exist."""
        with self.transaction():
            for song_id in song_ids:
                self._rows("DELETE FROM files WHERE song_id = ?", (song_id,))

    def song_ids(self) -> list[str]:
        """Return the ids of all songs, with or without a vector."""
        return [song_id for (song_id,) in self._rows("SELECT id FROM songs ORDER BY id")]

    def was_imported(self, song_id: str) -> bool:
        """Return whether a song was imported. Only the info of an indexed song has the path of its file."""
        sql = "SELECT info ->> '$.path' IS NULL FROM readable_songs WHERE id = ?"
        return self._value(sql, (song_id,)) == 1

    def forget_songs(self, song_ids: Iterable[str]) -> None:
        """Delete songs and everything stored about them."""
        with self.transaction():
            for song_id in song_ids:
                self._rows("DELETE FROM songs WHERE id = ?", (song_id,))

    def origin(self) -> dict:
        """Return what `store_origin` stored about the original database, or an empty dict."""
        return self._state("origin", dict) or {}

    def store_origin(self, origin: dict) -> None:
        """Store the state that the original database had when this library was last updated from it."""
        with self.transaction():
            self._store_state("origin", origin)


def _without_spelling(genres: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(spelling_key, genres)))
