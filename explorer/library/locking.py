"""One index at a time for a library, and what others may know of it while it runs.

A lock of the operating system, which goes with the process however that ends, lies on a file beside
songs.db; what the run has done so far is in another, because a file that is replaced loses its lock.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from explorer.errors import LibraryBusyError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

TELLING_EVERY_S = 1.0

_TRIES = 10
_BETWEEN_TRIES_S = 0.1
"""Who only asks whether an index runs holds the lock for a moment, and must not turn one away."""

_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


@dataclass
class Running:
    """How far an index run has come.

    Attributes
    ----------
    pid : int
        The process; 0 where it has not said so yet.
    started : str
        In UTC, after ISO 8601.
    folder : str
    total, done, indexed, failed : int
        Files; `total` is 0 until the folder was looked through.
    audio_seconds : float
        How long the songs play that were embedded so far.
    seconds : float
        Since the run began.
    embedding_seconds : float
        Of these, since the first file was begun.
    previews : bool
        Whether previews are made, which take room.
    """

    pid: int = 0
    started: str = ""
    folder: str = ""
    total: int = 0
    done: int = 0
    indexed: int = 0
    failed: int = 0
    audio_seconds: float = 0.0
    seconds: float = 0.0
    embedding_seconds: float = 0.0
    previews: bool = False

    @property
    def songs_per_second(self) -> float | None:
        """Files done in each second of embedding; None before the first."""
        return self.done / self.embedding_seconds if self.done and self.embedding_seconds else None

    @property
    def times_real_time(self) -> float | None:
        """Seconds of sound in each second of embedding."""
        return self.audio_seconds / self.embedding_seconds if self.done and self.embedding_seconds else None

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes at this rate."""
        rate = self.songs_per_second
        return (self.total - self.done) / rate if rate else None

    def record(self) -> dict:
        """Return everything, the rates too."""
        rates = ("songs_per_second", "times_real_time", "seconds_left")
        return asdict(self) | {name: _rounded(getattr(self, name)) for name in rates}


class RunningIndex:
    """What an index run keeps others informed with; about once a second it is written out."""

    def __init__(self, file: Path, folder: str) -> None:
        self._file = file
        self._part = file.with_name(f"{file.name}.part")
        self._writing = threading.Lock()
        self._began = time.monotonic()
        self._embedding_since: float | None = None
        self._counts: Callable[[], dict] = dict
        self._said = Running(os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"), folder)

    def found(self, total: int, *, previews: bool = False) -> None:
        """Note how many files there are to be done, and whether previews are made of them."""
        self._said.total, self._said.previews = total, previews

    def embedding(self, counts: Callable[[], dict]) -> None:
        """Note that files are begun.

        Parameters
        ----------
        counts : callable
            Returns `done`, `indexed`, `failed` and `audio_seconds`; another thread calls it.
        """
        self._counts = counts
        self._embedding_since = time.monotonic()

    def now(self) -> Running:
        """Return how far it has come."""
        now = time.monotonic()
        since = now if self._embedding_since is None else self._embedding_since
        return replace(self._said, seconds=now - self._began, embedding_seconds=now - since, **self._counts())

    def tell(self) -> None:
        """Write out how far it has come. What cannot be written costs nobody an index."""
        with suppress(OSError), self._writing:
            self._part.write_text(json.dumps(asdict(self.now())), encoding="utf-8")
            self._part.replace(self._file)

    def forget(self) -> None:
        """Leave nothing behind."""
        for file in (self._file, self._part):
            with suppress(OSError):
                file.unlink()


@contextmanager
def indexing(database: Path, folder: str) -> Iterator[RunningIndex]:
    """Be the one index of a library.

    Where files cannot be locked, as on some network drives, nobody is kept from anything.

    Parameters
    ----------
    folder : str
        What is indexed, for others to know.

    Raises
    ------
    LibraryBusyError
        If another index runs on the same library.
    """
    lock, news = _files(database)
    with _locked(lock) as is_free:
        if not is_free:
            raise LibraryBusyError(_busy(database, _read(news)))
        # What a killed run has left is not this one's.
        running = RunningIndex(news, folder)
        running.forget()
        running.tell()
        ended = threading.Event()
        thread = threading.Thread(target=_keep_telling, args=(running, ended), name="news", daemon=True)
        thread.start()
        try:
            yield running
        finally:
            ended.set()
            thread.join()
            running.forget()


def running_index(database: Path) -> dict | None:
    """Return how far the index that runs on a library has come.

    Returns
    -------
    dict or None
        What `Running.record` returns; None where none runs, or nobody can tell.
    """
    lock, news = _files(database)
    try:
        handle = os.open(lock, os.O_RDONLY)
    except OSError:
        return None
    try:
        is_held = _take(handle, together=True) is False
    finally:
        os.close(handle)
    return _read(news).record() if is_held else None


def killed_index(database: Path) -> dict | None:
    """Return how far the last index of a library had come when it was killed.

    Returns
    -------
    dict or None
        As `running_index` does; None where one runs now, or the last ended by itself.
    """
    _, news = _files(database)
    if running_index(database) is not None:
        return None
    left = _read(news)
    return left.record() if left.pid else None


def _files(database: Path) -> tuple[Path, Path]:
    """Return the file that is locked and the one that tells: the same by whatever name a library goes."""
    database = Path(database).resolve()
    return database.with_name(f".{database.name}.lock"), database.with_name(f".{database.name}.indexing")


def _keep_telling(running: RunningIndex, ended: threading.Event) -> None:
    while not ended.wait(TELLING_EVERY_S):
        running.tell()


def _read(news: Path) -> Running:
    try:
        told = json.loads(news.read_text(encoding="utf-8"))
        return Running(**{name: told[name] for name in asdict(Running())})
    except (OSError, ValueError, KeyError, TypeError):
        return Running()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _busy(database: Path, other: Running) -> str:
    since = other.started.replace("T", " ").replace("+00:00", " UTC")
    who = f" (process {other.pid}, since {since})" if other.pid else ""
    return (
        f"{database} is being indexed by another program{who}: wait until it has finished, or stop it first."
    )


@contextmanager
def _locked(file: Path) -> Iterator[bool]:
    """Hold a lock on a file; yield False where somebody else does."""
    handle = None
    try:
        for _ in range(_TRIES):
            handle = _open(file)
            if handle is None:
                break
            taken = _take(handle)
            # Who held it before may have removed the file meanwhile: then this is a lock on nothing.
            if taken is None or (taken and _is_still(handle, file)):
                break
            os.close(handle)
            handle = None
            if not taken:
                time.sleep(_BETWEEN_TRIES_S)
        else:
            yield False
            return
        yield True
    finally:
        if handle is not None:
            # While it is held: nobody else can have this very file then. Windows removes no open file.
            with suppress(OSError):
                file.unlink()
            os.close(handle)


def _open(file: Path) -> int | None:
    # It may be another user's, who can be kept out without writing to it.
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        with suppress(OSError):
            return os.open(file, flags, 0o666)
    return None


def _is_still(handle: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(file))
    except OSError:
        return False


def _take(handle: int, *, together: bool = False) -> bool | None:
    """Lock an open file without waiting, until it is closed.

    Parameters
    ----------
    together : bool
        Bear others that do so too.

    Returns
    -------
    bool or None
        False where somebody else holds it, None where files cannot be locked.
    """
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, (fcntl.LOCK_SH if together else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True
