"""A new layout of the map, computed in a program of its own: the page goes on, and it can be cancelled."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from explorer.config import ROOT


@dataclass(frozen=True)
class JobState:
    """How a job stands.

    Attributes
    ----------
    phase : {"idle", "running", "done", "failed", "cancelled"}
    text : str
        What it is doing, or why it failed.
    share : float
        Done of what it is doing, from 0 to 1.
    """

    phase: str = "idle"
    text: str = ""
    share: float = 0.0


class MapJob:
    """At most one `map` at a time for one database."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._is_cancelled = False
        self._state = JobState()

    @property
    def state(self) -> JobState:
        """How the job stands now."""
        return self._state

    def start(self, *options: str) -> None:
        """Run `map` with options, unless one is running."""
        with self._lock:
            if self._state.phase == "running":
                return
            self._state = JobState("running", "Starting")
            self._is_cancelled = False
            command = [sys.executable, "-m", "explorer", "map", "--progress-lines"]
            self._process = subprocess.Popen(
                [*command, "--db", str(self._database), *options],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
            )
        threading.Thread(target=self._follow, args=(self._process,), name="map-job", daemon=True).start()

    def cancel(self) -> None:
        """Ask what is running to stop. Once the new map is being stored it is too late for that."""
        with self._lock:
            if self._state.phase == "running":
                self._is_cancelled = True
                self._process.terminate()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the program has ended."""
        if self._process is not None:
            self._process.wait(timeout_s)

    def _follow(self, process: subprocess.Popen) -> None:
        said = ""
        for line in process.stdout:
            try:
                news = json.loads(line)
                self._tell(JobState("running", news["text"], news.get("share", 0.0)))
            except (ValueError, KeyError, TypeError):
                # Errors are sentences, and warnings of libraries may be among the lines.
                said = line.strip() or said
        if process.wait() == 0:
            self._tell(JobState("done", "The map is drawn anew.", 1.0))
        elif self._is_cancelled:
            self._tell(JobState("cancelled", "Cancelled: the map is as it was."))
        else:
            self._tell(JobState("failed", said or "The map could not be made: run `python run.py map`."))

    def _tell(self, state: JobState) -> None:
        with self._lock:
            self._state = state
