"""Reads the songs to export, with their positions on the map and their vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.database.records import VECTOR_SIZE
from explorer.database.songs import FiledSong
from explorer.errors import AnalysisError, LibraryError
from explorer.mapping.projection import METHODS
from explorer.mapping.similarity import SongVectors

_MOST_SHOWN = 12
_SUGGESTIONS = 5


@dataclass(frozen=True, eq=False)
class Collection:
    """Songs in the order of their ids.

    Attributes
    ----------
    songs : list of FiledSong, length n
        Also those that have no vector yet, or no file.
    positions : dict of str to np.ndarray [shape=(n, 2), float32]
        By projection, those alone that the map has; NaN for songs that are not on it.
    clusters : np.ndarray [shape=(n,), int32]
        As the map numbers them; -1 for songs in none.
    cluster_names : list of str
    trained : bool or None
        Whether the vectors are those of trained filters; None where nobody knows what made them.
    song_vectors : SongVectors of m songs [shape=(m, 512), float32]
        The vectors of the whole library, also where only some songs are exported: similarity is measured
        from the library's mean. Empty if vectors were not requested.
    """

    songs: list[FiledSong]
    positions: dict[str, np.ndarray]
    clusters: np.ndarray
    cluster_names: list[str]
    trained: bool | None
    song_vectors: SongVectors

    @cached_property
    def vector_rows(self) -> np.ndarray:
        """Each song's row of `song_vectors` [shape=(n,), int64]; -1 for songs without a vector."""
        return self.song_vectors.rows_of([song.song_id for song in self.songs])

    def some(self, rows: np.ndarray) -> Collection:
        """Return some of the songs, by their rows."""
        return replace(
            self,
            songs=[self.songs[row] for row in rows],
            positions={name: places[rows] for name, places in self.positions.items()},
            clusters=self.clusters[rows],
        )

    def cluster_name(self, cluster: int) -> str:
        """Return a cluster's name, "" for none."""
        return self.cluster_names[cluster] if cluster >= 0 else ""

    def places(self, projection: str | None) -> np.ndarray:
        """Return the songs' positions [shape=(n, 2), float32], NaN where there are none."""
        nowhere = np.full((len(self.songs), 2), np.nan, dtype=np.float32)
        return self.positions.get(projection, nowhere)


def collect(
    database: Database,
    *,
    genres: Sequence[str] = (),
    clusters: Sequence[str] = (),
    with_vectors: bool = False,
) -> Collection:
    """Read songs, all of them or those of some genres and clusters.

    Parameters
    ----------
    genres : sequence of str
        Songs that have any of these, whatever their case; all where there are none.
    clusters : sequence of str
        Songs in any of these, by name or by number; all where there are none.
    with_vectors : bool
        Read the vectors too: 200 MB for 100,000 songs.

    Raises
    ------
    LibraryError
        If the library is empty, or a vector that is asked for is not 512 finite float64.
    AnalysisError
        If it has no such genre or cluster, or no song is in both.
    """
    with database.snapshot():
        collection = _read(database, with_vectors)
    chosen = _in_clusters(collection, clusters)
    if genres:
        chosen &= songs_of_genres(database.path, [song.genres for song in collection.songs], genres)
    if not chosen.any():
        raise AnalysisError("No song is both of these genres and in these clusters: leave one of them out.")
    return collection if chosen.all() else collection.some(np.flatnonzero(chosen))


def _read(database: Database, with_vectors: bool) -> Collection:
    song_ids = sorted(database.artists())
    if not song_ids:
        database.require_songs()
    songs = database.filed_songs(song_ids)
    song_ids = [song.song_id for song in songs]
    labels, names, _ = database.clusters()
    song_vectors = SongVectors.read(database) if with_vectors else SongVectors([], np.empty((0, VECTOR_SIZE)))
    _require_finite(song_vectors)
    model = database.model()
    return Collection(
        songs=songs,
        positions=positions_of(database, song_ids),
        clusters=np.array([labels.get(song_id, -1) for song_id in song_ids], dtype=np.int32),
        cluster_names=names,
        trained=model.get("trained") if model else None,
        song_vectors=song_vectors,
    )


def _require_finite(song_vectors: SongVectors) -> None:
    not_finite = np.flatnonzero(~np.isfinite(song_vectors.vectors).all(axis=1))
    if len(not_finite):
        raise LibraryError(
            f"The vector of {song_vectors.song_ids[not_finite[0]]!r} holds a value that is not finite: "
            "index with --reindex, or run `python run.py report`."
        )


def _rows_of(song_ids: list[str], known_ids: list[str]) -> np.ndarray:
    rows = {song_id: row for row, song_id in enumerate(known_ids)}
    return np.array([rows.get(song_id, -1) for song_id in song_ids], dtype=np.int64)


def positions_of(database: Database, song_ids: list[str]) -> dict[str, np.ndarray]:
    """Return where each projection of the map shows songs [shape=(n, 2), float32], NaN where it does not."""
    found, there = {}, database.projections()
    for name in (name for name in METHODS if name in there):
        known_ids, positions, _ = database.positions(name)
        # Songs that are not on the map have row -1, which is the last row: NaN.
        with_nowhere = np.vstack([positions, np.full((1, 2), np.nan, dtype=np.float32)])
        found[name] = with_nowhere[_rows_of(song_ids, known_ids)]
    return found


def songs_of_genres(
    library: Path, genres_of_songs: Sequence[tuple[str, ...]], genres: Sequence[str]
) -> np.ndarray:
    """Tell which songs have any of some genres, whatever their case [shape=(n,), bool].

    Raises
    ------
    AnalysisError
        If no song has one of them.
    """
    there = Counter(genre for mine in genres_of_songs for genre in mine)
    wanted, known = ({genre.casefold() for genre in some} for some in (genres, there))
    for genre in genres:
        if genre.casefold() not in known:
            near = get_close_matches(genre, there, _SUGGESTIONS, cutoff=0.5)
            near = near or [name for name, _ in there.most_common(_SUGGESTIONS)]
            found = f"there is {', '.join(map(repr, near))}" if near else "there is no genre at all"
            raise AnalysisError(f"No song of {library} has the genre {genre!r}: {found}.")
    return np.array([not wanted.isdisjoint(map(str.casefold, mine)) for mine in genres_of_songs], dtype=bool)


def _in_clusters(collection: Collection, clusters: Sequence[str]) -> np.ndarray:
    """Tell which songs are in any of some clusters [shape=(n,), bool]."""
    if not clusters:
        return np.ones(len(collection.songs), dtype=bool)
    names = collection.cluster_names
    if not names:
        raise AnalysisError("The library has no clusters yet: run `python run.py map` first.")
    numbers = {name.casefold(): number for number, name in reversed(list(enumerate(names)))}
    by_number = {str(number): number for number in range(len(names))}
    wanted = []
    for cluster in clusters:
        number = numbers.get(cluster.casefold(), by_number.get(cluster))
        if number is None:
            there = ", ".join(f"{number} ({name})" for number, name in enumerate(names[:_MOST_SHOWN]))
            more = ", …" * (len(names) > _MOST_SHOWN)
            raise AnalysisError(
                f"The map has no cluster {cluster!r}: choose one that there is, {there}{more}."
            )
        wanted.append(number)
    return np.isin(collection.clusters, wanted)
