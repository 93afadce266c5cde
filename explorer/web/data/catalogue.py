"""A snapshot of the library in memory, from which the page is drawn.

Ids, positions and clusters are in memory. Titles are read from songs.db for each request. Vectors, filter
values and the files' status are read at first use, or earlier by `CatalogueHolder.warm_up`. A song's number
is its index in the sorted list of the ids on the map.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from explorer.config import PROJECTION_NAMES
from explorer.database.database import Database
from explorer.database.features import FeatureRow
from explorer.database.records import VECTOR_SIZE, SongFacts, SongRow
from explorer.database.row_reading import left_out_sentence
from explorer.errors import LibraryError, SongNotFoundError
from explorer.mapping.compact_search import CompactNeighbours
from explorer.mapping.same_recordings import AlikeSongs, is_same_recording
from explorer.mapping.similarity import Search, SongVectors
from explorer.mapping.voronoi import Regions
from explorer.mapping.worth_naming import FEW_SONGS
from explorer.structure.keys import SURE_FROM as KEY_SURE_FROM
from explorer.structure.known_features import KnownFeatures
from explorer.structure.tempo import SURE_FROM as TEMPO_SURE_FROM
from explorer.util.commands import command_line
from explorer.util.sorted_rows import values_in_order
from explorer.web.data.facets import Facets, Filter, songs_in_clusters
from explorer.web.data.feature_values import FeatureValues, known_features
from explorer.web.data.file_status import FileStatus
from explorer.web.data.map_vectors import MapVectors
from explorer.web.data.reader import open_library
from explorer.web.map.grouping import NO_ARTIST, NO_GENRE, Grouping, group_by_text
from explorer.web.map.key_circle import KeyCircle
from explorer.web.map.scales import FEATURE_SCALES, SCALES, Scale
from explorer.web.security import RefusedError

T = TypeVar("T")

MAX_CLUSTERS = 50
MAX_SONGS_IN_MEMORY = 50_000
"""The vectors of a larger library are not held in memory, but read from songs.db for each search."""

_IDS_AT_ONCE = 10_000
MAX_SUGGESTED_SONGS = 8
MAX_SUGGESTED_VALUES = 2
"""The maximum number of suggested genres, and of suggested artists."""


class _computed_once(cached_property):  # noqa: N801
    """A cached property that is computed once even if several threads ask at the same time.

    Each property has its own lock, so that threads that need different properties do not wait.
    """

    def __get__(self, instance: Catalogue | None, owner: type | None = None) -> object:
        if instance is None:
            return self
        with instance._property_locks.setdefault(self.attrname, threading.RLock()):
            return super().__get__(instance, owner)


@dataclass(frozen=True)
class Catalogue:
    """All songs on the map, with their positions, clusters and neighbours.

    Attributes
    ----------
    database : Path
        The path of songs.db.
    revision : int
        The number of the stored map.
    song_ids : list of str
        Sorted. A song's number on the map is its index here.
    positions : dict of str to np.ndarray [shape=(n, 2), float32]
        By projection.
    near : dict of str to np.ndarray [shape=(n,), int16]
        By projection: how many of the ten songs that sound most like a song are near it on that map; -1 where
        unknown.
    parameters, quality : dict of str to dict
        By projection: the parameters it was made with, and measures of how well it keeps neighbours together.
    clusters : Grouping
        The stored clusters.
    is_trained : bool
        False if the vectors come from untrained filters.
    is_first_look : bool
        Whether the vectors are coarse ones, from a first look at the library.
    coarse_sample : dict of str to np.ndarray [shape=(512,)]
        The vectors of some songs, by song id, during a first look.
    unmapped : int
        How many songs were indexed after the map was made.
    n_genres : int
        Several spellings of a genre count once.
    genre_spellings : dict of str to str
        The spelling of a genre that is shown instead of each other one. Tags of files stay as they are.
    changes : str
        A token that changes when files may have appeared, disappeared or changed.
    stamp : tuple of int
        The `Database.stamp` of the file that was read.
    damage : dict of str to str
        What is wrong with damaged songs, by song id; more are added when vectors and facts are read.
    """

    database: Path
    revision: int
    song_ids: list[str]
    positions: dict[str, np.ndarray]
    near: dict[str, np.ndarray]
    parameters: dict[str, dict]
    quality: dict[str, dict]
    clusters: Grouping
    is_trained: bool
    unmapped: int
    n_genres: int
    genre_spellings: dict[str, str] = field(default_factory=dict)
    changes: str = ""
    is_first_look: bool = False
    coarse_sample: dict[str, np.ndarray] = field(default_factory=dict)
    stamp: tuple[int, ...] = ()
    damage: dict[str, str] = field(default_factory=dict)
    _stamps: set[tuple[int, ...]] = field(default_factory=set)
    _groupings: dict[object, Grouping] = field(default_factory=dict)
    _regions: dict[int, tuple[Regions, Grouping]] = field(default_factory=dict)
    _scales: dict[str, Scale] = field(default_factory=dict)
    _features: dict[str, tuple[int, object]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _property_locks: dict[str, threading.RLock] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.song_ids)

    @contextmanager
    def open_library(self) -> Iterator[Database]:
        """Yield a connection that reads the songs.db from which this snapshot was read.

        Raises
        ------
        RefusedError
            If another file is at its path now: the numbers of songs mean other songs there.
        """
        with open_library(self.database) as database:
            if not self._is_of(database):
                raise RefusedError(409, "The map has changed: reload the page.")
            yield database
            self.damage.update(database.left_out)

    def _is_of(self, database: Database) -> bool:
        """Tell whether a songs.db has the map of this snapshot; songs may have been removed since.

        The map is compared only if the file's stamp has changed. During a first look the map is laid out anew
        from time to time, and pages follow a little later: until then the same vectors are enough.
        """
        if database.stamp not in self._stamps and database.stamp != self.stamp and len(self):
            name, positions = next(iter(self.positions.items()))
            (stored,) = database.positions_of(self.song_ids, [name]).values()
            is_there = ~np.isnan(stored[:, 0])
            has_map = is_there.any() and np.array_equal(stored[is_there], positions[is_there])
            if not has_map and not self._has_coarse_vectors(database):
                return False
            self._stamps.add(database.stamp)
        return True

    def _has_coarse_vectors(self, database: Database) -> bool:
        """Tell whether a songs.db is at the first look that this snapshot was read in: it has the vectors."""
        if not self.is_first_look or not database.shows_coarse():
            return False
        sample = list(self.coarse_sample)
        song_ids, vectors = database.vectors(song_ids=sample)
        return song_ids == sample and np.array_equal(vectors, list(self.coarse_sample.values()))

    def offers(self, projection: str) -> bool:
        """Return whether a projection can be chosen: it is stored, and the library is large enough for it.

        A map without parameters is not judged: another program has made it.
        """
        is_trusted = len(self) >= FEW_SONGS or not self.parameters.get(projection)
        return projection in self.positions and (is_trusted or self._is_plainest(projection))

    def _is_plainest(self, projection: str) -> bool:
        return projection == "pca" or "pca" not in self.positions

    @property
    def first_projection(self) -> str:
        """The projection that is shown first: t-SNE, unless the library has none or too few songs for it."""
        return next((name for name in PROJECTION_NAMES if self.offers(name)), "tsne")

    # Songs

    def song(self, index: int) -> SongRow:
        """Return a song by its number on the map.

        Raises
        ------
        SongNotFoundError
            If no song has that number, or the song was removed.
        """
        self.require(index)
        with self.open_library() as database:
            song = database.song(self.song_ids[index])
        return replace(song, genres=self._spelled(song.genres))

    def _spelled(self, genres: Iterable[str]) -> tuple[str, ...]:
        """Return genres in the spelling that is shown, without repetitions."""
        if not self.genre_spellings:
            return tuple(genres)
        return tuple(dict.fromkeys(self.genre_spellings.get(genre, genre) for genre in genres))

    def _genres(self, database: Database) -> Iterator[tuple[str, ...]]:
        """Yield the genres of each song on the map."""
        return map(self._spelled, values_in_order(self.song_ids, database.iterate_genres(), ()))

    @property
    def damage_sentence(self) -> str:
        """What to tell the user about damaged songs; empty if none is known."""
        return left_out_sentence(self.database, self.damage)

    def require(self, index: int) -> None:
        """Raise SongNotFoundError if no song on the map has that number."""
        if not 0 <= index < len(self):
            raise SongNotFoundError(f"The map has no song number {index}: reload the page.")

    @cached_property
    def library(self) -> str:
        """A token of the library: of the path of its songs.db. The page keeps selections under this name."""
        path = str(self.database.resolve()).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(path, digest_size=8).hexdigest()

    @cached_property
    def order(self) -> str:
        """A token that changes when songs get other numbers, because songs were added or removed."""
        digest = hashlib.blake2b(digest_size=8)
        for start in range(0, len(self), _IDS_AT_ONCE):
            digest.update(
                "".join(f"{song_id}\0" for song_id in self.song_ids[start : start + _IDS_AT_ONCE]).encode()
            )
        return digest.hexdigest()

    @cached_property
    def map_key(self) -> str:
        """A token that differs between maps with other songs or other positions."""
        digest = hashlib.blake2b(self.order.encode(), digest_size=16)
        for name, positions in self.positions.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(positions))
        return digest.hexdigest()

    def number_of(self, song_id: str) -> int | None:
        """Return a song's number on the map, or None if it is not on the map."""
        row = bisect_left(self.song_ids, song_id)
        return row if row < len(self) and self.song_ids[row] == song_id else None

    def with_changes(self, changes: str) -> Catalogue:
        """Return a snapshot of the same map with a new `changes` token.

        What was computed from the vectors is kept. What depends on files and tags is read again.
        """
        other = replace(self, changes=changes, _scales={}, _features={})
        kept = ("_compared", "_reduced", "_vocabulary", "order", "map_key")
        other.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        return other

    # Search and filters

    def search(
        self, text: str, *, limit: int = MAX_SUGGESTED_SONGS, hide: tuple[str, ...] = ()
    ) -> list[tuple[int, SongRow]]:
        """Find songs on the map by words of title, artist, album or genre; the best match comes first.

        Parameters
        ----------
        hide : tuple of str
            As `Filter.hide`: these songs are left out.
        """
        hidden = self.hidden(hide)
        with self.open_library() as database:
            numbers = [self.number_of(song_id) for song_id in database.search(text)]
            visible = [n for n in numbers if n is not None and (hidden is None or not hidden[n])]
            return [(number, database.song(self.song_ids[number])) for number in visible[:limit]]

    def search_unmapped(self, text: str, *, limit: int) -> list[SongRow]:
        """Find songs that are in the library, but not yet on the map."""
        if not self.unmapped and not self.is_first_look:
            return []
        with self.open_library() as database:
            found = [song_id for song_id in database.search(text) if self.number_of(song_id) is None]
            return [database.song(song_id) for song_id in found[:limit]]

    def suggest(self, text: str, *, hide: tuple[str, ...] = ()) -> list[dict]:
        """Return suggestions for a search that is being typed; songs that `Filter.hide` hides are left out.

        Returns
        -------
        list of dict
            First at most two genres and two artists to filter by: "kind" ("genre" or "artist"), "name" and
            "songs" (how many). Then at most 8 songs: "kind" ("song"), "id", "title", "artist" and
            "is_mapped"; songs that are not on the map come last.
        """
        if not text.strip():
            return []
        mapped = [song for _, song in self.search(text, hide=hide)]
        unmapped = self.search_unmapped(text, limit=MAX_SUGGESTED_SONGS - len(mapped))
        songs = [
            {"kind": "song", "id": song.song_id, "title": song.title, "artist": song.artist}
            | {"is_mapped": rank < len(mapped)}
            for rank, song in enumerate([*mapped, *unmapped])
        ]
        hidden = self.hidden(hide)
        return [*self.facets.suggest(text, limit=MAX_SUGGESTED_VALUES, hidden=hidden), *songs]

    def matching(self, chosen: Filter, clusters: Grouping) -> np.ndarray | None:
        """Return which songs match a filter [shape=(n,), bool]; None if it has no condition.

        Hidden songs can match. `clusters` are the clusters or regions that the page shows: see
        `songs_in_clusters`.
        """
        in_clusters = songs_in_clusters(chosen.clusters, clusters, self.clusters)
        if not chosen.uses_tags:
            return in_clusters
        matching = self.facets.matching(chosen)
        return matching if in_clusters is None else matching & in_clusters

    def hidden(self, hide: tuple[str, ...]) -> np.ndarray | None:
        """Return which songs `Filter.hide` hides [shape=(n,), bool]; None if it hides none."""
        return self.file_status.hidden(hide) if hide else None

    @_computed_once
    def facets(self) -> Facets:
        """The values that songs can be filtered by; read from the library once."""
        with self.open_library() as database, database.snapshot():
            facts = values_in_order(self.song_ids, database.iterate_facts(), SongFacts())
            return Facets.of(facts, self._genres(database))

    @_computed_once
    def file_status(self) -> FileStatus:
        """Which songs have a missing file or the same sound as another; read from the library once."""
        with self.open_library() as database, database.snapshot():
            groups, missing = database.duplicates(), database.gone_songs()
        return FileStatus.of(self.song_ids, groups=groups, missing=missing)

    def same_recordings(self, index: int) -> tuple[int, ...]:
        """Return the numbers of the songs that are another encoding of a song: see `same_recordings.py`."""
        others = set(self._alike_songs.of(index)).difference(self.file_status.others_like(index))
        if not others:
            return ()
        with self.open_library() as database:
            asked = [self.song_ids[number] for number in sorted({index, *others})]
            song_ids, vectors = database.vectors(dtype=np.float32, song_ids=asked)
        if self.song_ids[index] not in song_ids:
            return ()
        is_same = is_same_recording(vectors[song_ids.index(self.song_ids[index])], vectors)
        found = (self.number_of(song_id) for song_id, same in zip(song_ids, is_same, strict=True) if same)
        return tuple(number for number in found if number != index)

    @_computed_once
    def _alike_songs(self) -> AlikeSongs:
        number_of = {song_id: number for number, song_id in enumerate(self.song_ids)}
        with self.open_library() as database, database.snapshot():
            return AlikeSongs(
                (number_of[song_id], title, duration_s)
                for song_id, title, duration_s in database.titles_and_durations()
                if song_id in number_of
            )

    # Neighbours

    def nearest(self, index: int, k: int = 10, *, hide: tuple[str, ...] = ()) -> list[tuple[int, float]]:
        """Return the numbers of the songs that sound most like a song, and their similarities.

        A similarity is the cosine of two vectors after the library's mean was subtracted (centred cosine).

        Parameters
        ----------
        hide : tuple of str
            As `Filter.hide`: these songs are left out. If duplicates are hidden, songs with the same sound as
            this one are left out too.
        """
        if index in self._without_vector:
            with self.open_library() as database:
                database.vector(self.song_ids[index])  # It raises the reason.
        hidden = self.hidden(hide)
        skipped = np.zeros(len(self), dtype=bool) if hidden is None else hidden.copy()
        skipped[list(self._without_vector)] = True
        if "duplicates" in hide:
            skipped[list(self.file_status.others_like(index))] = True
        return _pairs(self._neighbours.nearest(index, k, skipped=skipped))

    def nearest_to(self, vector: np.ndarray, k: int = 10) -> list[tuple[int, float]]:
        """Return the songs most like an uploaded song, given its vector, and their similarities to it."""
        skipped = np.zeros(len(self), dtype=bool)
        skipped[list(self._without_vector)] = True
        return _pairs(self._neighbours.nearest_to(vector, k, skipped=skipped))

    def place(self, vector: np.ndarray) -> dict[str, list[float]]:
        """Return where an uploaded song would lie on each map if it were indexed."""
        from explorer.mapping.place_one import place_song

        places = place_song(self._neighbours, self._reduced, self.positions, vector)
        return {name: [float(x), float(y)] for name, (x, y) in places.items()}

    @property
    def _neighbours(self) -> Search:
        return self._compared[0]

    @property
    def _without_vector(self) -> frozenset[int]:
        """The numbers of the songs whose vectors are damaged."""
        return self._compared[1]

    @_computed_once
    def _compared(self) -> tuple[Search, frozenset[int]]:
        if len(self) > MAX_SONGS_IN_MEMORY:
            return self._compared_on_disk()
        with self.open_library() as database:
            vectors = SongVectors.read(database)
            damaged = frozenset(map(self.number_of, database.left_out)) - {None}
        missing = np.flatnonzero(vectors.rows_of(self.song_ids) < 0).tolist()
        if not damaged.issuperset(missing):
            raise LibraryError("The library has changed since this page was loaded: reload it.")
        return vectors.select(self.song_ids, or_mean=bool(missing)).neighbours, frozenset(missing)

    def _compared_on_disk(self) -> tuple[Search, frozenset[int]]:
        # Of a copy without what is computed once: the search lives as long as the map, and may outlive this.
        source = MapVectors(self.song_ids, replace(self).open_library)
        search = CompactNeighbours(source, size=VECTOR_SIZE)
        missing = np.flatnonzero(~source.has_vector).tolist()
        if not source.damaged.issuperset(self.song_ids[number] for number in missing):
            raise LibraryError("The library has changed since this page was loaded: reload it.")
        return search, frozenset(missing)

    # Groups and scales

    @property
    def scales_offered(self) -> set[str]:
        """The kinds of `SCALES` of which a song seems to have a value: read quickly, for the controls."""
        return self._kept_with_features("offered", _read_offered)

    def scale(self, name: str) -> Scale | KeyCircle | None:
        """Return the values of a kind of `SCALES`; None if no song has one, or there is no such kind."""
        if name not in SCALES:
            return None
        if name in FEATURE_SCALES:
            scale = self._kept_with_features("values", self._read_feature_values).scales[name]
        else:
            scale = self._cached(self._scales, name, lambda: self._make_scale(name))
        return scale if scale.has_values else None

    def _make_scale(self, name: str) -> Scale:
        facets = self.facets
        return Scale(SCALES[name], facets.years_known() if name == "year" else facets.duration_of_song)

    def _read_feature_values(self, database: Database) -> FeatureValues:
        rows = values_in_order(self.song_ids, database.iterate_feature_rows(), FeatureRow())
        return FeatureValues.of(rows, len(self))

    def _kept_with_features(self, key: str, read: Callable[[Database], T]) -> T:
        """Return what `read` returns; it is read again after the features of songs have changed.

        An index run can add features to a library without changing its map or its files.
        """
        with self.open_library() as database, self._lock:
            stamp = database.features_stamp()
            if self._features.get(key, (None,))[0] != stamp:
                self._features[key] = (stamp, read(database))
            return self._features[key][1]

    def known_features(self, index: int) -> KnownFeatures:
        """Return the tempo, key, energy, loudness and brightness of a song."""
        with self.open_library() as database:
            return known_features(database.feature_row(self.song_ids[index]))

    def grouping(self, colouring: str, *, cluster_count: int | None = None) -> Grouping:
        """Return the groups that colour the map.

        Parameters
        ----------
        colouring : {"cluster", "genre", "artist"}
        cluster_count : int, optional
            None for the stored clusters. Clusters of other counts are computed at first use and then cached.
        """
        if colouring == "cluster" and cluster_count in (None, len(self.clusters.names)):
            return self.clusters
        key = cluster_count if colouring == "cluster" else colouring
        return self._cached(self._groupings, key, lambda: self._make_grouping(colouring, cluster_count))

    def known_clusters(self, count: int | None) -> Grouping:
        """Return `count` clusters if they are cached, else the stored ones; nothing is computed."""
        return self._groupings.get(count, self.clusters) if count is not None else self.clusters

    def regions(self, count: int) -> tuple[Regions, Grouping]:
        """Divide the PCA map into regions; return them and the songs grouped by region. Each count is cached.

        Raises
        ------
        LibraryError
            If the library has no PCA map.
        """
        count = min(max(count, 1), MAX_CLUSTERS)
        return self._cached(self._regions, count, lambda: self._make_regions(count))

    def _cached(self, cache: dict, key: object, make: Callable[[], object]) -> object:
        with self._lock:
            if key not in cache:
                cache[key] = make()
            return cache[key]

    def _make_grouping(self, colouring: str, cluster_count: int | None) -> Grouping:
        if colouring == "cluster":
            return self._make_clusters(min(max(cluster_count, 1), MAX_CLUSTERS))
        with self.open_library() as database, database.snapshot():
            if colouring == "genre":
                firsts = (names[0] if names else "" for names in self._genres(database))
                return group_by_text("Genres", firsts, missing=NO_GENRE)
            artists = values_in_order(self.song_ids, database.iterate_artists(), "")
            return group_by_text("Artists", artists, missing=NO_ARTIST)

    def _make_clusters(self, count: int) -> Grouping:
        """Cluster the songs; number the clusters so that most songs keep their stored number."""
        from explorer.mapping.clustering import match_labels

        return self._named_groups("Clusters", match_labels(self.clusters.members, self._cluster(count)))

    def _make_regions(self, count: int) -> tuple[Regions, Grouping]:
        from explorer.mapping.voronoi import voronoi_regions

        if "pca" not in self.positions:
            command = command_line("map", database=self.database)
            raise LibraryError(
                f"{self.database} has no PCA map, which the original view needs: run `{command}`."
            )
        regions = voronoi_regions(self.positions["pca"], count=count, seed=0)
        return regions, self._named_groups("Regions", regions.labels)

    def _named_groups(self, title: str, labels: np.ndarray) -> Grouping:
        from explorer.mapping.cluster_names import EarlierNames, name_clusters
        from explorer.mapping.clustering import representatives

        # With one cluster more, the others keep their names.
        stored = EarlierNames(self.clusters.members, self.clusters.names)
        names = name_clusters(labels, self._vocabulary, earlier=stored)
        return Grouping(title, names, labels, representatives(self._reduced, labels).tolist())

    def _cluster(self, count: int) -> np.ndarray:
        from explorer.mapping.clustering import cluster

        return cluster(self._reduced, count, seed=0)

    @_computed_once
    def _reduced(self) -> np.ndarray:
        return self._neighbours.reduced

    @_computed_once
    def _vocabulary(self):
        from explorer.mapping.cluster_names import Vocabulary

        with self.open_library() as database, database.snapshot():
            return Vocabulary.of(values_in_order(self.song_ids, database.iterate_documents(), ()))

    def warm_up(self) -> None:
        """Compute what the first search, song, colouring and new cluster count need."""
        _ = self.file_status, self._alike_songs, self.facets
        for colouring in ("genre", "artist"):
            _ = self.grouping(colouring).slots
        self._neighbours.nearest(0, 1)
        # After a first look the next snapshot follows soon. To name new clusters, a larger library needs half
        # a minute and 0.4 GB, and few people ask for them.
        if self.is_first_look or len(self) > MAX_SONGS_IN_MEMORY:
            return
        self._cluster(2)
        _ = self._vocabulary


def _read_offered(database: Database) -> set[str]:
    offered = database.known_features(tempo_from=TEMPO_SURE_FROM, key_from=KEY_SURE_FROM)
    return offered | {"length"} | ({"year"} if database.has_years() else set())


def _pairs(found: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, float]]:
    numbers, similarities = found
    return list(zip(numbers.tolist(), similarities.tolist(), strict=True))
