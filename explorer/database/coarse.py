"""Queries about the first look at a library: the coarse vectors, and which songs have no full vector yet."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np

from explorer.database.records import Song, encode_vector
from explorer.database.song_ids import SongIdTables
from explorer.database.sqlite_errors import damage_error
from explorer.database.state import COARSE, FULL
from explorer.database.vectors import VectorTables
from explorer.library.music_file import READ_VERSION


class CoarseTables(SongIdTables, VectorTables):
    """Queries about the tables coarse_vectors and asked_songs."""

    def choose_coarse_windows(self, count: int) -> int:
        """Return of how many windows the coarse vectors are made: `count`, if the library has none yet.

        Vectors of different numbers of windows cannot be compared, so the first number is kept.
        """
        recorded = self._recorded_windows()
        if recorded and self._value("SELECT EXISTS (SELECT 1 FROM coarse_vectors)"):
            return recorded
        with self.transaction():
            self._store_state("coarse_windows", count)
        return count

    def coarse_windows(self) -> int | None:
        """Return of how many windows the shown vectors are made; None if they are made of all windows."""
        return self._recorded_windows() if self.shows_coarse() else None

    def _recorded_windows(self) -> int | None:
        count = self._state("coarse_windows", int)
        if count is not None and count < 1:
            raise damage_error(self.path, "the number of windows of the coarse vectors is not possible")
        return count

    def count_awaiting_full(self, root_id: int | None = None) -> int:
        """Return how many songs still need a full vector: their files exist, and have not failed.

        Until it is 0, the coarse vectors are shown.
        """
        return self._value(
            f"""SELECT count(*) FROM files
                WHERE {self._has_vector(COARSE)} AND NOT {self._has_vector(FULL)} AND gone_since IS NULL
                    AND ?1 IN (root_id, 0)
                    AND NOT EXISTS (
                        SELECT 1 FROM failures
                        WHERE failures.root_id = files.root_id AND failures.path = files.path
                    )""",
            (root_id or 0,),
        )

    def first_look(self) -> dict:
        """Return the fields of `VectorCounts`, and how many songs are `awaiting` a full vector."""
        with self.snapshot():
            return asdict(self.vector_counts()) | {"awaiting": self.count_awaiting_full()}

    def is_ready_for_full(self) -> bool:
        """Return whether the coarse vectors are shown and the full ones can replace them."""
        with self.snapshot():
            return self.shows_coarse() and not self.count_awaiting_full() and self.vector_counts().full > 0

    def asked_paths(self, root_id: int) -> list[bytes]:
        """Return the files of a root whose songs were asked for and have no full vector, in that order."""
        rows = self._rows(
            f"""SELECT files.path FROM asked_songs JOIN files USING (song_id)
                WHERE root_id = ? AND NOT {self._has_vector(FULL, "asked_songs.song_id")} ORDER BY number""",
            (root_id,),
        )
        return [path for (path,) in rows]

    def vectors_of(self, song_id: str) -> dict[str, np.ndarray | None]:
        """Return a song's full and coarse vectors, under `FULL` and `COARSE`: [shape=(512,), float64]."""
        return {
            which: self._vector(song_id, table)
            if self._value(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE song_id = ?)", (song_id,))
            else None
            for which, table in ((FULL, "songs_vectors"), (COARSE, "coarse_vectors"))
        }

    def store_coarse_vector(self, song_id: str, vector: np.ndarray) -> None:
        """Store a known song's coarse vector, unless the song was deleted."""
        with self.transaction():
            if self._value("SELECT EXISTS (SELECT 1 FROM songs WHERE id = ?)", (song_id,)):
                self._store_vector(song_id, encode_vector(vector), table="coarse_vectors")

    def complete_song(self, root_id: int, song: Song, vector: np.ndarray) -> str | None:
        """Store the full vector of a song that has a coarse one, if its file has not changed since.

        The song's tags stay as they are stored: they may have been decoded since they were read.

        Returns
        -------
        str or None
            The song's id. None if nothing was stored: `Database.store_song` must store the song.
        """
        with self.transaction():
            rows = self._rows(
                f"""SELECT song_id, info, info ->> '$.path' IS NOT NULL
                    FROM files JOIN readable_songs ON id = song_id
                    WHERE root_id = ? AND path = ? AND track = ? AND fingerprint = ? AND read_version = ?
                        AND start_s = ? AND end_s IS ? AND {self._has_vector(COARSE)}""",
                (
                    *(root_id, song.file.path, song.part.track, song.fingerprint, READ_VERSION),
                    *(song.part.start_s, song.part.end_s),
                ),
            )
            if not rows:
                return None
            song_id, text, was_indexed = rows[0]
            if was_indexed:
                info = json.loads(text) | {"duration_ms": round(song.duration_s * 1000)}
                self._rows(
                    "UPDATE songs SET info = ?1 WHERE id = ?2 AND info <> ?1",
                    (json.dumps(info, ensure_ascii=False), song_id),
                )
            self._store_file(song_id, root_id, song)
            self._store_vector(song_id, encode_vector(vector))
            self._rows("DELETE FROM failures WHERE root_id = ? AND path = ?", (root_id, song.file.path))
        return song_id

    def forget_coarse_songs_at(self, root_id: int, path: bytes) -> None:
        """Delete the songs of a file that have no full vector, because the file cannot be read."""
        condition = f"{self._has_vector(COARSE)} AND NOT {self._has_vector(FULL)}"
        self._forget_replaced(f"root_id = ? AND path = ? AND {condition}", (root_id, path))
