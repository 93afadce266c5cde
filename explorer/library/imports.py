"""Songs that come from another database: stored as it has them, with their sound where that was found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from explorer.library.genre_choices import GenreTables
from explorer.library.records import KnownFile, ScannedFile, absolute_path, encode_vector
from explorer.library.vectors import VectorTables


@dataclass(frozen=True)
class Clip:
    """The sound of a song that is in another database.

    Attributes
    ----------
    file : ScannedFile
        Relative to its root.
    fingerprint : str
    format : str
        Container and codec, as `Song.format`.
    duration_s : float
    """

    file: ScannedFile
    fingerprint: str
    format: str
    duration_s: float


class ImportTables(GenreTables, VectorTables):
    """What is written for a song that was not indexed here."""

    def store_imported(
        self,
        song_id: str,
        info: str,
        genres: Iterable[str],
        vector: np.ndarray | None,
    ) -> bool:
        """Store a song as another database has it, beside or over what is known of it.

        Parameters
        ----------
        info : str
            A JSON object.
        vector : np.ndarray [shape=(512,), float64] or None
            None for a song that was never embedded.

        Returns
        -------
        bool
            Whether anything changed that the map shows.
        """
        genres = tuple(genres)
        with self.transaction():
            before = self._value("SELECT info FROM songs WHERE id = ?", (song_id,))
            known = self.genres_of(song_id)
            changed = before != info or known != genres
            if changed:
                self._rows(
                    "INSERT INTO songs VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET info = excluded.info",
                    (song_id, info),
                )
                self._store_genres(song_id, genres)
            if vector is None:
                changed |= self._value("SELECT 1 FROM songs_vectors WHERE song_id = ?", (song_id,)) == 1
                self._rows("DELETE FROM songs_vectors WHERE song_id = ?", (song_id,))
                self._rows("DELETE FROM positions WHERE song_id = ?", (song_id,))
            else:
                changed |= self._store_vector(song_id, encode_vector(vector))
        return changed

    def store_clip(self, song_id: str, root_id: int, clip: Clip) -> None:
        """Store where the sound of an imported song is, under a root."""
        file = clip.file
        with self.transaction():
            self._store_clip(song_id, root_id, file, clip)

    def forget_clip(self, song_id: str) -> None:
        """Drop what is known of a song's file: it is not there any more."""
        with self.transaction():
            self._rows("DELETE FROM files WHERE song_id = ?", (song_id,))

    def _store_clip(self, song_id: str, root_id: int, file: ScannedFile, clip: Clip) -> None:
        # Another song may have had it until now.
        self._rows("DELETE FROM files WHERE root_id = ? AND path = ?", (root_id, file.path))
        self._rows(
            """INSERT OR REPLACE INTO files(
                   song_id, root_id, path, size_bytes, modified_ns, fingerprint, format, duration_s
               ) VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                song_id,
                root_id,
                file.path,
                file.size_bytes,
                file.modified_ns,
                clip.fingerprint,
                clip.format,
                float(clip.duration_s),
            ),
        )

    def clips(self) -> dict[str, tuple[str, KnownFile]]:
        """Return, for each song with a file, the file's absolute path and what is remembered of it."""
        rows = self._rows(
            """SELECT song_id, roots.path, files.path, size_bytes, modified_ns
               FROM files JOIN roots ON roots.id = root_id"""
        )
        return {
            song_id: (str(absolute_path(root, path)), KnownFile(size_bytes, modified_ns, song_id, False))
            for song_id, root, path, size_bytes, modified_ns in rows
        }

    def song_ids(self) -> list[str]:
        """Return the ids of all songs, those without a vector too."""
        return [song_id for (song_id,) in self._rows("SELECT id FROM songs ORDER BY id")]

    def imported_songs(self) -> set[str]:
        """Return the songs that came from another database: what is indexed here says in which file it is."""
        return {
            song_id
            for (song_id,) in self._rows("SELECT id FROM readable_songs WHERE info ->> '$.path' IS NULL")
        }

    def was_imported(self, song_id: str) -> bool:
        """Tell whether a song came from another database."""
        sql = "SELECT info ->> '$.path' IS NULL FROM readable_songs WHERE id = ?"
        return self._value(sql, (song_id,)) == 1

    def forget_songs(self, song_ids: Iterable[str]) -> None:
        """Drop songs, with all that is known of them."""
        with self.transaction():
            for song_id in song_ids:
                self._rows("DELETE FROM songs WHERE id = ?", (song_id,))

    def origin(self) -> dict | None:
        """Return what this library was last brought in step with, as `store_origin` was told."""
        return json.loads(self._value("SELECT value FROM state WHERE key = 'origin'") or "null")

    def store_origin(self, origin: dict) -> None:
        """Remember what state of another database this library is in step with."""
        with self.transaction():
            self._rows("INSERT OR REPLACE INTO state VALUES ('origin', ?)", (json.dumps(origin),))
