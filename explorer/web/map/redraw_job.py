"""A new layout of the map, computed in a program of its own: the page goes on, and it can be cancelled."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from explorer.util.processes import ChildProgram


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
    """At most one `map` at a time for one database; `state` says how it stands."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._program: ChildProgram | None = None
        self.state = JobState()

    def start(self, *options: str) -> None:
        """Run `map` with options, unless one is running."""
        with self._lock:
            if self.state.phase == "running":
                return
            command = ("map", "--progress-lines", "--db", str(self._database))
            self._program = ChildProgram(*command, *options)
            self.state = JobState("running", "Starting")
        threading.Thread(target=self._follow, args=(self._program,), name="map-job", daemon=True).start()

    def cancel(self) -> None:
        """Ask what is running to stop. Once the new map is being stored it is too late for that."""
        with self._lock:
            if self.state.phase == "running":
                self._program.cancel()

    def _follow(self, program: ChildProgram) -> None:
        program.follow(self._tell)
        if program.wait() == 0:
            self.state = JobState("done", "The map is drawn anew.", 1.0)
        elif program.is_cancelled:
            self.state = JobState("cancelled", "Cancelled: the map is as it was.")
        else:
            # The last line is the error, as one sentence.
            lines = program.lines or ["The map could not be made: run `python run.py map`."]
            self.state = JobState("failed", lines[-1])

    def _tell(self, text: str, share: float) -> None:
        self.state = JobState("running", text, share)
