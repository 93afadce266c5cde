"""Queries about the songs' vectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from explorer.database.records import VECTOR_SIZE, are_possible, decode_vector, read_vector, read_vectors
from explorer.database.sqlite_errors import damage_error
from explorer.database.state import StateTables
from explorer.errors import SongNotFoundError
from explorer.util.commands import command_line

_ROWS_AT_ONCE = 4_096
_MAX_ASKED = 500
_HAS_SONG = "EXISTS (SELECT 1 FROM songs WHERE id = song_id)"
"""This leaves out vectors without a song: other programs may delete a song and not its vector. With IN,
SQLite would walk over all songs to find a few vectors."""


@dataclass(frozen=True)
class VectorCounts:
    """How far the vectors of a library are.

    Attributes
    ----------
    songs : int
        Songs with a coarse or a full vector.
    coarse, full : int
        Songs with a coarse vector, and with a full vector.
    shows_coarse : bool
        Whether the map is made of the coarse vectors.
    """

    songs: int
    coarse: int
    full: int
    shows_coarse: bool


class VectorTables(StateTables):
    """Queries about the tables songs_vectors and coarse_vectors.

    A full vector is the maximum over all windows of a song, a coarse one the maximum over a few. They are
    never compared with each other: the shown vectors, of which the map, neighbours and clusters are made, are
    all coarse or all full.
    """

    def show_coarse(self, is_coarse: bool) -> None:
        """Choose which vectors are shown. Full vectors replace the coarse ones, which are deleted."""
        with self.transaction():
            self._store_state("shown_vectors", "coarse" if is_coarse else "full")
            if not is_coarse:
                self._rows("DELETE FROM coarse_vectors")
                self._rows("DELETE FROM asked_songs")

    def store_asked_songs(self, song_ids: Sequence[str]) -> None:
        """Store that somebody has played or selected songs. Only songs without a full vector are kept."""
        with self.transaction():
            self._rows(
                """INSERT OR IGNORE INTO asked_songs(song_id)
                   SELECT songs.id FROM json_each(?) AS asked JOIN songs ON songs.id = asked.value""",
                (json.dumps(list(song_ids)),),
            )
            self._rows(
                """DELETE FROM asked_songs WHERE song_id IN (SELECT song_id FROM songs_vectors)
                   OR number <= (SELECT max(number) FROM asked_songs) - ?""",
                (_MAX_ASKED,),
            )

    def vector_counts(self) -> VectorCounts:
        """Return how far the vectors are."""
        with_vector = "SELECT song_id FROM songs_vectors UNION SELECT song_id FROM coarse_vectors"
        with self.snapshot():
            return VectorCounts(
                songs=self._value(f"SELECT count(*) FROM songs WHERE id IN ({with_vector})"),
                coarse=self._value("SELECT count(*) FROM coarse_vectors"),
                full=self._value(f"SELECT count(*) FROM songs_vectors WHERE {_HAS_SONG}"),
                shows_coarse=self.shows_coarse(),
            )

    def vector(self, song_id: str) -> np.ndarray:
        """Return a song's shown vector [shape=(512,), float64].

        Raises
        ------
        LibraryError
            If the song has no vector, or the vector is damaged.
        """
        with self.snapshot():
            return self._vector(song_id, self._shown_table)

    def _vector(self, song_id: str, table: str) -> np.ndarray:
        rows = self._unchecked_rows(f"SELECT embedding FROM {table} WHERE song_id = ?", (song_id,))
        if not rows:
            raise SongNotFoundError(
                f"{song_id!r} has no vector yet: run "
                f"`{command_line('index FOLDER', database=self.path)}` to embed it."
            )
        return decode_vector(rows[0][0], song_id=song_id)

    def vectors(
        self,
        *,
        dtype: type = np.float64,
        song_ids: Sequence[str] | None = None,
        full: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[list[str], np.ndarray]:
        """Return all shown vectors, or those of the given songs, ordered by song id.

        A damaged vector is left out, and recorded in `left_out`.

        Parameters
        ----------
        dtype : type
            The type of the result. np.float32 takes half the memory of np.float64: 2 GB for a million songs.
        song_ids : sequence of str, optional
            Songs without a vector are left out.
        full : bool
            Return the full vectors, also while the coarse ones are shown.
        progress : callable, optional
            Called with the share that was read, from 0.0 to 1.0.

        Returns
        -------
        song_ids : list of str, length n
        vectors : np.ndarray [shape=(n, 512), dtype]
            All values are finite.
        """
        with self.snapshot():
            table = "songs_vectors" if full else self._shown_table
            condition, parameters = _HAS_SONG, ()
            if song_ids is not None:
                condition += " AND song_id IN (SELECT value FROM json_each(?))"
                parameters = (json.dumps(list(song_ids)),)
            count = self._value(f"SELECT count(*) FROM {table} WHERE {condition}", parameters)
            vectors = np.empty((count, VECTOR_SIZE), dtype=dtype)
            ids: list[str] = []
            rows = self._iterate_song_rows(
                f"SELECT song_id, embedding FROM {table} WHERE {condition} ORDER BY song_id", parameters
            )
            with np.errstate(over="ignore", invalid="ignore"):
                while block := list(islice(rows, _ROWS_AT_ONCE)):
                    block_ids, decoded = self._decode(block)
                    if len(ids) + len(block) > count or not _are_ascending(
                        ids[-1:] + [row[0] for row in block]
                    ):
                        raise damage_error(self.path, "the vectors are not in the order of their ids")
                    vectors[len(ids) : len(ids) + len(block_ids)] = decoded
                    ids += block_ids
                    if progress:
                        progress(len(ids) / count)
        return self._without_invalid(ids, vectors[: len(ids)])

    def vector_blocks(self, *, dtype: type = np.float32) -> Iterator[tuple[list[str], np.ndarray]]:
        """Yield the ids and shown vectors of some songs at a time, in the order of the file.

        A large library is read faster in this order than in that of the ids. A damaged vector is left out,
        and recorded in `left_out`.
        """
        with self.snapshot():
            rows = self._iterate_song_rows(
                f"SELECT song_id, embedding FROM {self._shown_table} WHERE {_HAS_SONG}"
            )
            with np.errstate(over="ignore", invalid="ignore"):
                while block := list(islice(rows, _ROWS_AT_ONCE)):
                    ids, decoded = self._decode(block)
                    yield self._without_invalid(ids, decoded.astype(dtype))

    def _decode(self, rows: list[tuple[str, object]]) -> tuple[list[str], np.ndarray]:
        """Decode the vectors of some songs; damaged ones are left out."""
        decoded = read_vectors([blob for _, blob in rows])
        if decoded is not None:
            return [song_id for song_id, _ in rows], decoded
        ids, vectors = [], np.empty((len(rows), VECTOR_SIZE))
        for song_id, blob in rows:
            try:
                vectors[len(ids)] = read_vector(blob)
            except ValueError as error:
                self._leave_out(song_id, f"its vector is damaged: {error}")
            else:
                ids.append(song_id)
        return ids, vectors[: len(ids)]

    def _without_invalid(self, ids: list[str], vectors: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Leave out the vectors with values that no sound has."""
        invalid: list[int] = []
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            invalid += (
                start + np.flatnonzero(~are_possible(vectors[start : start + _ROWS_AT_ONCE]))
            ).tolist()
        if not invalid:
            return ids, vectors
        for row in invalid:
            self._leave_out(ids[row], "its vector is damaged: a value is not finite, or too large")
        kept = np.delete(np.arange(len(ids)), invalid)
        return [ids[row] for row in kept], vectors[kept]

    def count_vectors(self) -> int:
        """Return how many songs have a shown vector."""
        with self.snapshot():
            return self._value(f"SELECT count(*) FROM {self._shown_table} WHERE {_HAS_SONG}")

    def _store_vector(self, song_id: str, blob: bytes, *, table: str = "songs_vectors") -> None:
        """Store an encoded vector. If it replaces a different vector, drop that one first."""
        before = self._value(f"SELECT embedding FROM {table} WHERE song_id = ?", (song_id,))
        if before == blob:
            return
        if before is not None:
            self._drop_vector(song_id, table)
        self._rows(f"INSERT INTO {table} VALUES (?, ?)", (song_id, blob))
        if table == "songs_vectors":
            self._rows("DELETE FROM asked_songs WHERE song_id = ?", (song_id,))

    def _drop_vector(self, song_id: str, table: str) -> None:
        """Delete a vector, and the song's positions on the map if the map was made of it."""
        self._rows(f"DELETE FROM {table} WHERE song_id = ?", (song_id,))
        if table == self._shown_table and self._connection.changes():
            self._rows("DELETE FROM positions WHERE song_id = ?", (song_id,))


def _are_ascending(ids: Sequence[str]) -> bool:
    return all(before < after for before, after in pairwise(ids))
