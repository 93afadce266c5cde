"""Records which songs somebody has played or selected, so that an index run embeds them first.

Nothing waits for it: a thread writes every few seconds, and forgets the songs if the library is busy.
"""

from __future__ import annotations

import logging
import threading
import time

from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.web.permissions import require_changes

_log = logging.getLogger(__name__)
_INTERVAL_S = 1.5
_NOT_NEEDED_S = 60.0
"""After the library needed no such songs, it is asked again after this time."""

_MAX_WAITING = 200


class AskedSongs:
    """Records songs in the user's own library; a library that may not be changed is never written.

    Parameters
    ----------
    settings : Settings
    interval_s : float
        The time between two writes.
    """

    def __init__(self, settings: Settings, *, interval_s: float = _INTERVAL_S) -> None:
        self._settings = settings
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._waiting: dict[str, None] = {}
        self._thread: threading.Thread | None = None
        self._not_needed_until = 0.0

    def add(self, song_id: str) -> None:
        """Record a song, later."""
        if time.monotonic() < self._not_needed_until:
            return
        with self._lock:
            if len(self._waiting) < _MAX_WAITING:
                self._waiting.setdefault(song_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="asked-songs", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        """Write until no song is left."""
        while True:
            time.sleep(self._interval_s)
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                song_ids, self._waiting = list(self._waiting), {}
            try:
                self._write(song_ids)
            except (ExplorerError, OSError) as error:
                _log.info("Which songs were asked for is not recorded: %s", error)

    def _write(self, song_ids: list[str]) -> None:
        require_changes(self._settings)
        with Database.open_readonly(self._settings.database) as library:
            if not library.shows_coarse():
                self._not_needed_until = time.monotonic() + _NOT_NEEDED_S
                return
        with Database.open(self._settings.database, create=False) as library:
            library.store_asked_songs(song_ids)
