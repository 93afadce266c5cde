"""Keeps the neighbours of all songs of a large library in a file beside songs.db.

The file is a cache, and may be deleted. It holds a digest of each song's vector, so it says itself what it
was made of. A file that is damaged or that belongs to another library is ignored.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from explorer.database.records import VECTOR_SIZE
from explorer.errors import LibraryError
from explorer.util.atomic_write import atomic_write

MIN_SONGS = 5_000
"""In smaller libraries, all neighbours are found in a second."""

MAX_CHANGED_SHARE = 0.1
"""All neighbours are found anew when this share of the songs has changed, because the mean vector, which is
subtracted before vectors are compared, changes with the songs."""

_VERSION = 1
_CHUNK_ROWS = 8192
_MAX_NEIGHBOURS = 1000


@dataclass(frozen=True)
class KeptNeighbours:
    """The neighbours of each song.

    Attributes
    ----------
    digests : np.ndarray [shape=(n,), uint64]
        Of the id and the vector of each song, in the order of the ids; all different.
    mean : np.ndarray [shape=(512,), float64]
        The mean vector with which all neighbours were found.
    indices, costs : np.ndarray [shape=(n, k), int32] and [shape=(n, k), float64]
        The result of `true_graph`, updated since.
    changed : int
        How many songs were added, removed or changed since all neighbours were found.
    """

    digests: np.ndarray
    mean: np.ndarray
    indices: np.ndarray
    costs: np.ndarray
    changed: int

    def rows_of(self, digests: np.ndarray) -> np.ndarray:
        """Return for each digest its row here, or -1 [shape=(n,), int64]."""
        order = np.argsort(self.digests)
        places = np.minimum(np.searchsorted(self.digests, digests, sorter=order), len(order) - 1)
        rows = order[places]
        return np.where(self.digests[rows] == digests, rows, -1)

    def count_changes(self, rows: np.ndarray) -> int:
        """Return how many songs were added, removed or changed; `rows` is the result of `rows_of`."""
        known = int((rows >= 0).sum())
        return max(len(rows), len(self.digests)) - known

    def fits(self, rows: np.ndarray) -> bool:
        """Return whether the neighbours can be updated instead of being found anew."""
        changed = self.changed + self.count_changes(rows)
        known = rows[rows >= 0]
        is_in_order = bool((np.diff(known) > 0).all())
        return changed <= MAX_CHANGED_SHARE * len(self.digests) and is_in_order

    def store(self, database_path: Path) -> None:
        """Write the file; if it cannot be written, the next map finds all neighbours anew."""
        content = BytesIO()
        for array in (self.digests, self.mean, self.indices, self.costs, np.array([self.changed])):
            np.save(content, array, allow_pickle=False)
        data = content.getbuffer()
        header = np.array([_VERSION, zlib.crc32(data)], dtype="<u8").tobytes()
        with suppress(OSError, LibraryError), atomic_write(_file_of(database_path)) as part:
            part.write_bytes(b"".join([header, data]))


def read_kept(database_path: Path) -> KeptNeighbours | None:
    """Return the kept neighbours of a library, or None if there are none that are sound."""
    try:
        data = memoryview(_file_of(database_path).read_bytes())
        if data[:16].tobytes() != np.array([_VERSION, zlib.crc32(data[16:])], dtype="<u8").tobytes():
            return None
        content = BytesIO(data[16:])
        *arrays, changed = (np.load(content, allow_pickle=False) for _ in range(5))
        kept = KeptNeighbours(*arrays, int(changed[0]))
        return kept if _is_sound(kept) else None
    # np.load can raise any exception for a damaged header.
    except Exception:
        return None


def digest(song_ids: Sequence[str], vectors: np.ndarray) -> np.ndarray:
    """Return a digest of each song's id and vector [shape=(n,), uint64]."""
    hashes = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in song_ids)
    digests = np.frombuffer(hashes, dtype="<u8").copy()
    # A sum of odd multiples of the values' bits: it changes with each single value.
    factors = np.random.default_rng(0).integers(0, 2**63, VECTOR_SIZE // 2, dtype=np.uint64) * 2 + 1
    for start in range(0, len(vectors), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        digests[rows] ^= np.einsum("ij,j->i", np.ascontiguousarray(vectors[rows]).view(np.uint64), factors)
    return digests


def _is_sound(kept: KeptNeighbours) -> bool:
    n = len(kept.digests)
    k = kept.indices.shape[1]
    return (
        (kept.digests.dtype, kept.mean.dtype) == (np.uint64, np.float64)
        and (kept.indices.dtype, kept.costs.dtype) == (np.int32, np.float64)
        and kept.digests.ndim == 1
        and kept.mean.shape == (VECTOR_SIZE,)
        and kept.indices.shape == kept.costs.shape == (n, k)
        and 1 <= k < min(n, _MAX_NEIGHBOURS)
        and 0 <= int(kept.indices.min()) <= int(kept.indices.max()) < n
        and bool(np.isfinite(kept.mean).all() and np.isfinite(kept.costs).all())
        and kept.changed >= 0
        and len(np.unique(kept.digests)) == n
    )


def _file_of(database_path: Path) -> Path:
    return database_path.with_name(f"{database_path.name}.neighbours")
