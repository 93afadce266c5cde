"""Finds files of one recording in different encodings, such as the FLAC and the MP3 of a song.

Lossy encoding changes the samples, so the sounds differ, but OpenL3's vector hardly changes. The vector alone
is not enough: other songs with the same instruments can have similar vectors. So the titles and the lengths
must be alike too, and only such songs are compared.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from explorer.mapping.similarity import SongVectors, VectorSource

MIN_COSINE = 0.999
"""The cosine of two vectors as stored: the library's mean is not subtracted."""

MAX_DIFFERENCE_S = 1.0
"""An encoder adds some silence at the start and the end."""

MAX_COMPARED = 64
"""With how many of the next longer songs of its title a song is compared: many songs may be "Untitled"."""

_ROWS_AT_ONCE = 4_096


class RecordingSource(VectorSource, Protocol):
    """Anything that returns the titles, lengths and duplicates of a library, such as a `Database`."""

    def titles_and_durations(self) -> Iterable[tuple[str, str, float]]:
        """Return the id, title and duration in seconds of songs with a vector."""

    def duplicates(self) -> Iterable[Sequence[str]]:
        """Return groups of songs with exactly the same sound."""


def same_recordings(library: RecordingSource) -> list[tuple[str, str]]:
    """Return the pairs of songs that are the same recording, but do not have exactly the same sound.

    Their titles are alike (case, accents, spaces and punctuation do not count), their lengths differ by at
    most `MAX_DIFFERENCE_S`, and their vectors have a cosine of at least `MIN_COSINE`.

    Returns
    -------
    list of (str, str)
        Song ids, the lower one first; sorted.

    Raises
    ------
    LibraryError
        If a vector is damaged.
    """
    sound_of = {song_id: number for number, group in enumerate(library.duplicates()) for song_id in group}
    pairs = sorted(
        (min(pair), max(pair))
        for pair in _alike(library.titles_and_durations())
        if sound_of.get(pair[0], -1) != sound_of.get(pair[1], -2)
    )
    if not pairs:
        return []
    vectors = SongVectors.read(library, song_ids=sorted({song_id for pair in pairs for song_id in pair}))
    rows = np.array([vectors.rows_of(pair) for pair in pairs])
    is_same = np.concatenate(
        [
            _cosines(vectors.vectors, rows[start : start + _ROWS_AT_ONCE]) >= MIN_COSINE
            for start in range(0, len(rows), _ROWS_AT_ONCE)
        ]
    )
    return [pair for pair, same in zip(pairs, is_same, strict=True) if same]


def count_same_recordings(library: RecordingSource) -> int:
    """Count the songs that are another encoding of a song; one song of each recording is not counted."""
    return len({second for _, second in same_recordings(library)})


def _alike(songs: Iterable[tuple[str, str, float]]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of songs with alike titles and lengths."""
    by_title: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for song_id, title, duration_s in songs:
        by_title[folded_title(title)].append((duration_s, song_id))
    for same_title in by_title.values():
        same_title.sort()
        for number, (duration_s, song_id) in enumerate(same_title):
            for longer_s, other_id in same_title[number + 1 : number + 1 + MAX_COMPARED]:
                if longer_s > duration_s + MAX_DIFFERENCE_S:
                    break
                yield song_id, other_id


class AlikeSongs:
    """Which songs have alike titles and lengths, so that they may be the same recording.

    Parameters
    ----------
    songs : iterable of (int, str, float)
        The number, title and duration in seconds of each song.
    """

    def __init__(self, songs: Iterable[tuple[int, str, float]]) -> None:
        numbers, titles, durations = array("i"), array("q"), array("d")
        for number, title, duration_s in songs:
            numbers.append(number)
            # Two titles of a library hardly ever have the same hash of 64 bits.
            titles.append(hash(folded_title(title)))
            durations.append(duration_s)
        self._numbers, self._titles, self._durations = map(np.array, (numbers, titles, durations))
        order = np.lexsort((self._numbers, self._durations, self._titles))
        for name in ("_numbers", "_titles", "_durations"):
            setattr(self, name, getattr(self, name)[order])
        self._by_number = np.argsort(self._numbers)

    def of(self, number: int) -> list[int]:
        """Return the numbers of the songs that `same_recordings` compares with a song."""
        found = np.searchsorted(self._numbers, number, sorter=self._by_number)
        place = int(self._by_number[found]) if found < len(self._numbers) else -1
        if place < 0 or self._numbers[place] != number:
            return []
        start, end = (np.searchsorted(self._titles, self._titles[place], side) for side in ("left", "right"))
        longer = np.arange(place + 1, min(end, place + 1 + MAX_COMPARED))
        shorter = np.arange(max(start, place - MAX_COMPARED), place)
        alike = np.concatenate(
            [
                shorter[self._durations[place] <= self._durations[shorter] + MAX_DIFFERENCE_S],
                longer[self._durations[longer] <= self._durations[place] + MAX_DIFFERENCE_S],
            ]
        )
        return np.sort(self._numbers[alike]).tolist()


def is_same_recording(vector: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which of some vectors [shape=(m, d)] are of the same recording as a vector [shape=(d,)]."""
    vectors = np.vstack([vector[None], others])
    pairs = np.stack([np.zeros(len(others), dtype=np.int64), np.arange(1, len(vectors))], axis=1)
    return _cosines(vectors, pairs) >= MIN_COSINE


def folded_title(title: str) -> str:
    """Return a title for comparisons: only its letters and digits, without case and accents.

    A title that has neither is compared as it is.
    """
    letters = "".join(filter(str.isalnum, unicodedata.normalize("NFKD", title).casefold()))
    return letters or title


def _cosines(vectors: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the cosines of pairs of rows [shape=(m, 2)]; 0 where a vector is zero."""
    first, second = (vectors[rows].astype(np.float64) for rows in pairs.T)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = np.einsum("ij,ij->i", first, second)
    return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
