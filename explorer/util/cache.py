"""A folder of files that can be made again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakValueDictionary

from explorer.util.atomic_write import whole_file

STALE_S = 3600.0

_guard = threading.Lock()
_locks: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()


class Cache:
    """Files named by keys, as songs' fingerprints: each written whole or not at all, by one thread at a time.

    Parameters
    ----------
    folder : Path
        Made where it is missing. Anybody may delete it, or files in it, at any time.
    suffix : str
        The extension of all files.
    most_bytes : int, optional
        The size that the folder may have. Where a new file makes it larger, the files that were not used for
        longest are removed; the new one stays, whatever its size.
    """

    def __init__(self, folder: Path, *, suffix: str = "", most_bytes: int | None = None) -> None:
        self.folder = folder
        self._suffix = suffix
        self._most_bytes = most_bytes

    def path(self, key: str) -> Path:
        """Return where a key's file is, or would be: in one of 256 folders, each small enough to list."""
        return self.folder / key[:2] / f"{key}{self._suffix}"

    def get(self, key: str, make: Callable[[Path], object]) -> Path:
        """Return a key's file; where there is none, `make` is called with the path that it must write to.

        Raises
        ------
        OSError
            If the folder cannot be written. What `make` raises passes through.
        """
        target = self.path(key)
        with self.one_at_a_time(key):
            if not target.exists():
                with self.writing(key) as part:
                    make(part)
            # The time of its last use. The time of its last change stays: it is part of the page's ETags.
            with suppress(OSError):
                os.utime(target, ns=(time.time_ns(), target.stat().st_mtime_ns))
        return target

    @contextmanager
    def one_at_a_time(self, key: str) -> Iterator[None]:
        """Let one thread work on a key's file; others that want the same file wait."""
        with _guard:
            lock = _locks.setdefault(self.path(key), threading.Lock())
        with lock:
            yield

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Yield a path to write to; it becomes the key's file if the block ends without an error."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, parts=self.folder) as part:
            yield part
        if self._most_bytes is not None:
            self._shrink(target)

    def sweep(self) -> None:
        """Remove what killed programs left half written an hour ago or earlier."""
        with suppress(OSError):
            for part in self.folder.glob("*.part"):
                if part.stat().st_mtime < time.time() - STALE_S:
                    part.unlink(missing_ok=True)

    def measure(self) -> dict[str, int]:
        """Return how many "files" there are, and how many "bytes", without those being written."""
        sizes = [state.st_size for _, state in self._files()]
        return {"files": len(sizes), "bytes": sum(sizes)}

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if not name.endswith(".part"):
                    with suppress(OSError):
                        yield Path(folder, name), Path(folder, name).stat()

    def _shrink(self, new: Path) -> None:
        self.sweep()
        files = sorted(self._files(), key=lambda file: file[1].st_atime_ns)
        size = sum(state.st_size for _, state in files)
        for path, state in files:
            if size <= self._most_bytes:
                break
            if path != new:
                with suppress(OSError):
                    path.unlink()
                    size -= state.st_size
