"""Copies of remote files, for what reads files of this machine: everything that decodes, tags and plays."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import AudioError
from explorer.library.remote import RemotePath, open_system, said
from explorer.util.cache import Cache

ATTEMPTS = 3
BETWEEN_ATTEMPTS_S = 2.0
MOST_CACHED_BYTES = 2 << 30

_LONGEST_NAME_BYTES = 200
_TELLING_S = 1.0
_PREFIX = "music-explorer-"


def fetch(path: RemotePath, folder: Path, *, alive: Callable[[], None] = lambda: None) -> Path:
    """Copy a remote file into a folder, under its own name.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    alive : callable
        Called now and then while it comes.

    Returns
    -------
    Path

    Raises
    ------
    AudioError
        If it is not there, or does not come in `ATTEMPTS` attempts.
    """
    target = folder / _short(path.name)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            system, remote = open_system(path)
            system.get_file(remote, str(target), callback=_telling(alive))
            return target
        except (FileNotFoundError, IsADirectoryError):
            raise AudioError(f"{path.name} cannot be read: No such file or directory.") from None
        except Exception as error:
            target.unlink(missing_ok=True)
            if attempt == ATTEMPTS:
                raise AudioError(f"{path.name} cannot be fetched: {said(error)}.") from error
            alive()
            time.sleep(BETWEEN_ATTEMPTS_S)
    raise AssertionError("unreachable")


@contextmanager
def as_local(path: Path | RemotePath) -> Iterator[Path]:
    """Yield a file of this machine: a copy, for as long as it is needed, where the path is a URL's.

    Raises
    ------
    AudioError
        If it cannot be fetched.
    """
    if isinstance(path, Path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        yield fetch(path, Path(folder))


class LastCopy:
    """The remote file that was asked for last, in a folder: its tags and its sound are one transfer."""

    def __init__(self) -> None:
        self._path: RemotePath | None = None
        self._copy: Path | None = None

    def of(self, path: RemotePath, folder: Path, *, alive: Callable[[], None] = lambda: None) -> Path:
        """Return a copy of a remote file, fetched unless it is there: else as `fetch`."""
        if path != self._path:
            self.forget()
            self._copy = fetch(path, folder, alive=alive)
            self._path = path
        return self._copy

    def forget(self) -> None:
        """Remove the copy."""
        if self._copy:
            shutil.rmtree(self._copy.parent, ignore_errors=True)
        self._path = self._copy = None


def local_copy(
    path: Path | RemotePath, *, cache: Path, key: str, most_bytes: int = MOST_CACHED_BYTES
) -> Path:
    """Return a file of this machine that stays for a while, as a page needs that plays it.

    Parameters
    ----------
    path : Path or RemotePath
        A Path is returned as it is.
    cache : Path
        Where copies of remote files are kept, those that were used last, of about `most_bytes` together.
    key : str
        The file's fingerprint.

    Raises
    ------
    AudioError
        If it cannot be fetched.
    """
    if isinstance(path, Path):
        return path

    def make(part: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            shutil.copyfile(fetch(path, Path(folder)), part)

    return copies_of(path, cache=cache, most_bytes=most_bytes).get(key, make)


def copies_of(path: RemotePath, *, cache: Path, most_bytes: int = MOST_CACHED_BYTES) -> Cache:
    """Return the cache of copies that have a remote file's extension."""
    return Cache(cache, suffix=path.suffix.lower(), most_bytes=most_bytes)


def _telling(alive: Callable[[], None]) -> object:
    from fsspec.callbacks import Callback

    told = 0.0

    class Telling(Callback):
        def call(self, *_args: object, **_kwargs: object) -> None:
            nonlocal told
            if time.monotonic() - told > _TELLING_S:
                told = time.monotonic()
                alive()

    return Telling()


def _short(name: str) -> str:
    """Return a name that a file system takes: keys of objects may be longer, and hold anything."""
    stem, suffix = os.path.splitext(name.replace("\0", "_"))
    encoded = os.fsencode(stem)[:_LONGEST_NAME_BYTES]
    return os.fsdecode(encoded) + suffix[:20] if stem.strip(".") else f"song{suffix[:20]}"
