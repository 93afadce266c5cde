"""The library as a page needs it: one snapshot in memory, songs numbered as the map numbers them."""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from explorer.errors import LibraryError, SongNotFoundError
from explorer.indexing.mapmaker import documents_of
from explorer.library.database import Database
from explorer.library.records import SongRow

MAX_CLUSTERS = 50


@dataclass(frozen=True)
class Grouping:
    """One way to colour the songs.

    Attributes
    ----------
    names : list of str
        The groups, the largest first.
    members : np.ndarray [shape=(n,), int32]
        Each song's group.
    """

    title: str
    names: list[str]
    members: np.ndarray

    @cached_property
    def counts(self) -> np.ndarray:
        """How many songs each group has [shape=(len(names),), int]."""
        return np.bincount(self.members, minlength=len(self.names))


@dataclass(frozen=True)
class Catalogue:
    """Every song that is on the map, and the maps.

    Attributes
    ----------
    positions : dict of str to np.ndarray [shape=(n, 2), float32]
    unmapped : int
        Songs that were indexed after the map was made.
    """

    database: Path
    revision: int
    songs: list[SongRow]
    positions: dict[str, np.ndarray]
    quality: dict[str, dict]
    clusters: Grouping
    trained: bool
    unmapped: int
    _groupings: dict[object, Grouping] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def song(self, index: int) -> SongRow:
        """Return a song by its number on the map.

        Raises
        ------
        SongNotFoundError
            If there is no such number.
        """
        if not 0 <= index < len(self.songs):
            raise SongNotFoundError(f"The map has no song number {index}: reload the page.")
        return self.songs[index]

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
        with self._lock:
            if key not in self._groupings:
                self._groupings[key] = self._make_grouping(colouring, cluster_count)
            return self._groupings[key]

    def _make_grouping(self, colouring: str, cluster_count: int | None) -> Grouping:
        if colouring == "genre":
            return group_by_text(
                "Genres", [song.genres[0] if song.genres else "" for song in self.songs], missing="no genre"
            )
        if colouring == "artist":
            return group_by_text("Artists", [song.artist for song in self.songs], missing="no artist")
        return self._cluster_again(min(max(cluster_count, 1), MAX_CLUSTERS))

    def _cluster_again(self, count: int) -> Grouping:
        from explorer.mapping.clustering import cluster
        from explorer.mapping.labelling import name_clusters

        labels = cluster(self._reduced, count, seed=0)
        return Grouping("Clusters", name_clusters(labels, documents_of(self.songs)), labels)

    @cached_property
    def _reduced(self) -> np.ndarray:
        from explorer.mapping.projection import map_space

        with Database.open_readonly(self.database) as database:
            song_ids, vectors = database.vectors()
        rows = {song_id: row for row, song_id in enumerate(song_ids)}
        try:
            return map_space(vectors[[rows[song.song_id] for song in self.songs]])
        except KeyError as error:
            raise LibraryError("The library has changed since this page was loaded: reload it.") from error

    @cached_property
    def _folded(self) -> list[tuple[str, str]]:
        return [(fold(song.title), fold(song.artist)) for song in self.songs]

    def search(self, text: str, *, limit: int = 8) -> list[int]:
        """Find songs whose title or artist holds every word of a text, accents and case aside.

        Returns
        -------
        list of int
            Numbers on the map: titles that begin with the text first, then titles with a word that
            does, then the others.
        """
        wanted = fold(text)
        words = wanted.split()
        if not words:
            return []
        found = [
            (_rank(wanted, title, artist), len(title), index)
            for index, (title, artist) in enumerate(self._folded)
            if all(word in title or word in artist for word in words)
        ]
        return [index for *_, index in sorted(found)[:limit]]


def _rank(wanted: str, title: str, artist: str) -> int:
    if title.startswith(wanted):
        return 0
    if f" {wanted}" in title:
        return 1
    return 2 if artist.startswith(wanted) else 3


def fold(text: str) -> str:
    """Reduce a text to what a search compares: no accents, no case."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def group_by_text(title: str, texts: list[str], *, missing: str) -> Grouping:
    """Group songs by a text, the most common one first; those without any come last."""
    names, inverse, counts = np.unique(np.array(texts, dtype=object), return_inverse=True, return_counts=True)
    order = sorted(range(len(names)), key=lambda i: (names[i] == "", -counts[i], names[i]))
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names))
    return Grouping(title, [names[i] or missing for i in order], rank[inverse])


class Shelf:
    """Keeps the newest snapshot, and reads it again when a new map was stored."""

    def __init__(self, database: Path):
        self._database = database
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None

    def latest(self) -> Catalogue:
        """Return the library as it is now.

        Raises
        ------
        LibraryError
            If there is no library.
        LibraryBusyError
            If another program holds the database.
        """
        with self._lock, Database.open_readonly(self._database) as database:
            with database.snapshot():
                stamp = (database.map_revision(), database.summary()["vectors"])
                held = self._catalogue
                if held is None or stamp != (held.revision, len(held.songs) + held.unmapped):
                    self._catalogue = load_catalogue(database)
            return self._catalogue

    def held(self) -> Catalogue:
        """Return the snapshot that the page was drawn from, without asking the database."""
        return self._catalogue or self.latest()


def load_catalogue(database: Database) -> Catalogue:
    """Read a snapshot."""
    projections = database.projections()
    positions = {name: database.positions(name) for name in projections}
    songs = database.songs()
    mapped = [song for song in songs if positions and all(song.song_id in p for p in positions.values())]
    labels, names, _ = database.clusters()
    model = database.model()
    return Catalogue(
        database=database.path,
        revision=database.map_revision(),
        songs=mapped,
        positions={
            name: np.array([places[song.song_id] for song in mapped], dtype=np.float32).reshape(-1, 2)
            for name, places in positions.items()
        },
        quality={name: projection["quality"] for name, projection in projections.items()},
        clusters=Grouping(
            "Clusters", names, np.array([labels[song.song_id] for song in mapped], dtype=np.int32)
        ),
        trained=model is None or model["trained"],
        unmapped=len(songs) - len(mapped),
    )
