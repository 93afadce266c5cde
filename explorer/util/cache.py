"""A cache folder: files that can be computed again, found by key."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from explorer.util.atomic_write import atomic_write

STALE_PART_S = 3600.0

_HASH = re.compile(r"[0-9a-f]{32}")


def file_name(key: str) -> str:
    """Return the name, without an extension, of a key's file in any cache: a BLAKE2b-128 hash.

    A key that is such a hash, as the fingerprints of songs are, is the name itself. Any other key becomes the
    hash of itself: keys come from songs.db, which another person may have made, and a key such as
    `../../.profile` must not lead out of the cache.
    """
    if _HASH.fullmatch(key):
        return key
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Cache:
    """A folder of files named by keys, such as the fingerprints of songs.

    Each file is written atomically.

    Parameters
    ----------
    folder : Path
        Created if missing. The folder and its files may be deleted at any time.
    suffix : str
        The extension of all files.
    max_bytes : int, optional
        The maximum size of the folder. When a new file exceeds it, the least recently used files are removed;
        the new file stays, whatever its size.
    """

    def __init__(self, folder: Path, *, suffix: str = "", max_bytes: int | None = None) -> None:
        self.folder = folder
        self._suffix = suffix
        self._max_bytes = max_bytes

    def path(self, key: str) -> Path:
        """Return the path of a key's file, whether or not it exists.

        The files are spread over 256 subfolders, so that each is small enough to list.
        """
        name = file_name(key)
        return self.folder / name[:2] / f"{name}{self._suffix}"

    def has(self, key: str) -> bool:
        """Return whether a key's file exists. A link is none: this program makes no links."""
        path = self.path(key)
        return path.is_file() and not path.is_symlink()

    def remove(self, key: str) -> None:
        """Delete a key's files, with any extension. A file that cannot be deleted stays."""
        name = file_name(key)
        for folder in (self.folder, self.folder / name[:2]):
            for file in folder.glob(f"{name}*"):
                # A file that is being played cannot be deleted on some systems. The user may delete a cache
                # at any time.
                with suppress(OSError):
                    file.unlink()

    def find(self, key: str) -> Path | None:
        """Return the path of a key's file, and mark it as used now; return None if it does not exist."""
        target = self.path(key)
        if not self.has(key):
            return None
        # Set the access time, by which `_shrink` finds the least recently used files. Keep the modification
        # time, because the page's ETags contain it.
        with suppress(OSError):
            os.utime(target, ns=(time.time_ns(), target.stat().st_mtime_ns))
        return target

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Yield a path to write to; it becomes the key's file when the block ends without an error."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or (target.exists() and not target.is_file() and not target.is_dir()):
            target.unlink()  # `atomic_write` refuses a link, and would write into a pipe.
        with atomic_write(target, parts=self.folder) as part:
            yield part
        if self._max_bytes is not None:
            self._shrink(target)

    def remove_old_parts(self) -> None:
        """Remove temporary files that are more than an hour old: they come from programs that were killed."""
        with suppress(OSError):
            for part in self.folder.glob("*.part"):
                if part.stat().st_mtime < time.time() - STALE_PART_S:
                    part.unlink(missing_ok=True)

    def measure(self) -> dict[str, int]:
        """Return the number of "files" and their total "bytes", without temporary files."""
        sizes = [stat.st_size for _, stat in self._files()]
        return {"files": len(sizes), "bytes": sum(sizes)}

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if not name.endswith(".part"):
                    with suppress(OSError):
                        yield Path(folder, name), Path(folder, name).stat()

    def _shrink(self, new: Path) -> None:
        """Remove the least recently used files until the folder is small enough; keep the new file."""
        self.remove_old_parts()
        files = sorted(self._files(), key=lambda file: file[1].st_atime_ns)
        size_bytes = sum(stat.st_size for _, stat in files)
        for path, stat in files:
            if size_bytes <= self._max_bytes:
                break
            if path != new:
                with suppress(OSError):
                    path.unlink()
                    size_bytes -= stat.st_size
