"""Runs `map` in a process of its own, so that the page stays responsive and the run can be cancelled."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from explorer.util.processes import ChildProgram


@dataclass(frozen=True)
class JobState:
    """The progress of a job.

    Attributes
    ----------
    phase : {"idle", "running", "done", "failed", "cancelled"}
    text : str
        The current step, or why the job failed.
    share : float
        The finished share of the current step, from 0 to 1.
    """

    phase: str = "idle"
    text: str = ""
    share: float = 0.0


class MapJob:
    """Runs at most one `map` at a time for one database; `state` is its progress."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._program: ChildProgram | None = None
        self.state = JobState()

    def start(self, *options: str) -> None:
        """Run `map` with these options; do nothing if one is running."""
        with self._lock:
            if self.state.phase == "running":
                return
            command = ("map", "--progress-lines", "--db", str(self._database))
            self._program = ChildProgram(*command, *options)
            self.state = JobState("running", "Starting")
        threading.Thread(target=self._follow, args=(self._program,), name="map-job", daemon=True).start()

    def cancel(self) -> None:
        """Ask the running `map` to stop; it finishes anyway if it is already storing the new map."""
        with self._lock:
            if self.state.phase == "running":
                self._program.cancel()

    def _follow(self, program: ChildProgram) -> None:
        program.follow(self._report)
        if program.wait() == 0:
            self.state = JobState("done", "The new map is ready.", 1.0)
        elif program.is_cancelled:
            self.state = JobState("cancelled", "Cancelled: the map has not changed.")
        else:
            # The last line is the error message.
            lines = program.lines or ["The map could not be made: run `python run.py map` to see why."]
            self.state = JobState("failed", lines[-1])

    def _report(self, text: str, share: float) -> None:
        self.state = JobState("running", text, share)
