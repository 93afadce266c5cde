"""Copies remote files to this machine, for code that needs a local file: decoding, tags and playback."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import AudioError
from explorer.library.remote import RemotePath, one_line, open_system
from explorer.util.cache import Cache

ATTEMPTS = 3
BETWEEN_ATTEMPTS_S = 2.0
MAX_CACHE_BYTES = 2 << 30

_MAX_NAME_BYTES = 200
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")
_ALIVE_INTERVAL_S = 1.0
_PREFIX = "music-explorer-"


def fetch(path: RemotePath, folder: Path, *, alive: Callable[[], None] = lambda: None) -> Path:
    """Copy a remote file into a folder. The copy has the name of the remote file.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    alive : callable
        Called about once a second during the transfer, and before each new attempt.

    Returns
    -------
    Path

    Raises
    ------
    AudioError
        If the file does not exist, or `ATTEMPTS` attempts have failed.
    """
    target = folder / _valid_name(path.name)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            system, remote = open_system(path)
            system.get_file(remote, str(target), callback=_alive_callback(alive))
            return target
        except (FileNotFoundError, IsADirectoryError):
            raise AudioError(f"{path.name} cannot be read: No such file or directory.") from None
        except Exception as error:
            target.unlink(missing_ok=True)
            if attempt == ATTEMPTS:
                raise AudioError(f"{path.name} cannot be fetched: {one_line(error)}.") from error
            alive()
            time.sleep(BETWEEN_ATTEMPTS_S)
    raise AssertionError("unreachable")


@contextmanager
def as_local(path: Path | RemotePath) -> Iterator[Path]:
    """Yield a local file: the path itself, or a temporary copy of a remote file.

    Raises
    ------
    AudioError
        If the remote file cannot be fetched.
    """
    if isinstance(path, Path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        yield fetch(path, Path(folder))


class LastCopy:
    """Keeps a local copy of the last remote file: one transfer is enough to read its tags and its audio."""

    def __init__(self) -> None:
        self._path: RemotePath | None = None
        self._copy: Path | None = None

    def of(self, path: RemotePath, folder: Path, *, alive: Callable[[], None] = lambda: None) -> Path:
        """Return a local copy of a remote file. `fetch` the file only if it is not the last file."""
        if path != self._path:
            self.forget()
            self._copy = fetch(path, folder, alive=alive)
            self._path = path
        return self._copy

    def forget(self) -> None:
        """Delete the copy."""
        if self._copy:
            shutil.rmtree(self._copy.parent, ignore_errors=True)
        self._path = self._copy = None


def copies_of(path: RemotePath, *, cache: Path, max_bytes: int = MAX_CACHE_BYTES) -> Cache:
    """Return the cache for copies of remote files that have the same extension as this file.

    If they take more than about `max_bytes`, the copies that were not used for the longest time are deleted.
    """
    suffix = path.suffix.lower()
    return Cache(cache, suffix=suffix if _SUFFIX.fullmatch(suffix) else "", max_bytes=max_bytes)


def _alive_callback(alive: Callable[[], None]) -> object:
    """Return an fsspec callback that calls `alive` at most once per `_ALIVE_INTERVAL_S`."""
    from fsspec.callbacks import Callback

    called_at = 0.0

    class AliveCallback(Callback):
        def call(self, *_args: object, **_kwargs: object) -> None:
            nonlocal called_at
            if time.monotonic() - called_at > _ALIVE_INTERVAL_S:
                called_at = time.monotonic()
                alive()

    return AliveCallback()


def _valid_name(name: str) -> str:
    """Return a valid local file name. Names in an object store may be longer and contain any bytes."""
    stem, suffix = os.path.splitext(re.sub(r"[/\\:\0]", "_", name))
    encoded = os.fsencode(stem)[:_MAX_NAME_BYTES]
    return os.fsdecode(encoded) + suffix[:20] if stem.strip(".") else f"song{suffix[:20]}"
