"""Runs `map` in a process of its own, so that the page stays responsive and the run can be cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from explorer.util.commands import command_line
from explorer.util.processes import ChildProgram
from explorer.util.text import printable

_log = logging.getLogger(__name__)
_MAX_TEXT_LENGTH = 300


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
    """Runs at most one `map` at a time for one database; `state` is its progress.

    Parameters
    ----------
    database : Path
    require : callable
        Called before each start; it raises if the library may not be changed.
    """

    def __init__(self, database: Path, *, require: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._require = require
        self._lock = threading.Lock()
        self._program: ChildProgram | None = None
        self.state = JobState()

    def start(self, *options: str) -> None:
        """Run `map` with these options; do nothing if one is running.

        If it cannot be started, the state is "failed".

        Raises
        ------
        RefusedError
            If the library may not be changed.
        """
        self._require()
        with self._lock:
            if self.state.phase == "running":
                return
            self.state = JobState("running", "Starting")
            program = None
            try:
                command = ("map", "--progress-lines", "--db", str(self._database))
                self._program = program = ChildProgram(*command, *options)
                thread = threading.Thread(target=self._follow, args=(program,), name="map-job", daemon=True)
                thread.start()
            except Exception as error:
                self._fail(program, error)

    def _fail(self, program: ChildProgram | None, error: Exception) -> None:
        """Record that a job has failed because of an exception here; end its process, if there is one."""
        _log.error("A new map could not be made", exc_info=error)
        if program is not None:
            program.kill()
            program.wait()
        self.state = JobState("failed", f"The map could not be made: {_reason(error)}. Try again.")

    def cancel(self) -> None:
        """Ask the running `map` to stop; it finishes anyway if it is already storing the new map."""
        with self._lock:
            if self.state.phase == "running":
                self._program.cancel()

    def _follow(self, program: ChildProgram) -> None:
        try:
            program.follow(self._report)
            self.state = _end_state(program, program.wait(), self._database)
        except Exception as error:
            self._fail(program, error)

    def _report(self, text: str, share: float) -> None:
        self.state = JobState("running", printable(text, max_length=_MAX_TEXT_LENGTH), share)


def _end_state(program: ChildProgram, status: int, database: Path) -> JobState:
    if status == 0:
        return JobState("done", "The new map is ready.", 1.0)
    if program.is_cancelled:
        return JobState("cancelled", "Cancelled: the map has not changed.")
    # The last line is the error message.
    command = command_line("map", database=database)
    lines = program.lines or [f"The map could not be made: run `{command}` to see why."]
    return JobState("failed", printable(lines[-1], max_length=_MAX_TEXT_LENGTH))


def _reason(error: Exception) -> str:
    """Return why a process could not be started or followed, without a full stop."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable(str(error) or type(error).__name__, max_length=_MAX_TEXT_LENGTH)
