"""The closest and the farthest pairs of many songs: exact, and in blocks so that memory stays small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.errors import AnalysisError
from explorer.mapping.neighbours import as_matrix

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
    best, worst = _Best(count), _Best(count)
    starts = range(0, len(rows), block_rows) if count else range(0)
    steps, done = len(starts) * (len(starts) + 1) // 2, 0
    for start in starts:
        left = rows[start : start + block_rows]
        for other in starts[start // block_rows :]:
            _look(left, start, rows[other : other + block_rows], other, best, worst)
            done += 1
            if progress:
                progress(done / steps)
    return best.pairs(sign=1.0), worst.pairs(sign=-1.0)


class _Best:
    """The pairs with the largest scores so far."""

    def __init__(self, count: int):
        self.count = count
        self.scores = np.empty(0)
        self.first = self.second = np.empty(0, dtype=np.int64)

    @property
    def least(self) -> float:
        """What a pair must exceed to be of interest."""
        return self.scores[-1] if len(self.scores) == self.count else -np.inf

    def may_grow(self, highest: float, slack: float) -> bool:
        """Tell whether a block whose largest score is known but for `slack` may hold a better pair."""
        return highest + slack > self.least + _EQUAL and self.least < 1.0 - _EQUAL

    def take(self, scores: np.ndarray, start: int, other: int) -> None:
        """Look through a block of scores [shape=(a, b)], -inf where there is no pair."""
        flat = scores.ravel()
        if len(flat) > self.count:
            places = np.argpartition(flat, len(flat) - self.count)[-self.count :]
            # Of pairs that tie at the end, the first ones: argpartition takes any.
            tied = np.flatnonzero(flat >= flat[places].min() - _EQUAL)[: self.count]
            places = np.union1d(places, tied)
        else:
            places = np.arange(len(flat))
        places = places[np.isfinite(flat[places])]
        row, column = np.divmod(places, scores.shape[1])
        merged = np.concatenate([self.scores, flat[places]])
        first = np.concatenate([self.first, row + start])
        second = np.concatenate([self.second, column + other])
        order = np.lexsort((second, first, -np.rint(merged / _EQUAL)))[: self.count]
        self.scores, self.first, self.second = merged[order], first[order], second[order]

    def pairs(self, *, sign: float) -> Pairs:
        """Return what was found, with the scores turned back into similarities."""
        return Pairs(self.first, self.second, np.clip(sign * self.scores, -1.0, 1.0))


def _look(left, start, right, other, best, worst):
    rough = left @ right.T
    if start == other:
        # A song is no pair with itself, and each pair is wanted once.
        there = np.triu(np.ones(rough.shape, dtype=bool), k=1)
        if not there.any():
            return
        lowest, highest = rough[there].min(), rough[there].max()
    else:
        there = None
        lowest, highest = rough.min(), rough.max()
    grow = best.may_grow(highest, _FLOAT32_ERROR), worst.may_grow(-lowest, _FLOAT32_ERROR)
    if not any(grow):
        return
    exact = left.astype(np.float64) @ right.T.astype(np.float64)
    for wanted, heap, sign in zip(grow, (best, worst), (1.0, -1.0), strict=True):
        if wanted:
            scores = sign * exact
            if there is not None:
                scores[~there] = -np.inf
            heap.take(scores, start, other)
