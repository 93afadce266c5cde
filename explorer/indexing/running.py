"""Locks a library for one index run at a time, and reports the run's progress to other programs.

The run locks a file beside songs.db; the operating system releases such a lock when the process ends. Its
progress is in a second file, because replacing a locked file would lose the lock.
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

FIRST_LOOK, FULL_PASS = "first look", "full"
"""The stages of a run, as `IndexProgress` names them."""

WRITE_INTERVAL_S = 1.0

_ACQUIRE_S = 1.0
"""Retry: `running_index` takes the lock for an instant to test it; a run must not fail because of that."""

_LOCK_TESTS = 3
"""Retry: another program's test, at the same instant, must not count as an index run."""

_BETWEEN_TESTS_S = 0.02
_MAX_PROGRESS_CHARACTERS = 100_000
_MAX_NUMBER = 1e15


@dataclass
class IndexProgress:
    """The progress of an index run.

    Attributes
    ----------
    pid : int
        The run's process; 0 if unknown.
    started : str
        UTC, ISO 8601.
    folder : str
    total, done, indexed, failed : int
        Files; `total` is 0 until the folder was scanned.
    audio_seconds : float
        The duration of the songs embedded so far.
    seconds, embedding_seconds : float
        Seconds since the run began, and since it began to embed the first file.
    previews : bool
        Whether the run makes previews, which need disk space.
    stage : str
        What the run does now: "" while it lists the files, "first look", or "full" while it embeds every
        window.
    to_look, looked : int
        Songs of the first look, and those that are done.
    look_seconds : float
        Seconds that the first look has taken.
    cost_ratio : float
        How many times as long as the first look the full pass will take for a song; 0 if unknown.
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
    stage: str = ""
    to_look: int = 0
    looked: int = 0
    look_seconds: float = 0.0
    cost_ratio: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the remaining files take at the rate so far; None before the first file is done.

        During the first look, this counts the full pass too.
        """
        if self.stage == FIRST_LOOK:
            if not (self.looked and self.cost_ratio):
                return None
            to_embed = (self.total - self.done) * self.cost_ratio
            return (self.to_look - self.looked + to_embed) * self.look_seconds / self.looked
        if not (self.done and self.embedding_seconds):
            return None
        return (self.total - self.done) * self.embedding_seconds / self.done

    def record(self) -> dict:
        """Return all fields, and `songs_per_second`, `times_real_time` and `seconds_left`."""
        known = bool(self.done and self.embedding_seconds)
        rates = {
            "songs_per_second": round(self.done / self.embedding_seconds, 3) if known else None,
            "times_real_time": round(self.audio_seconds / self.embedding_seconds, 3) if known else None,
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left, 3),
        }
        return asdict(self) | rates


class ProgressFile:
    """Writes an index run's progress to a file that other programs read."""

    def __init__(self, file: Path, folder: str) -> None:
        self._file = file
        self._part = file.with_name(f"{file.name}.part")
        self._write_lock = threading.Lock()
        self._began = time.monotonic()
        self._look_began: float | None = None
        self._embedding_began: float | None = None
        self._counts: Callable[[], dict] = dict
        self._look_counts: Callable[[], dict] = dict
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._progress = IndexProgress(os.getpid(), started, folder)

    def set_total(self, total: int, *, previews: bool = False) -> None:
        """Set how many files the run reads, and whether it makes previews."""
        self._progress.total, self._progress.previews = total, previews

    def start_look(self, to_look: int, counts: Callable[[], dict]) -> None:
        """Begin the first look.

        Parameters
        ----------
        counts : callable
            Returns `looked` and `cost_ratio`; another thread calls it.
        """
        self._look_counts = counts
        self._look_began = time.monotonic()
        self._progress.stage, self._progress.to_look = FIRST_LOOK, to_look

    def start_embedding(self, counts: Callable[[], dict]) -> None:
        """Start the time measurement for the rates, such as songs per second.

        Parameters
        ----------
        counts : callable
            Returns `done`, `indexed`, `failed` and `audio_seconds`; another thread calls it.
        """
        self._counts = counts
        self._embedding_began = time.monotonic()
        self._progress.stage = FULL_PASS

    def now(self) -> IndexProgress:
        """Return the current progress."""
        now = time.monotonic()
        began = now if self._embedding_began is None else self._embedding_began
        times = {"seconds": now - self._began, "embedding_seconds": now - began}
        if self._look_began is not None:
            times["look_seconds"] = (self._embedding_began or now) - self._look_began
        return replace(self._progress, **times, **self._look_counts(), **self._counts())

    def write(self) -> None:
        """Write the current progress. A write error is ignored: it must not end the run."""
        with suppress(OSError), self._write_lock:
            self._part.write_text(json.dumps(asdict(self.now())), encoding="utf-8")
            self._part.replace(self._file)

    def delete(self) -> None:
        """Delete the file."""
        for file in (self._file, self._part):
            with suppress(OSError):
                file.unlink()


@contextmanager
def index_lock(database: Path, folder: str) -> Iterator[ProgressFile]:
    """Hold a library's lock for an index run, and write the run's progress once a second.

    If the file system cannot lock files, as on some network drives, the run goes on without a lock.

    Parameters
    ----------
    folder : str
        The folder that is indexed, for other programs to show.

    Raises
    ------
    LibraryBusyError
        If another index run holds the lock.
    """
    lock_file, progress_file = _files(database)
    # Writable for everybody: another user of this library must be able to lock it too.
    lock = FileLock(lock_file, mode=0o666, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=_ACQUIRE_S, poll_interval=_ACQUIRE_S / 10)
    except Timeout:
        raise LibraryBusyError(_busy_message(database, _read(progress_file))) from None
    except OSError:
        pass
    progress = ProgressFile(progress_file, folder)
    # A killed run may have left its progress.
    progress.delete()
    progress.write()
    ended = threading.Event()
    thread = threading.Thread(target=_keep_writing, args=(progress, ended), name="progress", daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        ended.set()
        thread.join()
        progress.delete()
        if lock.is_locked:
            # Delete before the release: afterwards another run may hold a lock on this very file.
            with suppress(OSError):
                lock_file.unlink()
        lock.release()


def running_index(database: Path) -> dict | None:
    """Return the progress of the index run that holds a library's lock.

    Returns
    -------
    dict or None
        As `IndexProgress.record` gives it; None if no run holds the lock, or the lock cannot be tested.
    """
    lock_file, progress_file = _files(database)
    return _read(progress_file).record() if _is_locked(lock_file) else None


def killed_index(database: Path) -> dict | None:
    """Return the last progress of an index run that was killed.

    Returns
    -------
    dict or None
        As `running_index`; None if a run is active, or the last run ended normally.
    """
    if running_index(database) is not None:
        return None
    left = _read(_files(database)[1])
    return left.record() if left.pid else None


def _files(database: Path) -> tuple[Path, Path]:
    """Return a library's lock file and progress file; links to the library give the same files."""
    database = Path(database).resolve()
    return database.with_name(f".{database.name}.lock"), database.with_name(f".{database.name}.indexing")


def _keep_writing(progress: ProgressFile, ended: threading.Event) -> None:
    while not ended.wait(WRITE_INTERVAL_S):
        progress.write()


def _read(progress_file: Path) -> IndexProgress:
    """Read a progress file. It may come from somebody else: anything but a run's progress counts as empty."""
    try:
        if not progress_file.is_file():  # A pipe would wait for its other end; a device may never end.
            return IndexProgress()
        with progress_file.open(encoding="utf-8") as file:
            record = json.loads(file.read(_MAX_PROGRESS_CHARACTERS))
        return IndexProgress(
            **{name: _checked(record[name], default) for name, default in asdict(IndexProgress()).items()}
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return IndexProgress()


def _checked(value: object, default: str | float) -> str | float:
    """Return a value if its type is that of its default; raise if not, or if a number is negative or huge."""
    is_text = isinstance(default, str)
    if not isinstance(value, str if is_text else int | type(default)):
        raise TypeError
    if not is_text and not 0 <= value < _MAX_NUMBER:
        raise ValueError
    return value


def _busy_message(database: Path, other: IndexProgress) -> str:
    since = other.started.replace("T", " ").replace("+00:00", " UTC")
    process = f" (process {other.pid}, since {since})" if other.pid else ""
    return f"{database} is being indexed by another program{process}: stop it, or wait until it has finished."


def _is_locked(file: Path) -> bool:
    """Tell whether another process holds a lock on a file; False if the file cannot be locked."""
    if (handle := _open(file)) is None:
        return False
    try:
        for _ in range(_LOCK_TESTS):
            if lock_descriptor(handle, blocking=False):
                return False
            time.sleep(_BETWEEN_TESTS_S)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _open(file: Path) -> int | None:
    # NFS locks only files that are open for writing. If the file may not be written, open it for reading.
    for flags in (os.O_RDWR, os.O_RDONLY):
        with suppress(OSError):
            return os.open(file, flags)
    return None
