"""Finds the songs that sound most like a song in a large library, whose vectors are not held in memory.

The result is the same as that of `similarity.Neighbours`, in a third of its memory. Three stages compare a
sound with fewer and fewer songs. None loses a song of the result: each knows an upper bound for the
similarity of every song that it leaves out.

1. All songs, by their first principal components. What these leave out of two vectors adds at most the
   product of the lengths of the two rests (Cauchy-Schwarz).
2. The songs whose bound is high enough, by all 512 values, which are held in 8 bits. The error of each
   rounded vector is known.
3. The songs whose bound is still high enough, by their stored vectors, as exactly as `Neighbours` does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from explorer.mapping.similarity import Search, rank
from explorer.mapping.unit_rows import FLOAT32_ERROR, unit_rows

COMPONENTS = 50
"""As many as maps are made of: `projection.MAP_COMPONENTS`."""

_SONGS_FOR_COMPONENTS = 100_000
"""The principal components are those of about this many songs, evenly spread: more songs give the same."""

_MIN_RELATIVE_VARIANCE = 1e-5
"""A component with a smaller share of the largest variance may be a rounding error."""

_LIKELIEST = 2_048
"""How many songs are compared first, to find a lower bound for the k-th best similarity."""

_BLOCK_ROWS = 1_024
_PRODUCT_ROWS = 128
"""A product of more rows with a vector is computed by several threads, which mostly wait for each other."""

_ROWS_AT_ONCE = 256
"""How many vectors are read from the library at once."""


class NumberedVectors(Protocol):
    """The vectors of a library's songs, which are numbered from 0."""

    def __len__(self) -> int:
        """Return the number of songs."""

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the numbers of some songs [shape=(m,), int64], and their vectors [shape=(m, d), float32].

        Each song is in one block at most. A song without a vector is similar to no song.
        """

    def read(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of these songs that have a vector, ascending, and the vectors."""


class CompactNeighbours(Search):
    """The search for similar songs in a large library.

    Parameters
    ----------
    source : NumberedVectors
        All its blocks are read twice here. Each search reads the vectors of some songs.
    size : int
        The number of values of a vector.

    Attributes
    ----------
    mean : np.ndarray [shape=(d,), float64]
        The mean of all vectors.
    reduced : np.ndarray [shape=(n, c), float32]
        The first principal components of the centred vectors at length 1, nearly as `projection.reduce`
        returns them.
    """

    def __init__(self, source: NumberedVectors, *, size: int = 512) -> None:
        self._source = source
        self.mean = _mean_of(source, size)
        # A rounded row is `_codes` times `_scales`; `_errors` is the length of what was rounded off.
        self._codes = np.zeros((len(source), size), dtype=np.int8)
        self._scales = np.zeros(len(source), dtype=np.float32)
        self._errors = np.zeros(len(source), dtype=np.float32)
        for numbers, vectors in source.blocks():
            self._round(numbers, unit_rows(vectors, self.mean).astype(np.float32))
        self._mean_row, self._axes = self._find_components()
        self.reduced = np.zeros((len(source), self._axes.shape[1]), dtype=np.float32)
        # The length of what the components leave out of each rounded row.
        self._rests = np.zeros(len(source), dtype=np.float32)
        self._reduce()

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def width(self) -> int:
        """The number of values of a vector."""
        return self._codes.shape[1]

    def components_of(self, _reduced: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of the rows, and the principal components: see `Neighbours.components_of`."""
        return self._mean_row.astype(np.float64), self._axes.astype(np.float64)

    # Making

    def _round(self, numbers: np.ndarray, rows: np.ndarray) -> None:
        scales = np.abs(rows).max(axis=1, keepdims=True) / np.float32(127)
        codes = np.rint(np.divide(rows, scales, out=np.zeros_like(rows), where=scales > 0))
        self._codes[numbers] = codes
        self._scales[numbers] = scales[:, 0]
        self._errors[numbers] = np.linalg.norm(rows - codes * scales, axis=1) + np.float32(FLOAT32_ERROR)

    def _rounded(self, numbers: np.ndarray | slice) -> np.ndarray:
        """Return rounded rows [shape=(m, d), float32]."""
        return self._codes[numbers] * self._scales[numbers, None]

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, len(self), _BLOCK_ROWS):
            yield slice(start, start + _BLOCK_ROWS)

    def _find_components(self) -> tuple[np.ndarray, np.ndarray]:
        sample = np.arange(0, len(self), max(1, len(self) // _SONGS_FOR_COMPONENTS))
        total, products = np.zeros(self.width), np.zeros((self.width, self.width))
        for start in range(0, len(sample), _BLOCK_ROWS):
            rows = self._rounded(sample[start : start + _BLOCK_ROWS])
            total += rows.sum(axis=0, dtype=np.float64)
            products += rows.T @ rows
        mean = total / max(len(sample), 1)
        variances, axes = np.linalg.eigh(products / max(len(sample), 1) - np.outer(mean, mean))
        n_varying = int(np.count_nonzero(variances > _MIN_RELATIVE_VARIANCE * variances[-1]))
        axes = axes[:, ::-1][:, : min(max(2, n_varying), COMPONENTS)]
        # As `projection.reduce` does, so that a map is not mirrored on another machine.
        signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0))
        return mean.astype(np.float32), np.ascontiguousarray(axes * signs, dtype=np.float32)

    def _reduce(self) -> None:
        for block in self._blocks():
            centred = self._rounded(block) - self._mean_row
            self.reduced[block] = centred @ self._axes
            squares = (np.einsum("ij,ij->i", part, part) for part in (centred, self.reduced[block]))
            self._rests[block] = np.sqrt(np.maximum(np.subtract(*squares), 0) + np.float32(FLOAT32_ERROR))

    # Searching

    def row(self, number: int) -> np.ndarray:
        """Return a song's centred vector at length 1 [shape=(d,), float64]; zeros if it has none."""
        return self._exact_rows(np.array([number]))[0]

    def _exact_rows(self, numbers: np.ndarray) -> np.ndarray:
        """Return the exact rows of songs [shape=(m, d), float64], given their numbers in ascending order.

        Where a vector cannot be read any more, the row is the rounded one.
        """
        rows = self._rounded(numbers).astype(np.float64)
        found, vectors = self._source.read(numbers)
        is_known = self._scales[found] > 0
        exact = unit_rows(vectors[is_known], self.mean).astype(np.float32)
        rows[np.searchsorted(numbers, found[is_known])] = exact
        return rows

    def _ranked(
        self, direction: np.ndarray, k: int, *, skipped: np.ndarray | None, excluded: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        numbers, bounds = self._candidates(direction, k, skipped=skipped, excluded=excluded)
        exact = np.empty(0)
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            if start >= k and np.partition(exact, -k)[-k] > bounds[start]:
                break
            block = np.sort(numbers[start : start + _ROWS_AT_ONCE])
            numbers[start : start + _ROWS_AT_ONCE] = block
            # einsum sums every row in the same order, so identical songs get identical similarities and tie.
            exact = np.append(exact, np.einsum("ij,j->i", self._exact_rows(block), direction))
        return rank(numbers[: len(exact)], exact, k)

    def _candidates(
        self, direction: np.ndarray, k: int, *, skipped: np.ndarray | None, excluded: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return songs among which are the k best, with upper bounds of their similarities, highest first."""
        direction = direction.astype(np.float32)
        bounds = self._first_bounds(direction)
        if skipped is not None:
            bounds[skipped] = -np.inf
        if excluded is not None:
            bounds[excluded] = -np.inf
        first = max(0, len(bounds) - max(k, _LIKELIEST))
        likeliest = np.argpartition(bounds, first)[first:]
        likeliest = likeliest[bounds[likeliest] > -np.inf]
        least = self._products(likeliest, direction) - self._errors[likeliest]
        kth_best = np.partition(least, -k)[-k]
        numbers = np.flatnonzero(bounds >= kth_best - FLOAT32_ERROR)
        numbers = numbers[np.argsort(-bounds[numbers])]
        products = np.empty(0, dtype=np.float32)
        for start in range(0, len(numbers), _BLOCK_ROWS):
            if bounds[numbers[start]] < kth_best - FLOAT32_ERROR:
                break
            block = numbers[start : start + _BLOCK_ROWS]
            products = np.append(products, self._products(block, direction))
            least = products - self._errors[numbers[: len(products)]]
            if len(least) >= k:
                kth_best = max(kth_best, np.partition(least, -k)[-k])
        numbers = numbers[: len(products)]
        bounds = products + self._errors[numbers] + FLOAT32_ERROR
        is_left = bounds >= kth_best
        order = np.argsort(-bounds[is_left])
        return numbers[is_left][order], bounds[is_left][order]

    def _first_bounds(self, direction: np.ndarray) -> np.ndarray:
        """Return upper bounds of all songs' similarities [shape=(n,), float32], from the components alone."""
        coordinates = direction @ self._axes
        rest = np.linalg.norm(direction - self._axes @ coordinates)
        bounds = self._rests * np.float32(rest)
        for block in self._blocks():
            bounds[block] += self.reduced[block] @ coordinates
        bounds += self._errors
        return bounds + np.float32(self._mean_row @ direction + FLOAT32_ERROR)

    def _products(self, numbers: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Return the products of rounded rows with a direction [shape=(m,), float32]."""
        products = np.empty(len(numbers), dtype=np.float32)
        for start in range(0, len(numbers), _PRODUCT_ROWS):
            block = numbers[start : start + _PRODUCT_ROWS]
            products[start : start + _PRODUCT_ROWS] = self._codes[block].astype(np.float32) @ direction
        return products * self._scales[numbers]


def _mean_of(source: NumberedVectors, size: int) -> np.ndarray:
    total, count = np.zeros(size), 0
    for _, vectors in source.blocks():
        total += vectors.sum(axis=0, dtype=np.float64)
        count += len(vectors)
    return total / max(count, 1)
