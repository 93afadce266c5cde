"""Counts the songs of a library again only after somebody has written to it: a million takes a second."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from explorer.database.database import Database

_UNSURE_NS = 100_000_000
"""A file may be written twice within one tick of the clock of its time, and then looks unchanged. So a count
that is made soon after a write is not kept."""


class CachedCount:
    """The number of songs with a vector in one library.

    Parameters
    ----------
    database : Path
        The path of songs.db.
    """

    def __init__(self, database: Path) -> None:
        self._files = (database, database.with_name(f"{database.name}-wal"))
        self._known: tuple[tuple, int] | None = None

    def of(self, database: Database) -> int:
        """Return `Database.count_vectors` of the library, which is open."""
        state, started_ns = self._state(), time.time_ns()
        if self._known is not None and self._known[0] == state:
            return self._known[1]
        count = database.count_vectors()
        is_sure = all(modified_ns + _UNSURE_NS < started_ns for *_, modified_ns in state)
        self._known = (state, count) if is_sure and self._state() == state else None
        return count

    def _state(self) -> tuple[tuple[int, ...], ...]:
        """Return what changes when somebody writes to the library: to the file, or to its log."""
        states = []
        for path in self._files:
            with suppress(FileNotFoundError):
                state = path.stat()
                if state.st_size:  # Readers create an empty log.
                    states.append((state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))
        return tuple(states)
