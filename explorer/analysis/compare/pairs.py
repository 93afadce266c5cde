"""Finds the closest and the farthest pairs of many songs: exactly, and in blocks to save memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from explorer.errors import AnalysisError
from explorer.mapping.unit_rows import as_matrix

BLOCK_ROWS = 2048
# The largest error of a similarity in single precision. A block that may hold a better pair, given this
# error, is computed again in double precision.
_FLOAT32_ERROR = 4e-6
# Similarities that differ by less count as equal, because the rows are stored in single precision.
_TIE = 1e-7


@dataclass(frozen=True)
class Pairs:
    """Pairs of songs and their similarities.

    Attributes
    ----------
    first, second : np.ndarray [shape=(k,), int64]
        The songs' rows; `first` has the smaller number of each pair.
    similarities : np.ndarray [shape=(k,), float64]
    """

    first: np.ndarray
    second: np.ndarray
    similarities: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def extreme_pairs(
    directions: np.ndarray,
    *,
    count: int = 10,
    block_rows: int = BLOCK_ROWS,
    progress: Callable[[float], None] | None = None,
) -> tuple[Pairs, Pairs]:
    """Find the most similar and the least similar pairs of songs.

    Every similarity is computed, but only one block of them is in memory at a time: 100,000 songs need about
    130 MB besides their vectors, not 40 GB.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, d), float32 or float64]
        Unit vectors; the similarity of two songs is their dot product.
    count : int
        The number of closest and of farthest pairs; fewer come back if there are fewer pairs.
    block_rows : int
        The number of rows and of columns of a block.
    progress : callable, optional
        Called with the share done, from 0.0 to 1.0.

    Returns
    -------
    closest, farthest : Pairs
        The most similar pair first, and the least similar pair first; equally similar pairs by row number.

    Raises
    ------
    AnalysisError
        If `count` is negative or `block_rows` is less than 1.
    MappingError
        If `directions` is not two-dimensional, or a value is not finite.
    """
    if count < 0 or block_rows < 1:
        raise AnalysisError(f"count={count} must be at least 0, and block_rows={block_rows} at least 1.")
    directions = as_matrix(directions, name="directions")
    closest, farthest = _TopPairs(count, 1.0), _TopPairs(count, -1.0)
    starts = range(0, len(directions), block_rows)
    blocks = list(combinations_with_replacement(starts, 2)) if count else []
    for done, (row_start, column_start) in enumerate(blocks, 1):
        left = directions[row_start : row_start + block_rows]
        right = directions[column_start : column_start + block_rows]
        approximate = left @ right.T
        # On the diagonal: no song is paired with itself, and each pair counts once.
        is_pair = (
            np.triu(np.ones(approximate.shape, dtype=bool), k=1) if row_start == column_start else np.True_
        )
        improving = [top for top in (closest, farthest) if top.may_improve(approximate, is_pair)]
        exact = left.astype(np.float64) @ right.T.astype(np.float64) if improving else None
        for top in improving:
            top.add_block(np.where(is_pair, top.sign * exact, -np.inf), row_start, column_start)
        if progress:
            progress(done / len(blocks))
    return closest.pairs(), farthest.pairs()


class _TopPairs:
    """The `count` pairs with the largest scores so far. A score is the similarity times `sign` (1 or -1)."""

    def __init__(self, count: int, sign: float):
        self.count, self.sign = count, sign
        self.scores = np.empty(0)
        self.first = self.second = np.empty(0, dtype=np.int64)

    def may_improve(self, approximate: np.ndarray, is_pair: np.ndarray) -> bool:
        """Tell whether a block of similarities in single precision may hold a better pair."""
        lowest = self.scores[-1] if len(self.scores) == self.count else -np.inf
        highest = (self.sign * approximate).max(where=is_pair, initial=-np.inf)
        # No score exceeds 1: once all pairs score 1, none is better.
        return highest + _FLOAT32_ERROR > lowest + _TIE and lowest < 1.0 - _TIE

    def add_block(self, scores: np.ndarray, row_start: int, column_start: int) -> None:
        """Merge a block of scores [shape=(a, b)]; an element that is not a pair is -inf."""
        flat = scores.ravel()
        candidates = np.arange(len(flat))
        if len(flat) > self.count:
            candidates = np.argpartition(flat, -self.count)[-self.count :]
            # If several pairs tie for the last places, argpartition keeps any of them; the first are wanted.
            tied = np.flatnonzero(flat >= flat[candidates].min() - _TIE)[: self.count]
            candidates = np.union1d(candidates, tied)
        candidates = candidates[np.isfinite(flat[candidates])]
        row, column = np.divmod(candidates, scores.shape[1])
        merged = np.concatenate([self.scores, flat[candidates]])
        first = np.concatenate([self.first, row + row_start])
        second = np.concatenate([self.second, column + column_start])
        order = np.lexsort((second, first, -np.rint(merged / _TIE)))[: self.count]
        self.scores, self.first, self.second = merged[order], first[order], second[order]

    def pairs(self) -> Pairs:
        """Return the pairs with their similarities."""
        return Pairs(self.first, self.second, np.clip(self.sign * self.scores, -1.0, 1.0))
