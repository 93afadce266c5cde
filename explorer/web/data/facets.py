"""Filters: the values that a library's songs can be filtered by, and the songs that match a filter."""

from __future__ import annotations

import math
import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from scipy.sparse import csr_array

from explorer.database.records import SongFacts
from explorer.database.spelling import other_spelling, plain_spelling, words_of
from explorer.web import browser_inputs as inputs
from explorer.web.data.file_status import HIDEABLE
from explorer.web.map.grouping import NO_ARTIST, NO_GENRE, Grouping

# Larger numbers become infinite: float32 cannot hold all of them, and no year or duration is that large.
_MAX_NUMBER = 1e30


@dataclass(frozen=True)
class Filter:
    """The songs that a user wants to see.

    A song matches if it matches every kind of condition. Within a kind, one of the values is enough.

    Attributes
    ----------
    genres, clusters, artists : tuple of str
        Names; an empty tuple sets no condition. `NO_GENRE` and `NO_ARTIST` are names, too.
    years, duration_s : tuple of (float, float), optional
        Minimum and maximum, both included.
    hide : tuple of {"duplicates", "missing"}
        The kinds of songs to remove from the map. This is not a condition: hidden songs can match.
    """

    genres: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    years: tuple[float, float] | None = None
    duration_s: tuple[float, float] | None = None
    hide: tuple[str, ...] = ()

    @classmethod
    def parse(cls, document: object) -> Filter:
        """Read a filter from the page's JSON; malformed values are ignored.

        The keys are the attributes' names. Any may be missing or null. The ends of a range may be in either
        order; null leaves an end open.
        """
        if not isinstance(document, dict):
            return cls()
        readers = dict.fromkeys(("genres", "clusters", "artists"), _names)
        readers |= {"years": _range, "duration_s": _range, "hide": parse_hide}
        return cls(**{name: read(document.get(name)) for name, read in readers.items()})

    @property
    def uses_tags(self) -> bool:
        """Whether a condition depends on the songs' tags or durations."""
        return bool(self.genres or self.artists or self.years or self.duration_s)

    @property
    def is_empty(self) -> bool:
        """Whether every song matches."""
        return not self.uses_tags and not self.clusters


def parse_hide(kinds: object) -> tuple[str, ...]:
    """Return the kinds of `HIDEABLE` that are in a list from the page."""
    return tuple(kind for kind in HIDEABLE if isinstance(kinds, list) and kind in kinds)


def _names(values: object) -> tuple[str, ...]:
    return inputs.items(values, inputs.name)


def _range(values: object) -> tuple[float, float] | None:
    if not isinstance(values, list) or len(values) != 2 or values == [None, None]:
        return None
    ends = (-math.inf, math.inf)
    numbers = [end if value is None else _number(value) for value, end in zip(values, ends, strict=True)]
    return None if None in numbers else (min(numbers), max(numbers))


def _number(value: object) -> float | None:
    number = inputs.number(value, -_MAX_NUMBER, _MAX_NUMBER)
    return math.copysign(math.inf, number) if number is not None and abs(number) == _MAX_NUMBER else number


@dataclass(frozen=True, eq=False)
class Values:
    """All values of one kind, such as genres, and the songs that have each.

    Attributes
    ----------
    names : list of str
        Each in its commonest spelling. The value that most songs have comes first.
    songs : csr_array [shape=(m, n), int32]
        1 where a song (column) has the value (row).
    """

    names: list[str]
    songs: csr_array

    @classmethod
    def of(cls, names_of_songs: Iterable[Sequence[str]]) -> Values:
        """Collect the values of songs in the map's order; a value that a song names twice counts once."""
        collected = _CollectedValues()
        for names in names_of_songs:
            collected.add(names)
        return collected.values()

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {_key(name): number for number, name in enumerate(self.names)}

    @cached_property
    def _search_texts(self) -> list[str]:
        """The spellings of each name, each of them after a line end and a space."""
        return ["".join(f"\n {spelling}" for spelling in _spellings(name)) for name in self.names]

    @cached_property
    def _numbers_by_spelling(self) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = {}
        for number, text in enumerate(self._search_texts):
            for spelling in text[2:].split("\n "):
                numbers.setdefault(spelling, []).append(number)
        return numbers

    def __contains__(self, name: str) -> bool:
        """Return whether a song has this value; case is ignored."""
        return _key(name) in self._number_of

    def counted(self, *, hidden: np.ndarray | None = None) -> list[tuple[str, int]]:
        """Return each name and its number of songs; songs in `hidden` [shape=(n,), bool] do not count."""
        counts = np.diff(self.songs.indptr) if hidden is None else self.songs @ ~hidden
        return list(zip(self.names, counts.tolist(), strict=True))

    def mark_songs(self, names: Iterable[str], matching: np.ndarray) -> None:
        """Set `matching` [shape=(n,), bool] for songs that have any of these values; case is ignored."""
        numbers = [self._number_of[key] for key in map(_key, names) if key in self._number_of]
        matching[self.songs[numbers].indices] = True

    def find(self, text: str, *, limit: int, anywhere: bool = False) -> list[int]:
        """Find values for the text that a user has typed so far, in any spelling: see `spelling.py`.

        Returns
        -------
        list of int
            Numbers of at most `limit` values, in this order: values that are the text; values that begin with
            it; values that have, for each word of the text, a word that begins with it; if `anywhere`, values
            that contain the text. Within each of these kinds, the value that most songs have comes first. An
            empty text finds the commonest values.
        """
        wanted = _spellings(text[: inputs.MAX_SEARCH_LENGTH])
        ranks = [[[f"\n {spelling}"] for spelling in wanted]]
        ranks.append([[f" {word}" for word in spelling.split()] for spelling in wanted if spelling])
        if anywhere:
            ranks.append([[spelling] for spelling in wanted])
        equal = (self._numbers_by_spelling.get(spelling, ()) for spelling in wanted)
        found = dict.fromkeys(chain.from_iterable(equal))
        for rank in ranks:
            if len(found) < limit:
                found.update(dict.fromkeys(sorted(chain.from_iterable(map(self._containing, rank)))))
        return list(found)[:limit]

    def _containing(self, texts: list[str]) -> Sequence[int]:
        """Return the numbers of the values whose search text contains each of these texts."""
        numbers: Sequence[int] = range(len(self.names))
        for text in texts:
            numbers = [number for number in numbers if text in self._search_texts[number]]
        return numbers


class _CollectedValues:
    """The values of the songs so far, which are added in the map's order."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._songs, self._spellings = array("i"), array("i")
        self._n_songs = 0

    def add(self, names: Sequence[str]) -> None:
        """Add the next song's values."""
        for name in names:
            if isinstance(name, str) and name.strip():
                self._songs.append(self._n_songs)
                self._spellings.append(self._codes.setdefault(name, len(self._codes)))
        self._n_songs += 1

    def values(self) -> Values:
        """Return the values of all songs."""
        spellings = np.asarray(self._spellings, dtype=np.int64)
        names, value_of = _merge_spellings(
            list(self._codes), np.bincount(spellings, minlength=len(self._codes))
        )
        entries = (np.ones_like(spellings, np.int32), (value_of[spellings], self._songs))
        matrix = csr_array(entries, (len(names), self._n_songs))
        matrix.data[:] = 1  # The constructor adds up values that a song names twice.
        order = np.argsort(-np.diff(matrix.indptr), kind="stable")
        return Values([names[value] for value in order], matrix[order])


def _key(name: str) -> str:
    """Return a text that is equal for all spellings of a value."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _spellings(text: str) -> list[str]:
    """Return the words of a text in each of its spellings.

    A text that is only punctuation is returned whole.
    """
    plain = " ".join(words_of(plain_spelling(text)))
    if not plain:
        return [plain_spelling(text).strip()]
    other = " ".join(words_of(other_spelling(text)))
    return [plain, other] if other not in ("", plain) else [plain]


def _merge_spellings(spellings: list[str], counts: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Merge spellings that differ only in case.

    Returns
    -------
    tuple of list of str, and np.ndarray [shape=(len(spellings),), int64]
        The values in alphabetical order, each in its commonest spelling; and the value of each spelling.
    """
    keys = [_key(spelling) for spelling in spellings]
    order = sorted(range(len(keys)), key=lambda i: (keys[i], -counts[i], spellings[i]))
    names: list[str] = []
    value_of, last = np.empty(len(keys), dtype=np.int64), None
    for i in order:
        if keys[i] != last:
            names.append(spellings[i].strip())
            last = keys[i]
        value_of[i] = len(names) - 1
    return names, value_of


@dataclass(frozen=True, eq=False)
class Facets:
    """The values that a library's songs can be filtered by.

    Attributes
    ----------
    by_genre, by_artist : Values
        A song with several genres or artists has each of them.
    by_credit : Values
        For songs with several artists: all their names as one text, which is the group's name when the map is
        coloured by artist.
    year_of_song : np.ndarray [shape=(n,), int16]
        0 if unknown.
    duration_of_song : np.ndarray [shape=(n,), float32]
        In seconds; NaN if unknown.
    """

    by_genre: Values
    by_artist: Values
    by_credit: Values
    year_of_song: np.ndarray
    duration_of_song: np.ndarray

    @classmethod
    def of(cls, facts: Iterable[SongFacts], genres: Iterable[Sequence[str]]) -> Facets:
        """Collect the values of all songs; both are in the map's order, and neither is held in memory."""
        by_genre, by_artist, by_credit = (_CollectedValues() for _ in range(3))
        years, durations = array("h"), array("d")
        for song, names in zip(facts, genres, strict=True):
            by_genre.add(names)
            by_artist.add(song.artists)
            by_credit.add((", ".join(song.artists),) if len(song.artists) > 1 else ())
            years.append(song.year or 0)
            durations.append(math.nan if song.duration_s is None else song.duration_s)
        with np.errstate(over="ignore"):
            duration_of_song = np.array(durations).astype(np.float32)
        return cls(
            *(collected.values() for collected in (by_genre, by_artist, by_credit)),
            np.array(years, dtype=np.int16),
            duration_of_song,
        )

    @cached_property
    def years(self) -> tuple[int, int] | None:
        """The earliest and the latest year; None if no song has one."""
        known = self.year_of_song[self.year_of_song > 0]
        return (int(known.min()), int(known.max())) if len(known) else None

    @cached_property
    def durations_s(self) -> tuple[float, float] | None:
        """The shortest and the longest duration; None if none is known."""
        known = self.duration_of_song[np.isfinite(self.duration_of_song)]
        return (float(known.min()), float(known.max())) if len(known) else None

    @cached_property
    def n_without_year(self) -> int:
        """The number of songs without a year."""
        return int((self.year_of_song == 0).sum())

    def suggest_artists(self, text: str, limit: int = 30) -> list[str]:
        """Return artists for the text that a user has typed; the best match comes first."""
        numbers = self.by_artist.find(text, limit=limit, anywhere=True)
        return [self.by_artist.names[number] for number in numbers]

    def suggest(self, text: str, *, limit: int, hidden: np.ndarray | None = None) -> list[dict]:
        """Return the genres and artists that have words beginning with the text of a search.

        Parameters
        ----------
        hidden : np.ndarray [shape=(n,), bool], optional
            Songs that do not count.

        Returns
        -------
        list of dict
            "kind" ("genre" or "artist"), "name" and "songs" (how many). At most `limit` of each kind, genres
            first. Values whose songs are all hidden are left out.
        """
        suggestions = []
        for kind, values in (("genre", self.by_genre), ("artist", self.by_artist)):
            numbers = values.find(text, limit=limit)
            songs = values.songs[numbers]
            counts = np.diff(songs.indptr) if hidden is None else songs @ ~hidden
            suggestions += [
                {"kind": kind, "name": values.names[number], "songs": count}
                for number, count in zip(numbers, counts.tolist(), strict=True)
                if count
            ]
        return suggestions

    def matching(self, chosen: Filter) -> np.ndarray:
        """Return which songs match the genres, artists, years and durations chosen [shape=(n,), bool]."""
        matching = np.ones(len(self.year_of_song), dtype=bool)
        if chosen.genres:
            matching &= self.songs_with("genre", chosen.genres)
        if chosen.artists:
            matching &= self.songs_with("artist", chosen.artists)
        if chosen.years:
            first, last = chosen.years
            years = self.year_of_song
            matching &= (years > 0) & (years >= first) & (years <= last)
        if chosen.duration_s:
            # Rounded to float32 as the durations are. Comparisons with NaN are false.
            shortest, longest = np.array(chosen.duration_s).astype(np.float32)
            matching &= (self.duration_of_song >= shortest) & (self.duration_of_song <= longest)
        return matching

    def songs_with(self, kind: str, names: Sequence[str]) -> np.ndarray:
        """Return which songs have any of these genres or artists [shape=(n,), bool].

        Parameters
        ----------
        kind : {"genre", "artist"}
        names : sequence of str
            `NO_GENRE` and `NO_ARTIST` mean the songs without one.
        """
        kinds, missing = self._values_of(kind)
        matching = np.zeros(len(self.year_of_song), dtype=bool)
        for values in kinds:
            values.mark_songs(names, matching)
        if missing in names:
            has_none = np.ones(len(matching), dtype=bool)
            has_none[kinds[0].songs.indices] = False
            matching |= has_none
        return matching

    def unknown(self, kind: str, names: Iterable[str]) -> list[str]:
        """Return the names that no song has; `kind` is as for `songs_with`."""
        kinds, missing = self._values_of(kind)
        return [name for name in names if name != missing and not any(name in values for values in kinds)]

    def _values_of(self, kind: str) -> tuple[list[Values], str]:
        """Return the values of a kind, and what songs without one are called."""
        if kind == "genre":
            return [self.by_genre], NO_GENRE
        return [self.by_artist, self.by_credit], NO_ARTIST

    def years_known(self) -> np.ndarray:
        """Return the year of each song [shape=(n,), float32]; NaN if unknown."""
        return np.where(self.year_of_song > 0, self.year_of_song, np.nan).astype(np.float32)


def songs_in_clusters(names: Sequence[str], current: Grouping, stored: Grouping) -> np.ndarray | None:
    """Return which songs are in the clusters with these names [shape=(n,), bool].

    Parameters
    ----------
    names : sequence of str
        A name means a group of `current` if one has the name, otherwise a cluster of `stored`. A name that
        neither has sets no condition: the map has other clusters now.
    current : Grouping
        The clusters or regions that the page shows.
    stored : Grouping
        The library's own clusters.

    Returns
    -------
    np.ndarray or None
        None if no name means a cluster.
    """
    in_current = {name for name in names if name in current.names}
    in_stored = {name for name in names if name in stored.names} - in_current
    if not in_current and not in_stored:
        return None
    return _in_named(current, in_current) | _in_named(stored, in_stored)


def unknown_clusters(names: Sequence[str], current: Grouping, stored: Grouping) -> list[str]:
    """Return the names that `songs_in_clusters` ignores."""
    return [name for name in names if name not in current.names and name not in stored.names]


def _in_named(grouping: Grouping, names: set[str]) -> np.ndarray:
    numbers = [number for number, name in enumerate(grouping.names) if name in names]
    return np.isin(grouping.members, numbers)
