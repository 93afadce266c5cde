"""Keeps the neighbours of all songs of a large library in the file `songs.db.neighbours`, beside songs.db.

The file is a cache, and may be deleted. It holds a digest of each song's id and vector, which tell which
songs have changed since. A file that is damaged, or made of another library, is ignored.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np

from explorer.database.records import VECTOR_SIZE, are_possible
from explorer.errors import LibraryError
from explorer.indexing.stored_map import StoredMap
from explorer.mapping.clustering import row_digests
from explorer.mapping.knn_graph import true_graph
from explorer.util.atomic_write import atomic_write

MIN_SONGS = 5_000
"""In smaller libraries, all neighbours are found in a second."""

MAX_CHANGED_SHARE = 0.1
"""All neighbours are found anew when this share of the songs has changed, because the mean vector, which is
subtracted before vectors are compared, changes with the songs."""

_VERSION = 1
_MAX_NEIGHBOURS = 1000
_MAX_COST = 1 + 1e-5
"""A cost is minus the dot product of two vectors of length 1."""


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
        file = _file_of(database_path)
        if file.exists() and not file.is_file():  # A pipe would wait for its other end.
            return
        content = BytesIO()
        for array in (self.digests, self.mean, self.indices, self.costs, np.array([self.changed])):
            np.save(content, array, allow_pickle=False)
        data = content.getbuffer()
        header = np.array([_VERSION, zlib.crc32(data)], dtype="<u8").tobytes()
        with suppress(OSError, LibraryError), atomic_write(file) as part:
            part.write_bytes(b"".join([header, data]))


class LibraryNeighbours:
    """The neighbours of a library's songs: those that are kept, or new ones, which are then kept.

    Attributes
    ----------
    kept : KeptNeighbours or None
        None if the library has no file, or too many songs have changed since it was made.
    rows : np.ndarray [shape=(n,), int64]
        The row of each song in `kept`; -1 for songs that are new or have another vector.
    """

    def __init__(self, database_path: Path, stored: StoredMap) -> None:
        self._path = database_path
        self._is_large = not stored.is_coarse and len(stored.song_ids) >= MIN_SONGS
        self.kept: KeptNeighbours | None = None
        if not self._is_large:
            with suppress(OSError):
                _file_of(database_path).unlink()
            return
        self._digests = digest(stored.song_ids, stored.vectors)
        if (kept := read_kept(database_path, len(stored.song_ids))) is not None:
            self.rows = kept.rows_of(self._digests)
            self.kept = kept if kept.fits(self.rows) else None

    @property
    def has_changed(self) -> bool:
        """Whether songs have changed since the neighbours were kept; False if none are kept."""
        return self.kept is not None and self.kept.count_changes(self.rows) > 0

    def graph(
        self,
        directions: np.ndarray,
        mean: np.ndarray,
        k: int,
        components: np.ndarray,
        progress: Callable[[float], None] | None = None,
    ) -> np.ndarray:
        """Return the indices of `true_graph`: from those that are kept, if no song has changed since."""
        kept = self.kept
        if kept is not None and not (kept.changed or self.has_changed) and kept.indices.shape[1] >= k:
            return kept.indices[self.rows, :k]
        indices, costs = true_graph(directions, k, components=components, progress=progress)
        if self._is_large and indices.shape[1] == k and len(np.unique(self._digests)) == len(indices):
            KeptNeighbours(self._digests, mean, indices, costs, changed=0).store(self._path)
        return indices

    def store(self, indices: np.ndarray, costs: np.ndarray) -> None:
        """Keep an updated graph: the result of `update_graph` for `rows`."""
        changed = self.kept.changed + self.kept.count_changes(self.rows)
        new = replace(self.kept, digests=self._digests, indices=indices, costs=costs, changed=changed)
        new.store(self._path)


def read_kept(database_path: Path, n_songs: int) -> KeptNeighbours | None:
    """Return the kept neighbours of a library, or None if there are none that are sound.

    The file may come from somebody else. Arrays are read without pickle, which could run code, and a file
    that is too large for a library of `n_songs` is not read.
    """
    file = _file_of(database_path)
    max_bytes = 2 * n_songs * _MAX_NEIGHBOURS * (np.int32().nbytes + np.float64().nbytes)
    try:
        # A pipe would wait for its other end.
        if not file.is_file() or file.stat().st_size > max_bytes:
            return None
        data = memoryview(file.read_bytes())
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
    return np.frombuffer(hashes, dtype="<u8") ^ row_digests(vectors)


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
        and bool(are_possible(kept.mean[None]).all() and (np.abs(kept.costs) <= _MAX_COST).all())
        and kept.changed >= 0
        and len(np.unique(kept.digests)) == n
    )


def _file_of(database_path: Path) -> Path:
    return database_path.with_name(f"{database_path.name}.neighbours")
