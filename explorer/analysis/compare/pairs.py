"""The closest and the farthest pairs of many songs: exact, and in blocks so that memory stays small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from explorer.errors import AnalysisError
from explorer.mapping.similarity import as_matrix

BLOCK_ROWS = 2048
# The single-precision product may misjudge a similarity by this much: what comes so near is computed again.
_FLOAT32_ERROR = 4e-6
# Rows are kept in single precision: songs that are this much alike cannot be told from equal ones.
_EQUAL = 1e-7


@dataclass(frozen=True)
class Pairs:
    """Pairs of songs, and how alike they are.

    Attributes
    ----------
    first, second : np.ndarray [shape=(k,), int64]
        Rows; the smaller number is in `first`.
    similarities : np.ndarray [shape=(k,), float64]
    """

    first: np.ndarray
    second: np.ndarray
    similarities: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def extreme_pairs(
    rows: np.ndarray,
    *,
    count: int = 10,
    block_rows: int = BLOCK_ROWS,
    progress: Callable[[float], None] | None = None,
) -> tuple[Pairs, Pairs]:
    """Find the pairs of songs that are most and least alike, among all of them.

    Every product is computed, but only a block of them is held at a time: 100,000 songs need some
    130 MB beside their vectors, not 40 GB.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32 or float64]
        Vectors of length 1, whose products are the similarities.
    count : int
        How many of each; fewer come back where there are fewer pairs.
    block_rows : int
        How many rows are multiplied with as many others at once.
    progress : callable, optional
        Called with the share done, from 0.0 to 1.0.

    Returns
    -------
    closest, farthest : Pairs
        The most and the least alike first; of pairs that tie, those with the smaller row numbers.

    Raises
    ------
    AnalysisError
        If `count` is negative or `block_rows` is less than 1.
    MappingError
        If `rows` is not two-dimensional, or a value is not finite.
    """
    if count < 0 or block_rows < 1:
        raise AnalysisError(f"count={count} must be at least 0, and block_rows={block_rows} at least 1.")
    rows = as_matrix(rows, name="rows")
    best, worst = _Best(count, 1.0), _Best(count, -1.0)
    blocks = list(combinations_with_replacement(range(0, len(rows), block_rows), 2)) if count else []
    for done, (start, other) in enumerate(blocks, 1):
        left, right = rows[start : start + block_rows], rows[other : other + block_rows]
        rough = left @ right.T
        # A song is no pair with itself, and each pair is wanted once.
        is_pair = np.triu(np.ones(rough.shape, dtype=bool), k=1) if start == other else np.True_
        found = [each for each in (best, worst) if each.may_grow(rough, is_pair)]
        exact = left.astype(np.float64) @ right.T.astype(np.float64) if found else None
        for each in found:
            each.take(np.where(is_pair, each.sign * exact, -np.inf), start, other)
        if progress:
            progress(done / len(blocks))
    return best.pairs(), worst.pairs()


class _Best:
    """The pairs with the largest scores so far: similarities, times -1 where the least are sought."""

    def __init__(self, count: int, sign: float):
        self.count, self.sign = count, sign
        self.scores = np.empty(0)
        self.first = self.second = np.empty(0, dtype=np.int64)

    def may_grow(self, rough: np.ndarray, is_pair: np.ndarray) -> bool:
        """Tell whether a block of similarities in single precision may hold a better pair."""
        least = self.scores[-1] if len(self.scores) == self.count else -np.inf
        highest = (self.sign * rough).max(where=is_pair, initial=-np.inf)
        return highest + _FLOAT32_ERROR > least + _EQUAL and least < 1.0 - _EQUAL

    def take(self, scores: np.ndarray, start: int, other: int) -> None:
        """Look through a block of scores [shape=(a, b)], -inf where there is no pair."""
        flat = scores.ravel()
        places = np.arange(len(flat))
        if len(flat) > self.count:
            places = np.argpartition(flat, -self.count)[-self.count :]
            # Of pairs that tie at the end, the first ones: argpartition takes any.
            tied = np.flatnonzero(flat >= flat[places].min() - _EQUAL)[: self.count]
            places = np.union1d(places, tied)
        places = places[np.isfinite(flat[places])]
        row, column = np.divmod(places, scores.shape[1])
        merged = np.concatenate([self.scores, flat[places]])
        first = np.concatenate([self.first, row + start])
        second = np.concatenate([self.second, column + other])
        order = np.lexsort((second, first, -np.rint(merged / _EQUAL)))[: self.count]
        self.scores, self.first, self.second = merged[order], first[order], second[order]

    def pairs(self) -> Pairs:
        """Return what was found."""
        return Pairs(self.first, self.second, np.clip(self.sign * self.scores, -1.0, 1.0))
