"""The library as a page needs it: one snapshot in memory, songs numbered as the map numbers them.

In memory are ids, places and clusters; titles stay in songs.db until somebody asks. Vectors are read when
they are first needed, or by `CatalogueHolder.warm_up` beforehand.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.database.records import SongFacts, SongRow
from explorer.errors import LibraryError, SongNotFoundError
from explorer.mapping.similarity import Neighbours
from explorer.mapping.voronoi import Regions
from explorer.web.data.facets import Facets, Filter, songs_in_groups
from explorer.web.data.file_status import FileStatus
from explorer.web.map.grouping import Grouping, group_by_text

MAX_CLUSTERS = 50
SUGGESTIONS = 8
OFFERS = 2


class _made_once(cached_property):  # noqa: N801
    """A cached property that is made once, also when threads ask for it at once; each for itself."""

    def __get__(self, instance: Catalogue | None, owner: type | None = None) -> object:
        if instance is None:
            return self
        with instance._making.setdefault(self.attrname, threading.RLock()):
            return super().__get__(instance, owner)


@dataclass(frozen=True)
class Catalogue:
    """Every song that is on the map, and the maps.

    Attributes
    ----------
    song_ids : list of str
        In order: a song's number on the map is its place here.
    positions : dict of str to np.ndarray [shape=(n, 2), float32]
    near : dict of str to np.ndarray [shape=(n,), int16]
        How many of each song's ten true neighbours are near it on each map; -1 where unknown.
    parameters, quality : dict of str to dict
        What each map was made with, and how far it can be trusted.
    unmapped : int
        Songs that were indexed after the map was made.
    changes : str
        A mark that is another one when files may have come, gone or changed since.
    """

    database: Path
    revision: int
    song_ids: list[str]
    positions: dict[str, np.ndarray]
    near: dict[str, np.ndarray]
    parameters: dict[str, dict]
    quality: dict[str, dict]
    clusters: Grouping
    trained: bool
    unmapped: int
    n_genres: int
    changes: str = ""
    _groupings: dict[object, Grouping] = field(default_factory=dict)
    _divided: dict[int, tuple[Regions, Grouping]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _making: dict[str, threading.RLock] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.song_ids)

    def song(self, index: int) -> SongRow:
        """Return a song by its number on the map.

        Raises
        ------
        SongNotFoundError
            If there is no such number, or the song was removed.
        """
        self.require(index)
        with Database.open_readonly(self.database) as database:
            return database.song(self.song_ids[index])

    def require(self, index: int) -> None:
        """Raise SongNotFoundError if no song on the map has that number."""
        if not 0 <= index < len(self):
            raise SongNotFoundError(f"The map has no song number {index}: reload the page.")

    @cached_property
    def order(self) -> str:
        """A mark that changes when a song has another number, as when songs were added or removed."""
        return hashlib.blake2b("\0".join(self.song_ids).encode(), digest_size=8).hexdigest()

    def number_of(self, song_id: str) -> int | None:
        """Return a song's number on the map, or None where it is not on it."""
        row = bisect_left(self.song_ids, song_id)
        return row if row < len(self) and self.song_ids[row] == song_id else None

    def with_changes(self, changes: str) -> Catalogue:
        """Return the same map after files have come or gone: what was made of its vectors is kept."""
        other = replace(self, changes=changes)
        made = ("_space", "_reduced", "_vocabulary", "order")
        other.__dict__.update({name: self.__dict__[name] for name in made if name in self.__dict__})
        return other

    def search(
        self, text: str, *, limit: int = SUGGESTIONS, hide: tuple[str, ...] = ()
    ) -> list[tuple[int, SongRow]]:
        """Find songs on the map by words of title, artist, album or genre, the best first; no hidden ones."""
        hidden = self.hidden(hide)
        with Database.open_readonly(self.database) as database:
            numbers = [self.number_of(song_id) for song_id in database.search(text)]
            found = [one for one in numbers if one is not None and (hidden is None or not hidden[one])]
            return [(number, database.song(self.song_ids[number])) for number in found[:limit]]

    def suggest(self, text: str, *, hide: tuple[str, ...] = ()) -> list[dict]:
        """Return what a search offers while it is typed, without what `Filter.hide` hides.

        Returns
        -------
        list of dict
            At most two genres and two artists to filter by, "kind" ("genre" or "artist"), "name" and
            "songs" (how many); then at most 8 songs, "kind" ("song"), "index", "title" and "artist".
        """
        if not text.strip():
            return []
        songs = [
            {"kind": "song", "index": index, "title": song.title, "artist": song.artist}
            for index, song in self.search(text, hide=hide)
        ]
        return [*self.facets.offers(text, limit=OFFERS, hidden=self.hidden(hide)), *songs]

    def matching(self, chosen: Filter, grouping: Grouping) -> np.ndarray | None:
        """Return which songs a filter lets through, hidden or not [shape=(n,), bool]; None for all.

        `Filter.shown` numbers the groups of `grouping`, by which the map is coloured.
        """
        if chosen.is_empty:
            return None
        lit = songs_in_groups(chosen, grouping, self.clusters)
        return lit & self.facets.matching(chosen) if chosen.asks_for_tags else lit

    def hidden(self, hide: tuple[str, ...]) -> np.ndarray | None:
        """Return which songs `Filter.hide` hides [shape=(n,), bool], or None where it hides none."""
        return self.file_status.hidden(hide) if hide else None

    def described(self, found: list[tuple[int, float]]) -> list[dict]:
        """Return "index", "similarity", "title" and "artist" of songs that `nearest` found.

        Title and artist are empty for songs that were removed.
        """
        with Database.open_readonly(self.database) as database:
            headings = database.titles_and_artists([self.song_ids[index] for index, _ in found])
        songs = []
        for index, similarity in found:
            title, artist = headings.get(self.song_ids[index], ("", ""))
            song = {"index": index, "similarity": round(similarity, 4), "title": title, "artist": artist}
            songs.append(song)
        return songs

    def named(self, indices: tuple[int, ...]) -> list[dict]:
        """Return "index", "title", "artist", "path" and "gone" of songs by their numbers."""
        song_ids = [self.song_ids[index] for index in indices]
        if not song_ids:
            return []
        with Database.open_readonly(self.database) as database:
            headings, paths = database.titles_and_artists(song_ids), database.paths_of(song_ids)
        return [
            {
                "index": index,
                "title": headings.get(song_id, (song_id, ""))[0],
                "artist": headings.get(song_id, ("", ""))[1],
                "path": paths.get(song_id, song_id),
                "gone": bool(self.file_status.is_gone[index]),
            }
            for index, song_id in zip(indices, song_ids, strict=True)
        ]

    def nearest(self, index: int, k: int = 10, *, hide: tuple[str, ...] = ()) -> list[tuple[int, float]]:
        """Return the numbers of the songs that sound most like a song, and their centred cosines.

        Parameters
        ----------
        hide : tuple of str
            As `Filter.hide`: such songs are left out, and where duplicates are hidden also those with the
            same sound as this one.
        """
        hidden = self.hidden(hide)
        passed = set(self.file_status.others_like(index)) if "duplicates" in hide else set()
        asked = k
        while True:
            indices, similarities = self._space.nearest(index, asked)
            found = [
                (number, similarity)
                for number, similarity in zip(indices.tolist(), similarities.tolist(), strict=True)
                if number not in passed and (hidden is None or not hidden[number])
            ]
            if len(found) >= k or asked >= len(self):
                return found[:k]
            asked *= 4

    def grouping(self, colouring: str, *, cluster_count: int | None = None) -> Grouping:
        """Return the groups to colour by.

        Parameters
        ----------
        colouring : {"cluster", "genre", "artist"}
        cluster_count : int, optional
            Where it is not the stored map's, the clusters are computed: once for each count.
        """
        if colouring == "cluster" and cluster_count in (None, len(self.clusters.names)):
            return self.clusters
        key = cluster_count if colouring == "cluster" else colouring
        return self._made(self._groupings, key, lambda: self._make_grouping(colouring, cluster_count))

    def known_clusters(self, count: int | None) -> Grouping:
        """Return so many clusters where they are made already, and else the stored map's: at once."""
        return self._groupings.get(count, self.clusters) if count is not None else self.clusters

    def regions(self, count: int) -> tuple[Regions, Grouping]:
        """Return so many regions of the PCA map, made once for each count, and the songs' groups by them.

        Raises
        ------
        LibraryError
            If the library has no PCA map.
        """
        count = min(max(count, 1), MAX_CLUSTERS)
        return self._made(self._divided, count, lambda: self._divide(count))

    def _made(self, made: dict, key: object, make: Callable[[], object]) -> object:
        with self._lock:
            if key not in made:
                made[key] = make()
            return made[key]

    def warm_up(self) -> None:
        """Make ready what the first search, selected song and change of clusters need."""
        _ = self.facets, self.file_status
        self._space.nearest(0, 1)
        self._cluster(2)
        _ = self._vocabulary

    def _make_grouping(self, colouring: str, cluster_count: int | None) -> Grouping:
        if colouring == "cluster":
            return self._cluster_again(min(max(cluster_count, 1), MAX_CLUSTERS))
        with Database.open_readonly(self.database) as database:
            if colouring == "genre":
                genres = database.genres()
                texts = [genres.get(song_id, ("",))[0] for song_id in self.song_ids]
                return group_by_text("Genres", texts, missing="no genre")
            artists = database.artists()
            texts = [artists.get(song_id, "") for song_id in self.song_ids]
            return group_by_text("Artists", texts, missing="no artist")

    def _cluster_again(self, count: int) -> Grouping:
        from explorer.mapping.clustering import match_labels

        return self._named_groups("Clusters", match_labels(self.clusters.members, self._cluster(count)))

    def _named_groups(self, title: str, labels: np.ndarray) -> Grouping:
        from explorer.mapping.cluster_names import name_clusters
        from explorer.mapping.clustering import representatives

        names = name_clusters(labels, self._vocabulary)
        return Grouping(title, names, labels, representatives(self._reduced, labels).tolist())

    def _divide(self, count: int) -> tuple[Regions, Grouping]:
        from explorer.mapping.voronoi import voronoi_regions

        if "pca" not in self.positions:
            raise LibraryError(
                f"{self.database} has no PCA map, which the original view needs: run `python run.py map`."
            )
        found = voronoi_regions(self.positions["pca"], count=count, seed=0)
        return found, self._named_groups("Regions", found.labels)

    def _cluster(self, count: int) -> np.ndarray:
        from explorer.mapping.clustering import cluster

        return cluster(self._reduced, count, seed=0)

    @_made_once
    def _space(self) -> Neighbours:
        with Database.open_readonly(self.database) as database:
            song_ids, vectors = database.vectors(dtype=np.float32)
        if song_ids == self.song_ids:
            return Neighbours(vectors)
        rows = {song_id: row for row, song_id in enumerate(song_ids)}
        try:
            return Neighbours(vectors[[rows[song_id] for song_id in self.song_ids]])
        except KeyError as error:
            raise LibraryError("The library has changed since this page was loaded: reload it.") from error

    @_made_once
    def _reduced(self) -> np.ndarray:
        from explorer.mapping.projection import reduce

        return reduce(self._space.rows)

    @_made_once
    def facets(self) -> Facets:
        """What there is to filter by; read from the library once."""
        with Database.open_readonly(self.database) as database, database.snapshot():
            facts, genres = database.facts(), database.genres()
        unknown = SongFacts()
        return Facets.of(
            [facts.get(song_id, unknown) for song_id in self.song_ids],
            [genres.get(song_id, ()) for song_id in self.song_ids],
        )

    @_made_once
    def file_status(self) -> FileStatus:
        """What has become of the songs' files; read from the library once."""
        with Database.open_readonly(self.database) as database, database.snapshot():
            groups, gone = database.duplicates(), database.gone_songs()
        return FileStatus.of(self.song_ids, groups=groups, gone=gone)

    @_made_once
    def _vocabulary(self):
        from explorer.mapping.cluster_names import Vocabulary

        with Database.open_readonly(self.database) as database:
            songs = {song.song_id: song for song in database.songs()}
        unknown = SongRow("", "", "", "")
        return Vocabulary.of([songs.get(song_id, unknown).document() for song_id in self.song_ids])

    # A sound from outside

    def nearest_to(self, vector: np.ndarray, k: int = 10) -> list[tuple[int, float]]:
        """Return the numbers of the songs most like a sound from outside, and their centred cosines."""
        indices, similarities = self._space.nearest_to(vector, k)
        return list(zip(indices.tolist(), similarities.tolist(), strict=True))

    def place(self, vector: np.ndarray) -> dict[str, list[float]]:
        """Return where on each map a sound from outside would lie if it were indexed."""
        from explorer.mapping.place_one import place_song

        places = place_song(self._space, self._reduced, self.positions, vector)
        return {name: [float(x), float(y)] for name, (x, y) in places.items()}
