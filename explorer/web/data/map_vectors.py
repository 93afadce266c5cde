"""Reads the vectors of the songs on the map from songs.db, whenever a search needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np

from explorer.database.database import Database


class MapVectors:
    """The vectors of the songs on the map, by number: a `compact_search.NumberedVectors`.

    Parameters
    ----------
    song_ids : sequence of str
        By number.
    open_library : callable
        Opens the library of this map.

    Attributes
    ----------
    has_vector : np.ndarray [shape=(n,), bool]
        Which songs were in `blocks`.
    damaged : set of str
        The ids of the songs whose vectors are damaged, as far as `blocks` has found them.
    """

    def __init__(
        self, song_ids: Sequence[str], open_library: Callable[[], AbstractContextManager[Database]]
    ) -> None:
        self._song_ids, self._open_library = song_ids, open_library
        self.has_vector = np.zeros(len(song_ids), dtype=bool)
        self.damaged: set[str] = set()

    def __len__(self) -> int:
        return len(self._song_ids)

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the numbers of some songs [shape=(m,), int64] and their vectors [shape=(m, 512), float32]."""
        number_of = {song_id: number for number, song_id in enumerate(self._song_ids)}
        with self._open_library() as database:
            for song_ids, vectors in database.vector_blocks():
                numbers = np.array([number_of.get(song_id, -1) for song_id in song_ids], dtype=np.int64)
                is_mapped = numbers >= 0
                self.has_vector[numbers[is_mapped]] = True
                yield numbers[is_mapped], vectors[is_mapped]
            self.damaged.update(database.left_out)

    def read(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of these songs that have a vector now, ascending, and their vectors."""
        number_of = {self._song_ids[number]: number for number in numbers.tolist()}
        with self._open_library() as database:
            song_ids, vectors = database.vectors(dtype=np.float32, song_ids=list(number_of))
        return np.array([number_of[song_id] for song_id in song_ids], dtype=np.int64), vectors
