"""Let one index run at a time for a library, and tell other programs how far it is.

The run holds a lock of the operating system on a file beside songs.db: such a lock ends with its process. How
far it is stands in a second file, because replacing a locked file would lose the lock.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor

from explorer.errors import LibraryBusyError

TELLING_EVERY_S = 1.0

_ACQUIRE_S = 1.0
"""Retry: `running_index` takes the lock for an instant to test it; a run must not fail because of that."""

_TESTS = 3
"""Nor may one test take another, at the same instant, for an index run."""

_BETWEEN_TESTS_S = 0.02


@dataclass
class Running:
    """How far an index run is.

    Attributes
    ----------
    pid : int
        Its process; 0 where that is not known.
    started : str
        In UTC, after ISO 8601.
    folder : str
    total, done, indexed, failed : int
        Files; `total` is 0 until the folder was scanned.
    audio_seconds : float
        The duration of the songs embedded so far.
    seconds, embedding_seconds : float
        Since the run began, and since the first file was begun.
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
    def seconds_left(self) -> float | None:
        """How long the other files take at the rate so far; None before the first file."""
        if not (self.done and self.embedding_seconds):
            return None
        return (self.total - self.done) * self.embedding_seconds / self.done

    def record(self) -> dict:
        """Return everything, with `songs_per_second`, `times_real_time` and `seconds_left`."""
        known = bool(self.done and self.embedding_seconds)
        rates = {
            "songs_per_second": round(self.done / self.embedding_seconds, 3) if known else None,
            "times_real_time": round(self.audio_seconds / self.embedding_seconds, 3) if known else None,
            "seconds_left": round(self.seconds_left, 3) if known else None,
        }
        return asdict(self) | rates


class RunningIndex:
    """Writes about once a second how far an index run is, for other programs to read."""

    def __init__(self, file: Path, folder: str) -> None:
        self._file = file
        self._part = file.with_name(f"{file.name}.part")
        self._writing = threading.Lock()
        self._began = time.monotonic()
        self._embedding_since: float | None = None
        self._counts: Callable[[], dict] = dict
        self._said = Running(os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"), folder)

    def found(self, total: int, *, previews: bool = False) -> None:
        """Note how many files are to be done, and whether previews are made of them."""
        self._said.total, self._said.previews = total, previews

    def embedding(self, counts: Callable[[], dict]) -> None:
        """Note that the first file is begun.

        Parameters
        ----------
        counts : callable
            Returns `done`, `indexed`, `failed` and `audio_seconds`; another thread calls it.
        """
        self._counts = counts
        self._embedding_since = time.monotonic()

    def now(self) -> Running:
        """Return how far the run is."""
        now = time.monotonic()
        since = now if self._embedding_since is None else self._embedding_since
        return replace(self._said, seconds=now - self._began, embedding_seconds=now - since, **self._counts())

    def tell(self) -> None:
        """Write how far the run is. A disk that refuses this must not end the run."""
        with suppress(OSError), self._writing:
            self._part.write_text(json.dumps(asdict(self.now())), encoding="utf-8")
            self._part.replace(self._file)

    def forget(self) -> None:
        """Delete what was written."""
        for file in (self._file, self._part):
            with suppress(OSError):
                file.unlink()


@contextmanager
def indexing(database: Path, folder: str) -> Iterator[RunningIndex]:
    """Be the only index run of a library.

    Where files cannot be locked, as on some network drives, nobody is refused.

    Parameters
    ----------
    folder : str
        What is indexed, for other programs to show.

    Raises
    ------
    LibraryBusyError
        If another index runs on the same library.
    """
    lock_file, progress_file = _files(database)
    # Writable for everybody: another user of this library must be able to lock it too.
    lock = FileLock(lock_file, mode=0o666, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=_ACQUIRE_S, poll_interval=_ACQUIRE_S / 10)
    except Timeout:
        raise LibraryBusyError(_busy(database, _read(progress_file))) from None
    except OSError:
        pass
    running = RunningIndex(progress_file, folder)
    # A killed run may have left its progress.
    running.forget()
    running.tell()
    ended = threading.Event()
    thread = threading.Thread(target=_keep_telling, args=(running, ended), name="progress", daemon=True)
    thread.start()
    try:
        yield running
    finally:
        ended.set()
        thread.join()
        running.forget()
        if lock.is_locked:
            # Before it is released: then no other run can hold a lock on this very file.
            with suppress(OSError):
                lock_file.unlink()
        lock.release()


def running_index(database: Path) -> dict | None:
    """Return how far the index is that runs on a library.

    Returns
    -------
    dict or None
        What `Running.record` returns; None where none runs, or nobody can tell.
    """
    lock_file, progress_file = _files(database)
    return _read(progress_file).record() if _is_locked(lock_file) else None


def killed_index(database: Path) -> dict | None:
    """Return how far the last index of a library was when it was killed.

    Returns
    -------
    dict or None
        As `running_index` does; None where one runs now, or the last ended by itself.
    """
    if running_index(database) is not None:
        return None
    left = _read(_files(database)[1])
    return left.record() if left.pid else None


def _files(database: Path) -> tuple[Path, Path]:
    """Return the lock file and the progress file of a library, the same through every link to it."""
    database = Path(database).resolve()
    return database.with_name(f".{database.name}.lock"), database.with_name(f".{database.name}.indexing")


def _keep_telling(running: RunningIndex, ended: threading.Event) -> None:
    while not ended.wait(TELLING_EVERY_S):
        running.tell()


def _read(progress_file: Path) -> Running:
    try:
        told = json.loads(progress_file.read_text(encoding="utf-8"))
        return Running(**{name: told[name] for name in asdict(Running())})
    except (OSError, ValueError, KeyError, TypeError):
        return Running()


def _busy(database: Path, other: Running) -> str:
    since = other.started.replace("T", " ").replace("+00:00", " UTC")
    who = f" (process {other.pid}, since {since})" if other.pid else ""
    return (
        f"{database} is being indexed by another program{who}: wait until it has finished, or stop it first."
    )


def _is_locked(file: Path) -> bool:
    """Tell whether a file is there and another holds a lock on it; False where files cannot be locked."""
    if (handle := _open(file)) is None:
        return False
    try:
        for _ in range(_TESTS):
            if lock_descriptor(handle, blocking=False):
                return False
            time.sleep(_BETWEEN_TESTS_S)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _open(file: Path) -> int | None:
    # NFS locks only a file that is open for writing; in a read-only folder it can only be read.
    for flags in (os.O_RDWR, os.O_RDONLY):
        with suppress(OSError):
            return os.open(file, flags)
    return None
