"""Divides songs into groups, and computes the direction (a unit vector) from a mean vector to each song."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.mapping.clustering import cluster, default_cluster_count, distinct_rows
from explorer.mapping.projection import reduce
from explorer.mapping.similarity import Neighbours
from explorer.mapping.unit_rows import centred_unit_rows

# Songs are grouped by genre only if at least this share of them has a genre.
_MIN_SHARE_WITH_GENRE = 0.5


@dataclass(frozen=True)
class Groups:
    """A division of n songs into groups.

    Attributes
    ----------
    kind : {"genre", "cluster", "k-means"}
        The source of the groups: the songs' tags, the map's clusters, or clusters made for this comparison.
    names : list of str
    group_of : np.ndarray [shape=(n,), int64]
        The number of each song's group; -1 for none.
    """

    kind: str
    names: list[str]
    group_of: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """The number of songs in each group [shape=(len(names),), int64]."""
        return np.bincount(self.group_of[self.group_of >= 0], minlength=len(self.names))

    def among(self, rows: np.ndarray) -> Groups:
        """Return the groups of the songs in these rows; a negative row belongs to no group."""
        group_of = np.where(rows >= 0, self.group_of[np.maximum(rows, 0)], -1)
        return Groups(self.kind, self.names, group_of).largest()

    def largest(self, max_groups: int | None = None) -> Groups:
        """Return the largest groups, largest first, without empty ones; songs of other groups get -1."""
        counts = self.counts
        order = [group for group in np.argsort(-counts, kind="stable") if counts[group]][:max_groups]
        # One element more than groups, so that the index -1 (no group) gives -1.
        rank = np.full(len(self.names) + 1, -1)
        rank[order] = np.arange(len(order))
        return Groups(self.kind, [self.names[group] for group in order], rank[self.group_of])


def directions_from_library_mean(
    neighbours: Neighbours, rows: np.ndarray, file_vectors: np.ndarray
) -> np.ndarray:
    """Return unit vectors from the library's mean to songs of the library and to files from outside it.

    Parameters
    ----------
    neighbours : Neighbours
        The library's vectors.
    rows : np.ndarray [shape=(a,), int64]
        The songs, as rows of the library.
    file_vectors : np.ndarray [shape=(b, 512)]
        The files' vectors, as embedded.

    Returns
    -------
    np.ndarray [shape=(a + b, 512 or 513), float32]
    """
    is_whole_library = np.array_equal(rows, np.arange(len(neighbours)))
    directions = neighbours.rows if is_whole_library else neighbours.rows[rows]
    if len(file_vectors):
        of_files = (neighbours.direction(vector).astype(np.float32) for vector in file_vectors)
        directions = np.vstack([directions, *of_files])
    return _replace_zero_rows(directions)


def directions_from_own_mean(vectors: np.ndarray, *, is_centred: bool = True) -> np.ndarray:
    """Return unit vectors from the mean of vectors [shape=(n, d)] (or from zero) to each of them.

    Returns
    -------
    np.ndarray [shape=(n, d or d + 1), float32]
    """
    if is_centred:
        return _replace_zero_rows(centred_unit_rows(vectors)[0])
    return scale_to_unit_length(vectors.astype(np.float64)).astype(np.float32)


def scale_to_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors [shape=(n, d), float64] to length 1 [shape=(n, d or d + 1), float64]."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return _replace_zero_rows(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-9))


def _replace_zero_rows(directions: np.ndarray) -> np.ndarray:
    """Give one common direction to all songs whose vector equals the mean, because it has no direction.

    Such songs are copies of each other: they must have similarity 1 with each other and 0 with all other
    songs. For this direction one column is added, but only if there are such songs.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, d)]
        Rows of length 1, or zeros.
    """
    is_zero = ~directions.any(axis=1)
    return np.column_stack([directions, is_zero.astype(directions.dtype)]) if is_zero.any() else directions


def group_by_genre(genres: Sequence[tuple[str, ...]], *, wanted: Sequence[str] = ()) -> Groups:
    """Group each song by the first of its genres that is wanted; if none is, by its first genre.

    Parameters
    ----------
    genres : sequence of tuple of str
        Each song's genres, as spelt in its tags; spellings that differ only in case are the same genre.
    wanted : sequence of str
        Genres that the user asked for.

    Returns
    -------
    Groups
        The largest first.
    """
    wanted_keys = {genre.casefold() for genre in wanted}
    spellings: dict[str, Counter] = {}
    keys = []
    for song_genres in genres:
        first = song_genres[0] if song_genres else ""
        genre = next((genre for genre in song_genres if genre.casefold() in wanted_keys), first)
        keys.append(genre.casefold())
        spellings.setdefault(genre.casefold(), Counter())[genre] += 1
    spellings.pop("", None)
    ordered = sorted(spellings, key=lambda key: (-spellings[key].total(), key))
    rank = {key: group for group, key in enumerate(ordered)}
    group_of = np.array([rank.get(key, -1) for key in keys], dtype=np.int64)
    return Groups("genre", [spellings[key].most_common(1)[0][0] for key in ordered], group_of)


def group_songs(
    genres: Sequence[tuple[str, ...]], *, wanted: Sequence[str] = (), clusters: Groups | None = None
) -> Groups | None:
    """Group songs by genre, or by the map's clusters if fewer than half of them have a genre.

    Returns
    -------
    Groups or None
        At least two groups; None if neither genres nor clusters divide the songs.
    """
    by_genre = group_by_genre(genres, wanted=wanted)
    if len(by_genre.names) > 1 and (by_genre.group_of >= 0).mean() >= _MIN_SHARE_WITH_GENRE:
        return by_genre
    if clusters is not None and len(clusters.names) > 1:
        return clusters
    return by_genre if len(by_genre.names) > 1 else None


def group_by_sound(directions: np.ndarray) -> Groups:
    """Group songs by k-means, like the map's clusters; one group only if all songs have the same vector.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, d), float32]
        Unit vectors.
    """
    reduced = reduce(directions)
    count = default_cluster_count(reduced)
    if count == 1:
        # A comparison needs at least two groups.
        count = min(2, len(distinct_rows(reduced)[0]))
    group_of = cluster(reduced, count).astype(np.int64)
    return Groups("k-means", [f"Group {group + 1}" for group in range(group_of.max() + 1)], group_of)
