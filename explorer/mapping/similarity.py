"""Finds the songs that sound most like a song: exact cosine similarity of mean-centred vectors.

All OpenL3 vectors point in almost the same direction, so every pair of songs has a high plain cosine. Songs
differ in how they deviate from the library's mean vector, so the mean is subtracted before each comparison.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Protocol, Self

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.unit_rows import FLOAT32_ERROR, as_matrix, centred_unit_rows, unit_rows


class Search(ABC):
    """The search for similar songs in a library.

    Attributes
    ----------
    mean : np.ndarray [shape=(d,), float64]
        The library's mean vector.
    reduced : np.ndarray [shape=(n, c), float32]
        The first principal components of the centred vectors at length 1, as `projection.reduce` returns
        them.
    """

    mean: np.ndarray
    reduced: np.ndarray

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of songs."""

    @property
    @abstractmethod
    def width(self) -> int:
        """The number of values of a vector."""

    @abstractmethod
    def row(self, number: int) -> np.ndarray:
        """Return a song's centred vector at length 1 [shape=(d,), float64]; zeros if it equals the mean."""

    @abstractmethod
    def components_of(self, reduced: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the principal components that reduce the rows of the library to `reduced`.

        Parameters
        ----------
        reduced : np.ndarray [shape=(n, c), float32]
            As `projection.reduce` returns it.

        Returns
        -------
        mean : np.ndarray [shape=(d,), float64]
            The mean of the rows.
        components : np.ndarray [shape=(d, c), float64]
            The reduced row is the difference from that mean, multiplied by these.
        """

    @abstractmethod
    def _ranked(
        self, direction: np.ndarray, k: int, *, skipped: np.ndarray | None, excluded: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the k songs most similar to a direction; there are at least k that are not left out."""

    def nearest(
        self, index: int, k: int = 10, *, skipped: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the songs that are most similar to a song of the library.

        Parameters
        ----------
        index : int
            The song's row.
        k : int
            The number of songs to find; all other songs if the library has fewer.
        skipped : np.ndarray [shape=(n,), bool], optional
            Songs to leave out.

        Returns
        -------
        indices : np.ndarray [shape=(k,), int64]
            Rows of the library, the most similar first, without `index`. Ties are ordered by row.
        similarities : np.ndarray [shape=(k,), float64]
            Centred cosines, -1 to 1; 0 if one of the two vectors equals the mean.

        Raises
        ------
        MappingError
            If the library has no row `index`, or `k` is less than 1.
        """
        row = operator.index(index)
        if not 0 <= row < len(self):
            raise MappingError(f"index={row} is not a row of the library, which has {len(self)} songs")
        return self._nearest(self.row(row), k, skipped=skipped, excluded=row)

    def nearest_to(
        self, vector: np.ndarray, k: int = 10, *, skipped: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the songs that are most similar to a sound from outside the library.

        Parameters
        ----------
        vector : np.ndarray [shape=(d,), float32 or float64]
            The sound's vector, as embedded. This method subtracts the library's mean.
        k : int
            The number of songs to find; all songs if the library has fewer.
        skipped : np.ndarray [shape=(n,), bool], optional
            Songs to leave out.

        Returns
        -------
        indices : np.ndarray [shape=(k,), int64]
            Rows of the library, the most similar first. Ties are ordered by row.
        similarities : np.ndarray [shape=(k,), float64]
            Centred cosines, -1 to 1.

        Raises
        ------
        MappingError
            If the vector has another length than the library's, a value is not finite, or `k` is less than 1.
        """
        return self._nearest(self.direction(vector), k, skipped=skipped)

    def direction(self, vector: np.ndarray) -> np.ndarray:
        """Centre and scale the vector of a sound from outside the library, as the library's rows are.

        Parameters
        ----------
        vector : np.ndarray [shape=(d,), float32 or float64]
            The sound's vector, as embedded.

        Returns
        -------
        np.ndarray [shape=(d,), float64]
            Its difference from the library's mean, scaled to length 1; zeros if it equals the mean.

        Raises
        ------
        MappingError
            If the vector has another length than the library's, or a value is not finite.
        """
        single = as_matrix(np.atleast_2d(np.asarray(vector)), name="vector")
        if single.shape != (1, self.width):
            raise MappingError(
                f"vector has shape {np.shape(vector)}; the library's vectors have ({self.width},)"
            )
        return unit_rows(single, self.mean)[0]

    def _nearest(self, direction, k, *, skipped, excluded=None):
        if k < 1:
            raise MappingError(f"k={k} must be at least 1")
        left_out = 0 if skipped is None else int(np.count_nonzero(skipped))
        if excluded is not None and (skipped is None or not skipped[excluded]):
            left_out += 1
        k = min(k, len(self) - left_out)
        if k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0)
        return self._ranked(direction, k, skipped=skipped, excluded=excluded)


def rank(numbers: np.ndarray, similarities: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k most similar songs, the most similar first; ties are ordered by number."""
    order = np.lexsort((numbers, -similarities))[:k]
    return numbers[order], np.clip(similarities[order], -1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Neighbours(Search):
    """The search for similar songs, with all vectors in memory. For large libraries: `CompactNeighbours`.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        One vector a song, as embedded: not centred. `rows` is a copy; the vectors are not kept.

    Attributes
    ----------
    rows : np.ndarray [shape=(n, d), float32]
        The centred vectors at length 1; read-only.
    mean : np.ndarray [shape=(d,), float64]
        The library's mean vector; read-only.

    Raises
    ------
    MappingError
        If a value is not finite, or `vectors` is not two-dimensional.
    """

    vectors: InitVar[np.ndarray]
    rows: np.ndarray = field(init=False, repr=False)
    mean: np.ndarray = field(init=False, repr=False)

    def __post_init__(self, vectors):
        rows, mean = centred_unit_rows(vectors)
        for name, array in (("rows", rows), ("mean", mean)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __len__(self):
        return len(self.rows)

    @property
    def width(self) -> int:
        """The number of values of a vector."""
        return self.rows.shape[1]

    @cached_property
    def reduced(self) -> np.ndarray:
        """The principal components of the rows: see `Search`."""
        from explorer.mapping.projection import reduce

        return reduce(self.rows)

    def row(self, number: int) -> np.ndarray:
        """Return a song's centred vector at length 1 [shape=(d,), float64]; zeros if it equals the mean."""
        return self.rows[number].astype(np.float64)

    def components_of(self, reduced: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of the rows, and the principal components: see `Search.components_of`."""
        # The components are not stored, but they follow from the rows and their coordinates. The coordinates
        # are uncorrelated, so each component is a weighted sum of the rows.
        weights = np.square(reduced, dtype=np.float64).sum(axis=0)
        components = (self.rows.T @ reduced).astype(np.float64)
        components = np.divide(components, weights, out=np.zeros_like(components), where=weights > 0)
        return self.rows.mean(axis=0, dtype=np.float64), components

    def _ranked(self, direction, k, *, skipped, excluded):
        rough = self.rows @ direction.astype(np.float32)
        if skipped is not None:
            rough[skipped] = -np.inf
        if excluded is not None:
            rough[excluded] = -np.inf
        kth_best = np.partition(rough, len(rough) - k)[-k]
        # Songs that may belong to the k best are compared again in double precision.
        candidates = np.flatnonzero(rough >= kth_best - FLOAT32_ERROR)
        # einsum sums every row in the same order, so identical songs get identical similarities and tie.
        exact = np.einsum("ij,j->i", self.rows[candidates].astype(np.float64), direction)
        return rank(candidates, exact, k)


class VectorSource(Protocol):
    """Anything that returns a library's song ids and vectors, such as a `Database`."""

    def vectors(self, *, dtype: type, song_ids: Sequence[str] | None) -> tuple[list[str], np.ndarray]:
        """Return the ids and one vector of each song, or of the given songs, both in the same order."""


@dataclass(frozen=True, eq=False)
class SongVectors:
    """The vectors of songs, their ids, and the search for similar songs among them.

    Attributes
    ----------
    song_ids : sequence of str, length n
        All different.
    vectors : np.ndarray [shape=(n, d), float32 or float64]
        One vector a song, in the order of `song_ids`, as embedded: not centred.
    """

    song_ids: Sequence[str]
    vectors: np.ndarray

    @classmethod
    def read(cls, library: VectorSource, *, song_ids: Sequence[str] | None = None) -> Self:
        """Read vectors of a library in single precision: 200 MB for 100,000 songs.

        Parameters
        ----------
        song_ids : sequence of str, optional
            Read only the vectors of these songs, by default all.
        """
        return cls(*library.vectors(dtype=np.float32, song_ids=song_ids))

    def __len__(self) -> int:
        return len(self.song_ids)

    @cached_property
    def neighbours(self) -> Neighbours:
        """The search for similar songs; the vectors are centred and scaled at the first use only.

        Raises
        ------
        MappingError
            If a value is not finite.
        """
        return Neighbours(self.vectors)

    @cached_property
    def _row_by_id(self) -> dict[str, int]:
        return {song_id: row for row, song_id in enumerate(self.song_ids)}

    def row_of(self, song_id: str) -> int | None:
        """Return a song's row, or None if the song has no vector."""
        return self._row_by_id.get(song_id)

    def rows_of(self, song_ids: Sequence[str]) -> np.ndarray:
        """Return the row of each song [shape=(m,), int64]; -1 for songs without a vector."""
        return np.array([self._row_by_id.get(song_id, -1) for song_id in song_ids], dtype=np.int64)

    def select(self, song_ids: Sequence[str], *, or_mean: bool = False) -> SongVectors:
        """Return the vectors of some songs, in the order given.

        The selection's neighbours are computed with the mean vector of the selection, not of the library.

        Parameters
        ----------
        or_mean : bool
            Give songs without a vector the mean of the others: they are then similar to no song.

        Raises
        ------
        MappingError
            If a song has no vector, and `or_mean` is false.
        """
        if song_ids == self.song_ids:
            return self
        rows = self.rows_of(song_ids)
        missing = rows < 0
        if missing.any() and not or_mean:
            raise MappingError(f"{song_ids[int(np.argmin(rows))]!r} has no vector")
        if missing.all():
            return SongVectors(song_ids, np.zeros((len(rows), self.vectors.shape[1]), self.vectors.dtype))
        vectors = self.vectors[rows]
        if missing.any():
            vectors[missing] = vectors[~missing].mean(axis=0, dtype=np.float64)
        return SongVectors(song_ids, vectors)
