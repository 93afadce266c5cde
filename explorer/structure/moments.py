"""Compares moments of songs, five seconds each, to find where other songs sound like one moment.

A moment is described by the mean of its windows at length 1. Means over such texture windows are the usual
description of a passage's sound (Tzanetakis & Cook, "Musical genre classification of audio signals", IEEE
Transactions on Speech and Audio Processing 10, 2002). As in audio matching, a passage is compared with all
passages of all songs (Müller, Kurth & Clausen, "Audio matching via chroma-based statistical features",
ISMIR 2005). The similarity of two moments is the cosine of their descriptions.

`MomentSearch` compares in two stages: all moments by their first components, then the best of them by all
components, as Jégou et al. re-rank ("Searching in one billion vectors", ICASSP 2011). Its recall is measured
in benchmarks/moments.py.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from explorer.structure.similarity_matrix import unit_rows
from explorer.structure.song_features import SILENT_LUFS

MOMENT_S = 5.0
"""The length of a moment in seconds."""

WINDOW_S = 1.0
"""The length of a window: window i is the second around `i * step_s`."""

FIRST_COMPONENTS = 16
"""How many components the first stage of a search compares. The components are sorted by their variance."""

CODE_OF_ONE = 127
"""Moments are stored as int8: their components times this number."""

CANDIDATES = 30_000
"""How many moments the second stage of a search compares."""

QUIETEST_LU = 25.0
"""A moment that is quieter than the song's loudest second by more than this counts as silence."""

SILENT_BELOW_LUFS = -50.0
"""Such a moment is silent if it is also quieter than this: a quiet passage of a loud song can be music."""

_THREADS = 2
_BLOCK_ROWS = 8_192
_SAMPLE_ROWS = 65_536


@dataclass(frozen=True)
class Match:
    """The two moments of two songs that sound most alike.

    Attributes
    ----------
    a_s, b_s : float
        Where the moments begin in the first and in the second song, in seconds.
    similarity : float
        The cosine of their descriptions.
    """

    a_s: float
    b_s: float
    similarity: float


def windows_in_moment(step_s: float) -> int:
    """Return how many windows lie in a moment of `MOMENT_S`, at this distance from one to the next."""
    return 1 + max(0, round((MOMENT_S - WINDOW_S) / step_s))


def moments_of(components: np.ndarray, *, step_s: float) -> np.ndarray:
    """Describe each moment of a song.

    Parameters
    ----------
    components : np.ndarray [shape=(n, d), float32]
        The song's windows, as differences from the library's mean window.
    step_s : float
        Seconds from one window to the next.

    Returns
    -------
    np.ndarray [shape=(m, d), float32]
        Rows of length 1; the row is zero if its windows do not differ from the mean. Moment j begins with
        window j. A song shorter than a moment has one, of all its windows.
    """
    units = unit_rows(components)
    length = min(windows_in_moment(step_s), len(units))
    if not length:
        return units
    sums = np.cumsum(units, axis=0, dtype=np.float64)
    sums[length:] -= sums[:-length].copy()
    return unit_rows(sums[length - 1 :].astype(np.float32))


def count_moments(n_windows: int, *, step_s: float) -> int:
    """Return how many moments a song with this many windows has."""
    return max(n_windows - windows_in_moment(step_s) + 1, min(n_windows, 1))


def audible_moments(loudness: np.ndarray, *, count: int, step_s: float) -> np.ndarray:
    """Return which moments of a song are not silent beside the rest of it.

    Parameters
    ----------
    loudness : np.ndarray [shape=(t,), float32]
        In LUFS, one value for each second.
    count : int
        The number of the song's moments.
    step_s : float
        Seconds from one moment to the next.

    Returns
    -------
    np.ndarray [shape=(count,), bool]
        True if the loudest second of a moment is at most `QUIETEST_LU` below the song's loudest second, or
        its loudness is unknown.
    """
    loudness = np.nan_to_num(loudness, nan=-np.inf, posinf=-np.inf, neginf=-np.inf)
    if not len(loudness) or np.isneginf(loudness.max()):
        return np.ones(count, dtype=bool)
    return _with_any(loudness >= loudness.max() - QUIETEST_LU, count=count, step_s=step_s)


def silent_moments(loudness: np.ndarray, *, count: int, step_s: float) -> np.ndarray:
    """Return which moments of a song are silence to a listener, too [shape=(count,), bool].

    Parameters
    ----------
    loudness, count, step_s
        As for `audible_moments`.
    """
    loudest = float(np.max(loudness, initial=SILENT_LUFS))
    is_sound = (loudness >= min(loudest - QUIETEST_LU, SILENT_BELOW_LUFS)) & (loudness > SILENT_LUFS)
    return ~_with_any(is_sound, count=count, step_s=step_s)


def _with_any(is_loud: np.ndarray, *, count: int, step_s: float) -> np.ndarray:
    """Return which moments contain a second that is loud, or none that is known [shape=(count,), bool]."""
    counts = np.concatenate([[0], np.cumsum(is_loud)])
    starts_s = start_of(np.arange(count), step_s=step_s)
    first = np.floor(starts_s).astype(np.int64)
    last = np.minimum(np.ceil(starts_s + MOMENT_S).astype(np.int64), len(is_loud))
    first = np.minimum(first, last)
    return (counts[last] - counts[first] > 0) | (first == last)


def moment_at(at_s: float, *, count: int, step_s: float) -> int:
    """Return which of a song's `count` moments has its middle nearest to a time of the song."""
    first_s = at_s - (MOMENT_S - WINDOW_S) / 2
    return int(np.clip(np.rint(first_s / step_s), 0, count - 1))


def start_of(moment: int | np.ndarray, *, step_s: float) -> float | np.ndarray:
    """Return where a moment begins in its song, in seconds.

    It begins half a window before the middle of its first window.
    """
    return np.maximum(moment * step_s - WINDOW_S / 2, 0.0)


def best_match(
    a: np.ndarray,
    b: np.ndarray,
    *,
    a_step_s: float,
    b_step_s: float,
    a_counts: np.ndarray | None = None,
    b_counts: np.ndarray | None = None,
) -> Match | None:
    """Find the two moments of two songs that sound most alike.

    Parameters
    ----------
    a, b : np.ndarray [shape=(n, d), float32]
        The windows of each song, as for `moments_of`.
    a_step_s, b_step_s : float
        Seconds from one window to the next in each song.
    a_counts, b_counts : np.ndarray [shape=(m,), bool], optional
        Which moments of each song count, such as those that are not silent. If none does, all do.

    Returns
    -------
    Match or None
        The earliest in the first song if several are equally good. None if a song has no window.
    """
    first, second = moments_of(a, step_s=a_step_s), moments_of(b, step_s=b_step_s)
    if not len(first) or not len(second):
        return None
    similarities = first @ second.T
    for counts, part in ((a_counts, similarities), (b_counts, similarities.T)):
        if counts is not None and counts.any():
            part[~counts] = -np.inf
    row, column = np.unravel_index(similarities.argmax(), similarities.shape)
    return Match(
        float(start_of(row, step_s=a_step_s)),
        float(start_of(column, step_s=b_step_s)),
        float(np.clip(similarities[row, column], -1.0, 1.0)),
    )


def encode(rows: np.ndarray) -> np.ndarray:
    """Return rows of length 1 as int8. The cosine with another row changes by about 0.002."""
    return np.rint(rows * CODE_OF_ONE).astype(np.int8)


@dataclass(frozen=True, eq=False)
class MomentSearch:
    """The search for the moments of many songs that sound most like one moment.

    Attributes
    ----------
    codes : np.ndarray [shape=(n, d), int8]
        The moments of all songs, as `encode` returns them: a song's moments are beside each other.
    first : np.ndarray [shape=(n, FIRST_COMPONENTS), int8]
        The first components of `codes`, again: beside each other, they are read four times as fast.
    starts : np.ndarray [shape=(s + 1,), int64]
        The row of each song's first moment, and n.
    """

    codes: np.ndarray
    first: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def nearest(
        self, moment: np.ndarray, *, skipped: np.ndarray | None = None, candidates: int = CANDIDATES
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the moment of each song that sounds most like one moment.

        Parameters
        ----------
        moment : np.ndarray [shape=(d,), float32]
            A row of `moments_of`.
        skipped : np.ndarray [shape=(s,), bool], optional
            Songs to leave out.
        candidates : int
            How many moments to compare by all components. With as many as there are moments, the result is
            exact.

        Returns
        -------
        songs : np.ndarray [shape=(m,), int64]
            The most similar first. Songs whose moments all are worse than the candidates are not in it. Empty
            for a moment of zeros, which is like nothing.
        rows : np.ndarray [shape=(m,), int64]
            The row of the best moment of each.
        similarities : np.ndarray [shape=(m,), float32]
        """
        moment = np.asarray(moment, dtype=np.float32) / CODE_OF_ONE
        rows = self._likely(moment, candidates) if moment.any() else np.zeros(0, dtype=np.int64)
        songs = np.searchsorted(self.starts, rows, side="right") - 1
        if skipped is not None:
            is_asked = ~skipped[songs]
            rows, songs = rows[is_asked], songs[is_asked]
        if not len(rows):
            return songs, rows, np.zeros(0, dtype=np.float32)
        similarities = np.minimum(_products(self.codes, moment, rows), np.float32(1))
        # Rows are in ascending order, so the rows of a song are beside each other.
        order = np.lexsort((-similarities, songs))
        best = order[np.r_[True, np.diff(songs[order]) > 0]]
        best = best[np.argsort(-similarities[best], kind="stable")]
        return songs[best], rows[best], similarities[best]

    def _likely(self, moment: np.ndarray, count: int) -> np.ndarray:
        """Return the rows with the highest products of their first components, about `count`, ascending."""
        n = len(self.first)
        if count >= n:
            return np.arange(n)
        query = moment[: self.first.shape[1]]
        # The least product of the candidates is estimated from a sample of rows: to sort all takes longer.
        sample = np.arange(0, n, max(1, n // _SAMPLE_ROWS))
        products = _products(self.first, query, sample)
        rank = min(len(products) - 1, int(len(products) * (1 - count / n)))
        least = np.partition(products, rank)[rank]

        def above(start: int) -> np.ndarray:
            block = self.first[start : start + _BLOCK_ROWS].astype(np.float32) @ query
            return np.flatnonzero(block >= least) + start

        return np.concatenate(_in_threads(above, range(0, n, _BLOCK_ROWS)))


def _products(codes: np.ndarray, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the products of some rows with a query [shape=(m,), float32]."""

    def of(start: int) -> np.ndarray:
        return codes[rows[start : start + _BLOCK_ROWS]].astype(np.float32) @ query

    return np.concatenate(_in_threads(of, range(0, len(rows), _BLOCK_ROWS)))


def _in_threads(work: Callable[[int], np.ndarray], starts: range) -> list[np.ndarray]:
    """Call `work` with each start, in two threads if there are many; return the results in order."""
    if len(starts) <= _THREADS:
        return [work(start) for start in starts]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, starts))
