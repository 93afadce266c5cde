"""Queries about the songs' vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np

from explorer.database.connection import LibraryConnection, translate_errors
from explorer.database.records import VECTOR_SIZE, decode_vector

_HAS_SONG = "song_id IN (SELECT id FROM songs)"
"""This leaves out vectors without a song: other programs may delete a song and not its vector."""


class VectorTables(LibraryConnection):
    """Queries about the table songs_vectors."""

    def vector(self, song_id: str) -> np.ndarray:
        """Return a song's vector [shape=(512,), float64].

        Raises
        ------
        LibraryError
            If the song has no vector, or the vector is damaged.
        """
        blob = self._value("SELECT embedding FROM songs_vectors WHERE song_id = ?", (song_id,))
        return decode_vector(blob, song_id=song_id)

    def vectors(
        self, *, dtype: type = np.float64, song_ids: Sequence[str] | None = None
    ) -> tuple[list[str], np.ndarray]:
        """Return all vectors, or those of the given songs, ordered by song id.

        Parameters
        ----------
        dtype : type
            The type of the result. np.float32 takes half the memory of np.float64: 2 GB for a million songs.
        song_ids : sequence of str, optional
            Songs without a vector are left out.

        Returns
        -------
        song_ids : list of str, length n
        vectors : np.ndarray [shape=(n, 512), dtype]

        Raises
        ------
        LibraryError
            If a vector is not 512 float64.
        """
        with self.snapshot() if not self._connection.in_transaction else nullcontext():
            condition, parameters = _HAS_SONG, ()
            if song_ids is not None:
                condition += " AND song_id IN (SELECT value FROM json_each(?))"
                parameters = (json.dumps(list(song_ids)),)
            count = self._value(f"SELECT count(*) FROM songs_vectors WHERE {condition}", parameters)
            vectors = np.empty((count, VECTOR_SIZE), dtype=dtype)
            ids: list[str] = []
            with translate_errors(self.path):
                cursor = self._connection.execute(
                    f"SELECT song_id, embedding FROM songs_vectors WHERE {condition} ORDER BY song_id",
                    parameters,
                )
                for row, (song_id, blob) in enumerate(cursor):
                    vectors[row] = decode_vector(blob, song_id=song_id)
                    ids.append(song_id)
        return ids, vectors

    def count_vectors(self) -> int:
        """Return how many songs have a vector."""
        return self._value(f"SELECT count(*) FROM songs_vectors WHERE {_HAS_SONG}")

    def _store_vector(self, song_id: str, blob: bytes) -> bool:
        """Store an encoded vector. If it replaces a different vector, delete the song's positions on the map.

        Returns
        -------
        bool
            Whether the vector is new or different.
        """
        before = self._value("SELECT embedding FROM songs_vectors WHERE song_id = ?", (song_id,))
        if before == blob:
            return False
        self._rows("INSERT OR REPLACE INTO songs_vectors VALUES (?, ?)", (song_id, blob))
        if before is not None:
            self._rows("DELETE FROM positions WHERE song_id = ?", (song_id,))
        return True
