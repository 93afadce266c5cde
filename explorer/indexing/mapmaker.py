"""Makes the map of a library: positions, clusters, names and figures of trust, stored as one."""

from __future__ import annotations

from collections import Counter

import numpy as np

from explorer.library.database import Database
from explorer.library.records import Map, SongRow
from explorer.mapping.clustering import anthems, cluster, default_cluster_count
from explorer.mapping.labelling import name_clusters
from explorer.mapping.neighbours import centred_unit_rows
from explorer.mapping.projection import METHODS, default_parameters, map_space, project
from explorer.mapping.quality import neighbour_preservation, neighbour_purity, trustworthiness
from explorer.progress import Reporter

TITLES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
SEED = 0
SONGS_THAT_MAKE_A_GENRE = 3
"""Genres of one or two songs are tags' whims: as many clusters would be mostly single songs."""


def make_map(database: Database, *, reporter: Reporter, cluster_count: int | None = None) -> Map:
    """Compute the map of every song that has a vector, and store it.

    Raises
    ------
    LibraryError
        If the library is empty or cannot be written.
    MappingError
        If a vector is not finite.
    """
    database.require_songs()
    # One state of the library: an index may be storing songs meanwhile.
    with database.snapshot():
        song_ids, vectors = database.vectors()
        songs = database.songs()
    reduced = map_space(vectors)
    directions, _ = centred_unit_rows(vectors)
    positions, parameters, quality = {}, {}, {}
    for method in METHODS:
        reporter.say(f"Mapping {len(song_ids):,} songs: {TITLES[method]}")
        parameters[method] = default_parameters(method, len(song_ids)) | {"seed": SEED}
        positions[method] = project(method, reduced, seed=SEED)
        quality[method] = {
            "trustworthiness": trustworthiness(directions, positions[method]),
            "neighbours_kept": neighbour_preservation(vectors, positions[method]),
        }
    reporter.say(f"Mapping {len(song_ids):,} songs: clusters and their names")
    labels = _cluster(reduced, songs, cluster_count)
    anthem_ids = [song_ids[index] for index in anthems(reduced, labels)]
    new = Map(
        song_ids=song_ids,
        positions=positions,
        parameters=parameters,
        quality=quality,
        labels=labels,
        cluster_names=name_clusters(labels, documents_of(songs)),
        anthems=anthem_ids,
    )
    database.store_map(new)
    return new


def genre_purity(database: Database) -> tuple[float, float] | None:
    """Return the share of the ten nearest songs that have a song's genre, and what chance gives.

    None where no genre has two songs.
    """
    with database.snapshot():
        _, vectors = database.vectors()
        genres = [song.genres[0] if song.genres else "" for song in database.songs()]
    purity, chance = neighbour_purity(vectors, genres)
    return None if purity is None else (purity, chance)


def documents_of(songs: list[SongRow]) -> list[dict]:
    """Return what clusters are named after: genres, artist, album and title of each song."""
    return [
        {"genres": list(song.genres), "artist": song.artist, "album": song.album, "title": song.title}
        for song in songs
    ]


def _cluster(reduced: np.ndarray, songs: list[SongRow], count: int | None) -> np.ndarray:
    if count is None:
        sizes = Counter(song.genres[0] for song in songs if song.genres)
        n_genres = sum(size >= SONGS_THAT_MAKE_A_GENRE for size in sizes.values())
        count = default_cluster_count(reduced, n_genres=n_genres, seed=SEED)
    return cluster(reduced, count, seed=SEED)
