"""The folder in which a server stores the songs that users drop on the map.

Every server has a folder of its own, and locks a file beside it as long as it runs. The operating system
releases the lock of a server that was killed, so other servers know that its folder can be removed.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from filelock import lock_descriptor

from explorer.web.security import MAX_UPLOAD_BYTES, RefusedError

KEEP_FREE_BYTES = 200 << 20
"""Uploads leave this much of a disk free, because songs.db is on it too."""

_PREFIX = "explorer-uploads-"
_BLOCK_BYTES = 1 << 20


class UploadFolder:
    """The folder of one server. It is created when the first song arrives.

    Parameters
    ----------
    parent : Path
        The folder that holds the folders of all servers.
    """

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._guard = threading.Lock()
        self._folder: Path | None = None
        self._lock_handle: int | None = None

    def store(self, source: BinaryIO, *, token: str, name: str) -> Path:
        """Write a song into a folder of its own, and return its path. If this fails, no file is left.

        Raises
        ------
        RefusedError
            If the song is empty or too large, or cannot be stored.
        """
        path = self.path() / token / name
        try:
            path.parent.mkdir()
            if not _write(source, path):
                raise RefusedError(400, f"{name} is empty.")
        except BaseException as error:
            shutil.rmtree(path.parent, ignore_errors=True)
            if isinstance(error, OSError):
                raise _cannot_store(path, error) from error
            raise
        return path

    def path(self) -> Path:
        """Return the folder; create it if it is missing, and remove those of servers that were killed.

        Raises
        ------
        RefusedError
            If it cannot be created.
        """
        with self._guard:
            if self._folder is None or not self._folder.is_dir():
                try:
                    self._parent.mkdir(parents=True, exist_ok=True)
                    self.sweep()
                    self._create()
                except OSError as error:
                    raise _cannot_store(self._parent, error) from error
            return self._folder

    def sweep(self) -> None:
        """Remove the folders of servers that were killed."""
        for lock_file in self._parent.glob(f"{_PREFIX}*.lock"):
            with suppress(OSError):  # The lock cannot be tested, or another server removes the folder too.
                handle = os.open(lock_file, os.O_RDWR)
                try:
                    if lock_descriptor(handle, blocking=False):
                        shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
                        lock_file.unlink()
                finally:
                    os.close(handle)

    def remove(self) -> None:
        """Remove the folder with all songs, and its lock."""
        with self._guard:
            folder, self._folder = self._folder, None
            self._unlock()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
                with suppress(OSError):
                    _lock_file(folder).unlink()

    def _create(self) -> None:
        self._unlock()
        while True:
            folder = self._parent / f"{_PREFIX}{secrets.token_hex(8)}"
            self._lock_handle = os.open(_lock_file(folder), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            is_locked = True
            with suppress(OSError):  # Some network drives have no locks: nobody sweeps there.
                is_locked = lock_descriptor(self._lock_handle, blocking=False)
            # Another server may have found the file before it was locked, and removed it.
            if is_locked and _lock_file(folder).exists():
                break
            self._unlock()
        folder.mkdir(mode=0o700)
        self._folder = folder

    def _unlock(self) -> None:
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None


def require_space(folder: Path, n_bytes: int) -> None:
    """Check that a disk has space for `n_bytes`.

    Raises
    ------
    RefusedError
        If less than `KEEP_FREE_BYTES` would be left.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < n_bytes + KEEP_FREE_BYTES:
        raise RefusedError(
            507, f"The disk of {folder} is nearly full ({free_bytes >> 20} MB are free): make room there."
        )


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _write(source: BinaryIO, path: Path) -> int:
    """Write a request's body into a file; return its size in bytes."""
    size = 0
    with path.open("xb") as target:
        while block := source.read(_BLOCK_BYTES):
            size += len(block)
            if size > MAX_UPLOAD_BYTES:
                raise RefusedError(413, too_large(path.name))
            target.write(block)
    return size


def too_large(name: str) -> str:
    """Return the message for a file that is too large."""
    return f"{name} is too large: you can drop files of up to {MAX_UPLOAD_BYTES >> 20} MB."


def _cannot_store(path: Path, error: OSError) -> RefusedError:
    status = 507 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 500
    return RefusedError(status, f"{path.name} cannot be stored in {path.parent}: {error.strerror}.")
