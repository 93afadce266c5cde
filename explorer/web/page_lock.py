"""Lets one `open` serve a library at a time, and tells a second one where the first one's page is.

As for index runs, the operating system releases the lock when the process ends. The page's port is in a
second file, because replacing a locked file would lose the lock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

_ACQUIRE_S = 0.5
_MAX_WAIT_S = 120.0
"""How long to wait for a program that serves no page any more, but still finishes the songs in progress."""

_MAX_CHARACTERS = 10_000


@dataclass(frozen=True)
class ServedPage:
    """A page that a program serves on this computer."""

    port: int
    folder: str

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://localhost:{self.port}/"


class PageLock:
    """The lock that this program holds for its page."""

    def __init__(self, file: Path, folder: str) -> None:
        self._file = file
        self._folder = folder

    def retract(self) -> None:
        """Tell other programs that the page has ended, and that this program is about to end."""
        _delete(self._file)

    def publish(self, port: int) -> None:
        """Tell other programs at which port the page is. If the file cannot be written, they are not told."""
        part = self._file.with_name(f"{self._file.name}.part")
        with suppress(OSError):
            part.write_text(json.dumps({"port": port, "folder": self._folder}), encoding="utf-8")
            part.replace(self._file)


@contextmanager
def page_lock(
    database: Path, folder: str, *, say: Callable[[str], object]
) -> Iterator[PageLock | ServedPage | None]:
    """Hold the lock of a library's page.

    If another program holds it whose page has ended, wait until that program has ended too. If the file
    system cannot lock files, as on some network drives, the program goes on without a lock.

    Parameters
    ----------
    say : callable
        Prints one line: why this waits.

    Yields
    ------
    PageLock, ServedPage or None
        The lock; or the page of another program that holds it; None if that program has no page, and has
        not ended after two minutes.
    """
    database = database.resolve()
    lock_file, page_file = (database.with_name(f".{database.name}.{name}") for name in ("open", "page"))
    lock = FileLock(lock_file, mode=0o666, thread_local=False, fallback_to_soft=False)
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        if not _acquire(lock, page_file, database, say):
            yield _read(page_file)
            return
    except OSError:
        pass
    # A killed program may have left its page.
    _delete(page_file)
    try:
        yield PageLock(page_file, folder)
    finally:
        _delete(page_file)
        if lock.is_locked:
            # Delete before the release: afterwards another program may hold a lock on this very file.
            _delete(lock_file)
        lock.release()


def _acquire(lock: FileLock, page_file: Path, database: Path, say: Callable[[str], object]) -> bool:
    """Acquire the lock; return False if a program with a page holds it, or another one for too long."""
    give_up_at = time.monotonic() + _MAX_WAIT_S
    has_said = False
    while True:
        try:
            lock.acquire(timeout=_ACQUIRE_S, poll_interval=_ACQUIRE_S / 5)
        except Timeout:
            if _read(page_file) is not None or time.monotonic() > give_up_at:
                return False
        else:
            return True
        if not has_said:
            say(f"Waiting for another program that has {database} open: it is starting or stopping.")
            has_said = True


def _delete(file: Path) -> None:
    with suppress(OSError):
        file.unlink()


def _read(file: Path) -> ServedPage | None:
    """Read which page is served. The file may come from somebody else: only a port is taken from it."""
    try:
        if not file.is_file():
            return None
        with file.open(encoding="utf-8") as stream:
            record = json.loads(stream.read(_MAX_CHARACTERS))
        port, folder = record["port"], record["folder"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    is_valid = type(port) is int and 0 < port < 1 << 16 and isinstance(folder, str)
    return ServedPage(port, folder) if is_valid else None
