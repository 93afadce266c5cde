"""Reads every stored vector of a library, and separates the valid ones from the invalid ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from explorer.database.records import VECTOR_SIZE, read_vector
from explorer.mapping.similarity import SongVectors

LARGEST_VALUE = 1e4
"""OpenL3's values are at most some hundreds: a vector with a larger value than this is damaged."""


@dataclass
class StoredVectors:
    """The vectors of a library: the n valid ones, and what is wrong with the others.

    Attributes
    ----------
    count : int
        The number of stored vectors, valid or not.
    song_ids : list of str
        The songs of the valid vectors, in order.
    values : np.ndarray [shape=(n, 512), float32]
        The valid vectors.
    unreadable : dict of str to str
        For each vector that cannot be read, its song id and a description of the stored data.
    not_finite, constant, too_large : list of str
        Song ids.
    identical : list of list of str
        Groups of songs whose valid vectors are equal in all 512 values.
    """

    count: int = 0
    song_ids: list[str] = field(default_factory=list)
    values: np.ndarray = field(default_factory=lambda: np.empty((0, VECTOR_SIZE), dtype=np.float32))
    unreadable: dict[str, str] = field(default_factory=dict)
    not_finite: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)
    identical: list[list[str]] = field(default_factory=list)

    @cached_property
    def valid(self) -> SongVectors:
        """The valid vectors and their songs, with the search for similar songs."""
        return SongVectors(self.song_ids, self.values)

    @property
    def are_all_valid(self) -> bool:
        """Tell whether all stored vectors are valid."""
        return self.count == len(self.song_ids)


def read_vectors(batches: Iterable[list[tuple[str, object]]], max_count: int) -> StoredVectors:
    """Read stored vectors, and find the invalid ones.

    Parameters
    ----------
    batches : iterable of list of (song id, stored blob or text)
    max_count : int
        An upper bound for the number of vectors.
    """
    stored = StoredVectors()
    values = np.empty((max_count, VECTOR_SIZE), dtype=np.float32)
    songs_by_digest: dict[bytes, list[str]] = {}
    for song_id, blob in ((str(row[0]), row[1]) for batch in batches for row in batch):
        stored.count += 1
        try:
            vector = read_vector(blob)
        except ValueError as error:
            stored.unreadable[song_id] = str(error)
            continue
        if fault := _fault(vector):
            getattr(stored, fault).append(song_id)
            continue
        values[len(stored.song_ids)] = vector
        stored.song_ids.append(song_id)
        # Adding 0.0 turns -0.0 into 0.0, so that equal vectors have equal bytes.
        digest = hashlib.blake2b((vector + 0.0).tobytes(), digest_size=16).digest()
        songs_by_digest.setdefault(digest, []).append(song_id)
    stored.values = values[: len(stored.song_ids)]
    stored.identical = [songs for songs in songs_by_digest.values() if len(songs) > 1]
    return stored


def _fault(vector: np.ndarray) -> str:
    """Return the name of the `StoredVectors` list that an invalid vector belongs to; "" for a valid one."""
    if not np.isfinite(vector).all():
        return "not_finite"
    smallest, largest = vector.min(), vector.max()
    if smallest == largest:
        return "constant"
    return "too_large" if max(-smallest, largest) > LARGEST_VALUE else ""
