"""What the page is told about the index run of its library."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from explorer.errors import LibraryError
from explorer.indexing.running import running_index
from explorer.web.data.reader import open_library
from explorer.web.index_job import IndexJob

_MAX_AGE_S = 1.0
"""An index run writes its progress once a second, and asking whether it runs takes some milliseconds."""


class IndexState:
    """Reads the progress of the index run, at most once a second for all pages together.

    Parameters
    ----------
    database : Path
    job : IndexJob, optional
        The index run that belongs to the page. Other programs can index the library too.
    """

    def __init__(self, database: Path, job: IndexJob | None = None) -> None:
        self._database = database
        self._job = job
        self._lock = threading.Lock()
        self._read_at = -_MAX_AGE_S
        self._known_problem = ""
        self._running: dict | None = None

    @property
    def problem(self) -> str:
        """Why the page's own index run has failed; empty if it has not."""
        return self._job.problem if self._job else ""

    @property
    def folder(self) -> str:
        """The folder that the page's own index run watches; empty if there is none."""
        return self._job.folder if self._job else ""

    @property
    def is_starting(self) -> bool:
        """Whether the page's own index run has just been started: it may be creating the library."""
        return self._job is not None and self._job.is_starting

    def running(self) -> dict | None:
        """Return the run's progress.

        Returns
        -------
        dict or None
            "stage": "starting", "scan", "first look", "full" or "map" (the first map is drawn). "done" and
            "total": songs of this stage.
            "seconds_left": of the stage "full"; None if unknown. None if no index run is in progress.
        """
        with self._lock:
            problem = self.problem
            if time.monotonic() - self._read_at >= _MAX_AGE_S or problem != self._known_problem:
                self._running = self._read()
                self._read_at, self._known_problem = time.monotonic(), problem
            return self._running

    def _read(self) -> dict | None:
        record = running_index(self._database)
        if record is None:
            return self._read_job() if self._job is not None else None
        if record["stage"] == "first look":
            return _progress("first look", record["looked"], record["to_look"])
        if not record["total"]:
            return _progress("scan")
        done, total = record["done"], record["total"]
        try:
            with open_library(self._database) as library:
                if library.shows_coarse():
                    # Of all songs: an earlier run may have embedded some of them.
                    counts = library.vector_counts()
                    done, total = counts.full, counts.songs
        except LibraryError:
            pass
        return _progress("full", done, total, record["seconds_left"])

    def _read_job(self) -> dict | None:
        """Return what the page's own run does while it holds no lock: it starts, or draws the first map."""
        if self.is_starting:
            return _progress("starting")
        if not self._job.is_running:
            return None
        try:
            with open_library(self._database) as library:
                has_map = library.projections() or not library.count_vectors()
        except LibraryError:
            return None
        return None if has_map else _progress("map")


def _progress(stage: str, done: int = 0, total: int = 0, seconds_left: float | None = None) -> dict:
    return {"stage": stage, "done": done, "total": total, "seconds_left": seconds_left}
