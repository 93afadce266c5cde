"""Unit vectors from a mean vector, and the division of songs into groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.mapping.clustering import cluster, default_cluster_count, distinct_rows
from explorer.mapping.projection import reduce
from explorer.mapping.similarity import Neighbours, centred_unit_rows

# Group by genre only if at least this share of the songs has one.
_LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Groups:
    """A division of songs.

    Attributes
    ----------
    kind : {"genre", "cluster", "k-means"}
        What they are: tags, the map's clusters, or clusters made for the occasion.
    names : list of str
    members : np.ndarray [shape=(n,), int64]
        Each song's group, by its number; -1 for none.
    """

    kind: str
    names: list[str]
    members: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """How many songs each has [shape=(len(names),), int64]."""
        return np.bincount(self.members[self.members >= 0], minlength=len(self.names))

    def among(self, numbers: np.ndarray) -> Groups:
        """Return the groups of some songs, given by row; a negative row belongs to no group."""
        members = np.where(numbers >= 0, self.members[np.maximum(numbers, 0)], -1)
        return Groups(self.kind, self.names, members).largest()

    def largest(self, most: int | None = None) -> Groups:
        """Return the largest groups, largest first, without empty ones; songs of other groups get -1."""
        counts = self.counts
        order = [number for number in np.argsort(-counts, kind="stable") if counts[number]][:most]
        rank = np.full(len(self.names) + 1, -1)
        rank[order] = np.arange(len(order))
        return Groups(self.kind, [self.names[number] for number in order], rank[self.members])


def centred_by_library(space: Neighbours, numbers: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Return directions of a library's songs, and of vectors from outside it, from the library's mean.

    Parameters
    ----------
    space : Neighbours
    numbers : np.ndarray [shape=(a,), int64]
        Songs of it.
    outside : np.ndarray [shape=(b, 512)]

    Returns
    -------
    np.ndarray [shape=(a + b, 512 or 513), float32]
        Of length 1.
    """
    is_everything = np.array_equal(numbers, np.arange(len(space)))
    rows = space.rows if is_everything else space.rows[numbers]
    if len(outside):
        rows = np.vstack([rows, *(space.direction(vector).astype(np.float32) for vector in outside)])
    return all_of_length_one(rows)


def centred_by_themselves(vectors: np.ndarray, *, is_centred: bool = True) -> np.ndarray:
    """Return directions of vectors [shape=(n, d)] from their own mean, or from the origin.

    Returns
    -------
    np.ndarray [shape=(n, d or d + 1), float32]
        Of length 1.
    """
    if is_centred:
        return all_of_length_one(centred_unit_rows(vectors)[0])
    return unit_rows(vectors.astype(np.float64)).astype(np.float32)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Return vectors [shape=(n, d), float64] at length 1 [shape=(n, d or d + 1), float64]."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return all_of_length_one(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-9))


def all_of_length_one(rows: np.ndarray) -> np.ndarray:
    """Give songs that are the mean itself, and so have no direction, one of their own.

    They are copies of each other: they must be alike, and unrelated to all others. That takes one more
    column, which is added only where there are such songs.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32]
        Of length 1, or zeros.
    """
    is_mean = ~rows.any(axis=1)
    return np.column_stack([rows, is_mean.astype(rows.dtype)]) if is_mean.any() else rows


def group_by_genre(genres: Sequence[tuple[str, ...]], *, wanted: Sequence[str] = ()) -> Groups:
    """Divide songs by their first genre, or by the first of those that were asked for.

    Parameters
    ----------
    genres : sequence of tuple of str
        Each song's, as its tags have them; spellings that differ in case alone are one.
    wanted : sequence of str
        Where a song has one of these, that counts.

    Returns
    -------
    Groups
        The largest first.
    """
    asked = {genre.casefold() for genre in wanted}
    spellings: dict[str, Counter] = {}
    keys = []
    for mine in genres:
        chosen = next((genre for genre in mine if genre.casefold() in asked), mine[0] if mine else "")
        keys.append(chosen.casefold())
        spellings.setdefault(chosen.casefold(), Counter())[chosen] += 1
    spellings.pop("", None)
    ordered = sorted(spellings, key=lambda key: (-spellings[key].total(), key))
    rank = {key: number for number, key in enumerate(ordered)}
    members = np.array([rank.get(key, -1) for key in keys], dtype=np.int64)
    return Groups("genre", [spellings[key].most_common(1)[0][0] for key in ordered], members)


def group_songs(
    genres: Sequence[tuple[str, ...]], *, wanted: Sequence[str] = (), clusters: Groups | None = None
) -> Groups | None:
    """Divide songs by what says most of them: genres where most have one, else the map's clusters.

    Returns
    -------
    Groups or None
        At least two, or None where neither divides the songs.
    """
    by_genre = group_by_genre(genres, wanted=wanted)
    if len(by_genre.names) > 1 and (by_genre.members >= 0).mean() >= _LEAST_SHARE:
        return by_genre
    if clusters is not None and len(clusters.names) > 1:
        return clusters
    return by_genre if len(by_genre.names) > 1 else None


def group_by_sound(rows: np.ndarray) -> Groups:
    """Divide songs by k-means, as a map does that is not there; in two at least, unless all are alike.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32]
        Of length 1.
    """
    reduced = reduce(rows)
    count = default_cluster_count(reduced)
    if count == 1:
        # A comparison needs two groups at least.
        count = min(2, len(distinct_rows(reduced)[0]))
    members = cluster(reduced, count).astype(np.int64)
    return Groups("k-means", [f"Group {number + 1}" for number in range(members.max() + 1)], members)
