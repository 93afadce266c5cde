"""What songs can be filtered by, and which of them a filter lets through."""

from __future__ import annotations

import math
import re
import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from explorer.database.records import SongFacts
from explorer.web.data.file_status import HIDEABLE
from explorer.web.map.grouping import Grouping

# A page sends a handful; more than that is no wish of a user's.
MOST_CHOSEN = 1_000
_LONGEST_TEXT = 200
# No year and no duration is beyond it, and float32 holds it.
_FARTHEST = 1e30
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Filter:
    """Which songs a user wants to see: of every kind that is asked for, one of its values.

    Attributes
    ----------
    genres, clusters, artists : tuple of str
        Names; none asks for nothing.
    years, duration_s : tuple of (float, float), optional
        The least and the most, both included.
    shown : tuple of int, optional
        Numbers of groups of the present colouring; an empty one shows no song.
    hide : tuple of {"duplicates", "missing"}
        Which songs are not on the map at all. What is let through is asked apart from it.
    """

    genres: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    years: tuple[float, float] | None = None
    duration_s: tuple[float, float] | None = None
    shown: tuple[int, ...] | None = None
    hide: tuple[str, ...] = ()

    @classmethod
    def parse(cls, document: object) -> Filter:
        """Read a filter as the page's JSON says it; what is malformed asks for nothing.

        Its keys are the attributes' names, any of which may be missing or null; the ends of a range may be in
        any order, and null where it is open.
        """
        if not isinstance(document, dict):
            return cls()
        readers = dict.fromkeys(("genres", "clusters", "artists"), _names)
        readers |= {"years": _range, "duration_s": _range, "shown": _numbers, "hide": hideable}
        return cls(**{name: read(document.get(name)) for name, read in readers.items()})

    @property
    def asks_for_tags(self) -> bool:
        """Whether it asks for what songs say of themselves."""
        return bool(self.genres or self.artists or self.years or self.duration_s)

    @property
    def is_empty(self) -> bool:
        """Whether it lets every song through that is not hidden."""
        return not self.asks_for_tags and not self.clusters and self.shown is None


def hideable(kinds: object) -> tuple[str, ...]:
    """Return which of `HIDEABLE` are in a list that a page sent."""
    return tuple(kind for kind in HIDEABLE if isinstance(kinds, list) and kind in kinds)


def _names(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    return tuple(dict.fromkeys(value for value in values[:MOST_CHOSEN] if isinstance(value, str) and value))


def _range(values: object) -> tuple[float, float] | None:
    if not isinstance(values, list) or len(values) != 2 or values == [None, None]:
        return None
    ends = (-math.inf, math.inf)
    try:
        numbers = [end if value is None else _number(value) for value, end in zip(values, ends, strict=True)]
    except ValueError:
        return None
    return min(numbers), max(numbers)


def _number(value: object) -> float:
    # JSON's true is no number, though Python's is; Python's JSON knows NaN.
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError
    if abs(value) > _FARTHEST:
        return math.inf if value > 0 else -math.inf
    return float(value)


def _numbers(values: object) -> tuple[int, ...] | None:
    if not isinstance(values, list):
        return None
    numbers = [value for value in values[:MOST_CHOSEN] if type(value) is int and 0 <= value < 2**31]
    return tuple(dict.fromkeys(numbers)) if numbers or not values else None


@dataclass(frozen=True, eq=False)
class Values:
    """The values of one kind, as genres, and the songs that have each.

    Attributes
    ----------
    names : list of str
        Each in its commonest spelling, the commonest value first.
    songs : csr_array [shape=(m, n), int32]
        1 where a song (column) has a value (row).
    """

    names: list[str]
    songs: csr_array

    @classmethod
    def of(cls, names_of_songs: Iterable[Sequence[str]]) -> Values:
        """Collect the values of songs, in the map's order; one that a song names twice it has once."""
        codes: dict[str, int] = {}
        songs, found = array("i"), array("i")
        n_songs = 0
        for n_songs, names in enumerate(names_of_songs, 1):
            for name in names:
                if isinstance(name, str) and name.strip():
                    songs.append(n_songs - 1)
                    found.append(codes.setdefault(name, len(codes)))
        found = np.asarray(found, dtype=np.int64)
        names, value_of = _merged(list(codes), np.bincount(found, minlength=len(codes)))
        having = csr_array((np.ones_like(found, np.int32), (value_of[found], songs)), (len(names), n_songs))
        having.data[:] = 1  # The constructor adds up what a song names twice.
        order = np.argsort(-np.diff(having.indptr), kind="stable")
        return cls([names[value] for value in order], having[order])

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {_key(name): number for number, name in enumerate(self.names)}

    @cached_property
    def _spoken(self) -> list[str]:
        return [" " + _spoken(name) for name in self.names]

    def counted(self, *, hidden: np.ndarray | None = None) -> list[tuple[str, int]]:
        """Return each name and how many songs have it, of those that are not `hidden` [shape=(n,), bool]."""
        counts = np.diff(self.songs.indptr) if hidden is None else self.songs @ ~hidden
        return list(zip(self.names, counts.tolist(), strict=True))

    def let_through(self, names: Iterable[str], lit: np.ndarray) -> None:
        """Mark in `lit` [shape=(n,), bool] the songs that have any of some values, in whatever case."""
        numbers = [self._number_of[key] for key in map(_key, names) if key in self._number_of]
        lit[self.songs[numbers].indices] = True

    def find(self, text: str, *, limit: int, anywhere: bool = False) -> list[int]:
        """Find values by what a user has typed so far, accents and case aside.

        Returns
        -------
        list of int
            Numbers of those that begin with the text, then of those in which a word begins with each word
            of it, then, if wanted, of those that hold it anywhere; the commonest of each first. Nothing
            typed finds the commonest.
        """
        wanted = _spoken(text[:_LONGEST_TEXT])
        words = [f" {word}" for word in wanted.split()]
        ranks: tuple[list[int], ...] = ([], [], [])
        for number, name in enumerate(self._spoken):
            if name.startswith(wanted, 1):
                ranks[0].append(number)
                if len(ranks[0]) == limit:
                    break
            elif words and all(word in name for word in words):
                ranks[1].append(number)
            elif anywhere and wanted in name:
                ranks[2].append(number)
        return [number for rank in ranks for number in rank][:limit]


def _key(name: str) -> str:
    """What two spellings of one value share."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _spoken(text: str) -> str:
    """Return a text's words without accents, case and signs; the text where it has only signs."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    return " ".join(_WORD.findall(plain)) or plain.strip()


def _merged(spellings: list[str], counts: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return values in alphabetical order, each in its commonest spelling, and the value of each spelling."""
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
    """What there is to filter a library's songs by.

    Attributes
    ----------
    by_genre, by_artist : Values
        Any of a song's genres and artists counts.
    by_credit : Values
        The artists of songs that have several, as the one text that the map is coloured by.
    year_of_song : np.ndarray [shape=(n,), int16]
        0 where a song names none.
    duration_of_song : np.ndarray [shape=(n,), float32]
        In seconds; NaN where it is unknown.
    """

    by_genre: Values
    by_artist: Values
    by_credit: Values
    year_of_song: np.ndarray
    duration_of_song: np.ndarray

    @classmethod
    def of(cls, facts: Sequence[SongFacts], genres: Sequence[Sequence[str]]) -> Facets:
        """Collect what is known of songs, both in the map's order."""
        durations = [math.nan if song.duration_s is None else song.duration_s for song in facts]
        return cls(
            Values.of(genres),
            Values.of(song.artists for song in facts),
            Values.of((", ".join(song.artists),) if len(song.artists) > 1 else () for song in facts),
            np.array([song.year or 0 for song in facts], dtype=np.int16),
            np.array(durations, dtype=np.float32),
        )

    @cached_property
    def years(self) -> tuple[int, int] | None:
        """The earliest and the latest year, or None where no song names one."""
        known = self.year_of_song[self.year_of_song > 0]
        return (int(known.min()), int(known.max())) if len(known) else None

    @cached_property
    def durations_s(self) -> tuple[float, float] | None:
        """The shortest and the longest duration, or None where none is known."""
        known = self.duration_of_song[np.isfinite(self.duration_of_song)]
        return (float(known.min()), float(known.max())) if len(known) else None

    @cached_property
    def n_without_year(self) -> int:
        """How many songs name no year."""
        return int((self.year_of_song == 0).sum())

    def suggest_artists(self, text: str, limit: int = 30) -> list[str]:
        """Return the artists that answer to what a user has typed, the likeliest first."""
        found = self.by_artist.find(text, limit=limit, anywhere=True)
        return [self.by_artist.names[number] for number in found]

    def offers(self, text: str, *, limit: int, hidden: np.ndarray | None = None) -> list[dict]:
        """Return the genres and the artists in which words begin with what a user searches for.

        Parameters
        ----------
        hidden : np.ndarray [shape=(n,), bool], optional
            Songs that do not count.

        Returns
        -------
        list of dict
            "kind" ("genre" or "artist"), "name" and "songs", how many: at most `limit` of each kind, the
            genres first. Those of which every song is hidden are left out.
        """
        offers = []
        for kind, values in (("genre", self.by_genre), ("artist", self.by_artist)):
            counts = values.counted(hidden=hidden)
            found = [counts[number] for number in values.find(text, limit=limit)]
            offers += [{"kind": kind, "name": name, "songs": songs} for name, songs in found if songs]
        return offers

    def matching(self, chosen: Filter) -> np.ndarray:
        """Return which songs are of the genres, artists, years and durations asked for [shape=(n,), bool]."""
        lit = np.ones(len(self.year_of_song), dtype=bool)
        if chosen.genres:
            lit &= self._having(chosen.genres, self.by_genre)
        if chosen.artists:
            lit &= self._having(chosen.artists, self.by_artist, self.by_credit)
        if chosen.years:
            least, most = chosen.years
            years = self.year_of_song
            lit &= (years > 0) & (years >= least) & (years <= most)
        if chosen.duration_s:
            # Both ends as exactly as the durations are kept; of NaN neither is true.
            least, most = np.array(chosen.duration_s).astype(np.float32)
            lit &= (self.duration_of_song >= least) & (self.duration_of_song <= most)
        return lit

    def _having(self, names: tuple[str, ...], *kinds: Values) -> np.ndarray:
        lit = np.zeros(len(self.year_of_song), dtype=bool)
        for values in kinds:
            values.let_through(names, lit)
        return lit


def songs_in_groups(chosen: Filter, grouping: Grouping, stored: Grouping) -> np.ndarray:
    """Return which songs are in the clusters and the groups asked for [shape=(n,), bool].

    Parameters
    ----------
    chosen : Filter
        A cluster's name is one of the grouping's, if it is one of clusters or regions, and else of `stored`.
    grouping : Grouping
        What the map is coloured by.
    stored : Grouping
        The library's own clusters.
    """
    lit = np.ones(len(grouping.members), dtype=bool)
    if chosen.shown is not None:
        lit &= np.isin(grouping.members, chosen.shown)
    if chosen.clusters:
        present = grouping if grouping.title in ("Clusters", "Regions") else stored
        here = {name for name in chosen.clusters if name in present.names}
        elsewhere = set(chosen.clusters) - here
        lit &= _in_named(present, here) | _in_named(stored, elsewhere)
    return lit


def _in_named(grouping: Grouping, names: set[str]) -> np.ndarray:
    numbers = [number for number, name in enumerate(grouping.names) if name in names]
    return np.isin(grouping.members, numbers)
