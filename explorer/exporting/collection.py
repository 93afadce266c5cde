"""Reads the songs to export, their positions on the map and their vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.database.features import FeatureRow
from explorer.database.records import VECTOR_SIZE
from explorer.database.songs import PlaylistSong
from explorer.database.vectors import VectorCounts
from explorer.errors import AnalysisError
from explorer.mapping.projection import METHODS
from explorer.mapping.similarity import SongVectors
from explorer.structure.known_features import KnownFeatures
from explorer.util.commands import command_line
from explorer.util.sorted_rows import values_in_order

_MAX_CLUSTERS_IN_MESSAGE = 12
_MAX_GENRES_IN_MESSAGE = 5


@dataclass(frozen=True, eq=False)
class Collection:
    """The songs to export, in the order of their ids.

    Attributes
    ----------
    songs : list of PlaylistSong, length n
        Includes songs without a vector and songs without a file.
    positions : dict of str to np.ndarray [shape=(n, 2), float32]
        For each projection of the map, the songs' positions; NaN for songs that are not on the map.
    features : list of KnownFeatures, length n
        Tempo, key, energy, loudness and brightness of each song, as far as they are known.
    clusters : np.ndarray [shape=(n,), int32]
        Each song's cluster number on the map; -1 for songs without a cluster.
    cluster_names : list of str
        The name of each cluster, by its number.
    is_trained : bool or None
        Whether the model has trained weights; None if the model is unknown.
    song_vectors : SongVectors of m songs [shape=(m, 512), float32]
        The vectors of the whole library, also where only some songs are exported: similarity is computed
        after subtracting the library's mean vector. Empty if vectors were not requested.
    first_look : VectorCounts, optional
        How far the vectors are.
    """

    songs: list[PlaylistSong]
    positions: dict[str, np.ndarray]
    features: list[KnownFeatures]
    clusters: np.ndarray
    cluster_names: list[str]
    is_trained: bool | None
    song_vectors: SongVectors
    first_look: VectorCounts | None = None

    @cached_property
    def vector_rows(self) -> np.ndarray:
        """Each song's row of `song_vectors` [shape=(n,), int64]; -1 for songs without a vector."""
        return self.song_vectors.rows_of([song.song_id for song in self.songs])

    def select(self, rows: np.ndarray) -> Collection:
        """Return a collection of the songs in these rows."""
        return replace(
            self,
            songs=[self.songs[row] for row in rows],
            positions={name: positions[rows] for name, positions in self.positions.items()},
            features=[self.features[row] for row in rows],
            clusters=self.clusters[rows],
        )

    def cluster_name(self, cluster: int) -> str:
        """Return a cluster's name; "" for cluster -1."""
        return self.cluster_names[cluster] if cluster >= 0 else ""

    def positions_in(self, projection: str | None) -> np.ndarray:
        """Return the songs' positions in a projection [shape=(n, 2), float32]; NaN for unknown positions."""
        unknown = np.full((len(self.songs), 2), np.nan, dtype=np.float32)
        return self.positions.get(projection, unknown)


def collect(
    database: Database,
    *,
    genres: Sequence[str] = (),
    clusters: Sequence[str] = (),
    with_vectors: bool = False,
) -> Collection:
    """Read the songs of a library, or only those of the given genres and clusters.

    Parameters
    ----------
    genres : sequence of str
        Read only songs with at least one of these genres, in any case. Empty for all songs.
    clusters : sequence of str
        Read only songs in one of these clusters, given by name or number. Empty for all songs.
    with_vectors : bool
        Read the vectors too: 200 MB for 100,000 songs.

    Raises
    ------
    LibraryError
        If the library is empty or damaged. A song with a damaged vector counts as a song without a vector.
    AnalysisError
        If the library does not have a given genre or cluster, or no song matches both.
    """
    with database.snapshot():
        collection = _read(database, with_vectors)
    is_selected = _in_clusters(collection, clusters, database.path)
    if genres:
        is_selected &= songs_of_genres(database.path, [song.genres for song in collection.songs], genres)
    if not is_selected.any():
        raise AnalysisError(
            "No song has one of these genres and is in one of these clusters: leave out --genre or --cluster."
        )
    return collection if is_selected.all() else collection.select(np.flatnonzero(is_selected))


def _read(database: Database, with_vectors: bool) -> Collection:
    song_ids = sorted(database.artists())
    if not song_ids:
        database.require_songs()
    songs = database.playlist_songs(song_ids)
    song_ids = [song.song_id for song in songs]
    labels, names, _ = database.clusters()
    song_vectors = SongVectors.read(database) if with_vectors else SongVectors([], np.empty((0, VECTOR_SIZE)))
    model, stored = database.model(), database.projections()
    return Collection(
        songs=songs,
        positions=database.positions_of(song_ids, [name for name in METHODS if name in stored]),
        features=_features(database, song_ids),
        clusters=np.array([labels.get(song_id, -1) for song_id in song_ids], dtype=np.int32),
        cluster_names=names,
        is_trained=model.get("trained") if model else None,
        song_vectors=song_vectors,
        first_look=database.vector_counts(),
    )


def _features(database: Database, song_ids: Sequence[str]) -> list[KnownFeatures]:
    rows = values_in_order(song_ids, database.iterate_feature_rows(), FeatureRow())
    return [KnownFeatures.of(row, tag_tempo=row.tag_tempo, tag_key=row.tag_key) for row in rows]


def songs_of_genres(
    library: Path, genres_of_songs: Sequence[tuple[str, ...]], genres: Sequence[str]
) -> np.ndarray:
    """Return which songs have at least one of the given genres, in any case [shape=(n,), bool].

    Parameters
    ----------
    library : Path
        The library's path, for the error message.
    genres_of_songs : sequence of tuple of str [length=n]
        The genres of each song.
    genres : sequence of str
        The genres to look for.

    Raises
    ------
    AnalysisError
        If no song has a given genre.
    """
    counts = Counter(genre for song_genres in genres_of_songs for genre in song_genres)
    known = {genre.casefold() for genre in counts}
    for genre in genres:
        if genre.casefold() not in known:
            similar = get_close_matches(genre, counts, _MAX_GENRES_IN_MESSAGE, cutoff=0.5)
            suggested = similar or [name for name, _ in counts.most_common(_MAX_GENRES_IN_MESSAGE)]
            hint = (
                f"choose for example {', '.join(map(repr, suggested))}" if suggested else "it has no genres"
            )
            raise AnalysisError(f"No song of {library} has the genre {genre!r}: {hint}.")
    wanted = {genre.casefold() for genre in genres}
    return np.array(
        [not wanted.isdisjoint(map(str.casefold, song_genres)) for song_genres in genres_of_songs], dtype=bool
    )


def _in_clusters(collection: Collection, clusters: Sequence[str], database: Path) -> np.ndarray:
    """Return which songs are in one of the given clusters [shape=(n,), bool]; all if none is given."""
    if not clusters:
        return np.ones(len(collection.songs), dtype=bool)
    names = collection.cluster_names
    if not names:
        command = command_line("map", database=database)
        raise AnalysisError(f"The library has no clusters yet: run `{command}` first.")
    # If several clusters have the same name, the name means the first of them.
    by_name = {name.casefold(): number for number, name in reversed(list(enumerate(names)))}
    by_number = {str(number): number for number in range(len(names))}
    wanted = []
    for cluster in clusters:
        number = by_name.get(cluster.casefold(), by_number.get(cluster))
        if number is None:
            shown = [f"{number} ({name})" for number, name in enumerate(names[:_MAX_CLUSTERS_IN_MESSAGE])]
            more = ", …" if len(names) > _MAX_CLUSTERS_IN_MESSAGE else ""
            raise AnalysisError(
                f"The map has no cluster {cluster!r}: choose one of {', '.join(shown)}{more}."
            )
        wanted.append(number)
    return np.isin(collection.clusters, wanted)
