"""All moments of a library's songs in one file that is mapped into memory, for searches.

songs.db has the windows of each song in a row of its own: to read a million rows takes a minute. This file
has the moments of all songs (`structure/moments.py`), one each second, beside each other. It is a cache: it
is made when it is first needed, and made again when the library's windows have changed.

The file begins with a header of `_HEADER_BYTES`: a line of JSON with the number of songs and of moments, and
where each array begins. For 100,000 songs of 200 s it has 1.6 GB.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from explorer.database.database import Database
from explorer.embedding.song_windows import N_COMPONENTS
from explorer.errors import ExplorerError, LibraryError
from explorer.structure.moments import (
    FIRST_COMPONENTS,
    MomentSearch,
    encode,
    moments_of,
)
from explorer.structure.similarity_matrix import unit_rows
from explorer.util.atomic_write import atomic_write
from explorer.util.cache import file_name
from explorer.web.security import RefusedError

_log = logging.getLogger(__name__)

MOMENT_STEP_S = 1.0
"""Seconds from one moment in the file to the next, or the distance of a song's windows if that is larger."""

_VERSION = 1
"""Increase it when the format changes: the file is then made again."""

_SUFFIX = ".moments"
_HEADER_BYTES = 4096
_ALIGNMENT = 64
_ROWS_AT_ONCE = 1 << 18
_MAX_WAIT_S = 2.0
"""How long a request waits for the file. After that, it is answered from an older file, or with a 503."""

_REST_FACTOR = 10.0
_QUICK_S = 1.0
"""During an index run the windows change all the time. A file that took longer than `_QUICK_S` is not made
again before `_REST_FACTOR` times as long has passed: searches use it as it is."""

_MIN_REST_S = 10.0
"""After the file could not be made, as on a full disk, this time passes before it is tried again."""


@dataclass(frozen=True, eq=False)
class WindowFile:
    """The file, mapped into memory.

    Attributes
    ----------
    stamp : str
        Tells the library's windows at the time when the file was made: see `Database.windows_stamp`.
    basis : str
        A token of the basis of the windows. Windows of another basis cannot be compared with these.
    song_ids : list of str
        The songs that have windows, sorted.
    search : MomentSearch
        The moments of these songs, in their order.
    strides : np.ndarray [shape=(s,), int32]
        How many windows of each song lie from one of its moments in the file to the next.
    steps_s : np.ndarray [shape=(s,), float32]
        Seconds from one window of each song to the next.
    means : np.ndarray [shape=(s, 64), int8]
        The mean of each song's moments, as `encode` returns it.
    """

    stamp: str
    basis: str
    song_ids: list[str]
    search: MomentSearch
    strides: np.ndarray
    steps_s: np.ndarray
    means: np.ndarray

    def window_of(self, song: int, row: int) -> int:
        """Return the window of a song with which a moment of the file begins."""
        return int(row - self.search.starts[song]) * int(self.strides[song])


class WindowFiles:
    """Opens the file of one library, and makes it when that is needed, in a thread of its own.

    All methods may be called from several threads at once. Several servers may do the same: each writes a
    temporary file, and the last one stays.

    Parameters
    ----------
    database : Path
        The library.
    folder : Path
        The folder of the file.
    max_wait_s : float
        How long `get` waits until the file is made.
    """

    def __init__(self, database: Path, folder: Path, *, max_wait_s: float = _MAX_WAIT_S) -> None:
        self._database, self._folder = database, folder
        self._max_wait_s = max_wait_s
        self._lock = threading.Lock()
        self._file: WindowFile | None = None
        self._making: _Making | None = None
        self._rests_until = 0.0

    def get(self, library: Database) -> WindowFile:
        """Return the file for the library's windows as they are now; make it first if it does not exist.

        While it is made for a large library, this returns the file as it was before.

        Parameters
        ----------
        library : Database
            Open for reading, of the calling thread.

        Raises
        ------
        RefusedError
            If there is no earlier file, and making one takes longer than `max_wait_s` (503), or fails (500).
        """
        stamp = library.windows_stamp()
        with self._lock:
            if self._file is None or self._file.stamp != stamp:
                self._open(stamp)
            known = self._file
            if known is not None and known.stamp == stamp:
                return known
            # Windows of an older basis cannot be compared with those of a newer one.
            basis = _basis_token(library)
            has_rested = time.monotonic() >= self._rests_until or not (known is None or known.basis == basis)
            if self._making is None or (self._making.done.is_set() and has_rested):
                self._making = _Making(self._make)
            making = self._making
        making.done.wait(self._max_wait_s)
        with self._lock:
            if self._file is not None and self._file.basis == basis:
                return self._file
        if making.error:
            raise RefusedError(500, making.error)
        raise RefusedError(503, "The server prepares the first search of moments: try again in a minute.")

    def _open(self, stamp: str) -> None:
        """Open the file with a stamp, which another server may have made; if there is none, any other."""
        wanted = path_in(self._folder, self._database, stamp)
        self._file = open_window_file(wanted) or self._file
        if self._file is None:
            others = map(open_window_file, _files_of(self._folder, self._database))
            self._file = next(filter(None, others), None)

    def _make(self) -> None:
        started, file = time.monotonic(), None
        try:
            with Database.open_readonly(self._database) as library:
                path = make_window_file(library, self._folder)
            file = open_window_file(path)
            _remove_others(path, self._database)
        finally:
            with self._lock:
                self._file = file or self._file
                now = time.monotonic()
                took_s = now - started
                rest_s = _REST_FACTOR * took_s if took_s > _QUICK_S else 0.0
                self._rests_until = now + (max(rest_s, _MIN_REST_S) if file is None else rest_s)


class _Making:
    """A thread that makes the file."""

    def __init__(self, make: Callable[[], None]) -> None:
        self.done = threading.Event()
        self.error = ""
        threading.Thread(target=self._run, args=(make,), name="moments", daemon=True).start()

    def _run(self, make: Callable[[], None]) -> None:
        try:
            make()
        except ExplorerError as error:
            self.error = str(error)
        except Exception:
            self.error = "The search of moments could not be prepared: the server's log says why."
            _log.exception("The file of moments could not be made")
        finally:
            self.done.set()


def _names_of(database: Path) -> str:
    """Return how the names of a library's files begin; `Cache.remove` finds them by it, too."""
    return file_name(database.name)


def path_in(folder: Path, database: Path, stamp: str) -> Path:
    """Return the path of a library's file, in the folder of such files."""
    return folder / f"{_names_of(database)}-{stamp}{_SUFFIX}"


def _files_of(folder: Path, database: Path) -> list[Path]:
    return list(folder.glob(f"{_names_of(database)}-*{_SUFFIX}"))


def _remove_others(path: Path, database: Path) -> None:
    """Remove the library's older files."""
    for other in _files_of(path.parent, database):
        if other != path:
            with suppress(OSError):  # Windows cannot delete a file that is in use.
                other.unlink()


def make_window_file(library: Database, folder: Path) -> Path:
    """Write the moments of all songs of a library, in a bounded amount of memory; return the file's path.

    Raises
    ------
    LibraryError
        If the file cannot be written.
    """
    with library.snapshot():
        stamp, basis = library.windows_stamp(), _basis_token(library)
        path = path_in(folder, library.path, stamp)
        # Inside the snapshot, which would take an error of this file for one of songs.db.
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as part, part.open("w+b") as file:
                _write(file, library, stamp=stamp, basis=basis)
        except OSError as error:
            raise LibraryError(
                f"The moments of the songs cannot be written in {folder}: {error.strerror}. Free some space "
                "there, or make the folder writable."
            ) from error
    return path


def _write(file: BinaryIO, library: Database, *, stamp: str, basis: str) -> None:
    song_ids, counts, strides, steps_s, means = [], [], [], [], []
    file.seek(_HEADER_BYTES)
    for song_id, windows in library.iterate_windows():
        stride = max(1, round(MOMENT_STEP_S / windows.step_s))
        moments = moments_of(windows.components, step_s=windows.step_s)[::stride]
        file.write(encode(moments).tobytes())
        song_ids.append(song_id)
        counts.append(len(moments))
        strides.append(stride)
        steps_s.append(windows.step_s)
        means.append(encode(unit_rows(moments.mean(axis=0, keepdims=True)))[0])
    arrays = {
        "starts": np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype("<i8"),
        "strides": np.array(strides, dtype="<i4"),
        "steps_s": np.array(steps_s, dtype="<f4"),
        "means": np.array(means, dtype=np.int8).reshape(-1, N_COMPONENTS),
        "song_ids": np.frombuffer("\0".join(song_ids).encode(), dtype=np.uint8),
    }
    n = int(arrays["starts"][-1])
    where = {"codes": _HEADER_BYTES, "first": file.tell()}
    for block in _first_components(file, n):
        file.write(block)
    for name, array in arrays.items():
        file.write(bytes(-file.tell() % _ALIGNMENT))
        where[name] = file.tell()
        file.write(array.tobytes())
    header = {"version": _VERSION, "stamp": stamp, "basis": basis, "songs": len(song_ids), "moments": n}
    header |= {"where": where, "bytes": file.tell()}
    file.seek(0)
    file.write(json.dumps(header).encode().ljust(_HEADER_BYTES))


def _first_components(file: BinaryIO, n: int) -> Iterator[bytes]:
    """Read the codes that were just written; yield their first components, and keep the place to write at."""
    for start in range(0, n, _ROWS_AT_ONCE):
        place = file.tell()
        file.seek(_HEADER_BYTES + start * N_COMPONENTS)
        content = file.read(min(_ROWS_AT_ONCE, n - start) * N_COMPONENTS)
        codes = np.frombuffer(content, dtype=np.int8).reshape(-1, N_COMPONENTS)
        file.seek(place)
        yield codes[:, :FIRST_COMPONENTS].tobytes()


def open_window_file(path: Path) -> WindowFile | None:
    """Map a file into memory; return None if there is none, or it is damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if path.is_symlink():  # This program makes no links.
            return None
        with path.open("rb") as file:
            header = json.loads(file.read(_HEADER_BYTES))
            if header["version"] != _VERSION or file.seek(0, 2) != header["bytes"]:
                return None
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _from_bytes(content, header)
    return None


def _from_bytes(content: mmap.mmap, header: dict) -> WindowFile | None:
    n, songs, where = header["moments"], header["songs"], header["where"]

    def array(name: str, dtype: str, *shape: int) -> np.ndarray:
        count = int(np.prod(shape))
        return np.frombuffer(content, dtype, count=count, offset=where[name]).reshape(shape)

    starts = array("starts", "<i8", songs + 1)
    if starts[0] != 0 or starts[-1] != n or (np.diff(starts) <= 0).any():
        return None
    ids = content[where["song_ids"] :].decode()
    song_ids = ids.split("\0") if songs else []
    if len(song_ids) != songs:
        return None
    return WindowFile(
        stamp=header["stamp"],
        basis=header["basis"],
        song_ids=song_ids,
        search=MomentSearch(
            codes=array("codes", "i1", n, N_COMPONENTS),
            first=array("first", "i1", n, FIRST_COMPONENTS),
            starts=starts,
        ),
        strides=array("strides", "<i4", songs),
        steps_s=array("steps_s", "<f4", songs),
        means=array("means", "i1", songs, N_COMPONENTS),
    )


def _basis_token(library: Database) -> str:
    basis = library.window_basis()
    if basis is None:
        return ""
    return hashlib.blake2b(basis.axes.tobytes() + basis.mean.tobytes(), digest_size=8).hexdigest()
