"""Reading every vector of a library, whatever state it is in, and sorting the sound from the unsound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from explorer.database.records import VECTOR_SIZE, read_vector

LARGEST_VALUE = 1e4
"""OpenL3's values lie within some hundreds: anything like this was never a vector of sound."""


@dataclass
class StoredVectors:
    """The vectors of a library: those to go on with, and what is wrong with the others.

    Attributes
    ----------
    count : int
        How many are stored.
    song_ids : list of str
        Of the sound ones, in order.
    values : np.ndarray [shape=(n, 512), float32]
        The sound ones.
    unreadable : dict
        Song id to what is wrong with what is stored.
    not_finite, constant, too_large : list of str
        Song ids.
    identical : list of list of str
        Groups of sound songs whose vectors are the same in all 4,096 bytes.
    """

    count: int = 0
    song_ids: list[str] = field(default_factory=list)
    values: np.ndarray = field(default_factory=lambda: np.empty((0, VECTOR_SIZE), dtype=np.float32))
    unreadable: dict[str, str] = field(default_factory=dict)
    not_finite: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)
    identical: list[list[str]] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Tell whether there is nothing wrong with any."""
        return self.count == len(self.song_ids)


def read_vectors(batches: Iterable[list[tuple[str, object]]], count: int) -> StoredVectors:
    """Read vectors one by one and sort them.

    Parameters
    ----------
    batches : iterable of list of (song id, what is stored)
    count : int
        At most how many there are.
    """
    found = StoredVectors()
    values = np.empty((count, VECTOR_SIZE), dtype=np.float32)
    by_content: dict[bytes, list[str]] = {}
    for song_id, blob in ((str(row[0]), row[1]) for batch in batches for row in batch):
        found.count += 1
        try:
            vector = read_vector(blob)
        except ValueError as error:
            found.unreadable[song_id] = str(error)
            continue
        if fault := _fault(vector):
            getattr(found, fault).append(song_id)
            continue
        values[len(found.song_ids)] = vector
        found.song_ids.append(song_id)
        # Minus zero is zero.
        digest = hashlib.blake2b((vector + 0.0).tobytes(), digest_size=16).digest()
        by_content.setdefault(digest, []).append(song_id)
    found.values = values[: len(found.song_ids)]
    found.identical = [songs for songs in by_content.values() if len(songs) > 1]
    return found


def _fault(vector: np.ndarray) -> str:
    """Name the list that an unsound vector belongs to."""
    if not np.isfinite(vector).all():
        return "not_finite"
    least, most = vector.min(), vector.max()
    if least == most:
        return "constant"
    return "too_large" if max(-least, most) > LARGEST_VALUE else ""
