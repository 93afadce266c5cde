"""Run a command of this program in a child process, and follow its progress."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from explorer.config import ROOT

PROGRAM = (sys.executable, "-m", "explorer")
_MAX_LINES_KEPT = 100
_MAX_LENGTH_READ = 1 << 20
"""Longer lines are read in pieces, so that a child cannot fill the memory."""

_MAX_LENGTH_KEPT = 1_000


class ChildProgram:
    """A command that runs in a child process and reports its progress as JSON lines.

    Parameters
    ----------
    *arguments : str
        The command and its options, among them `--progress-lines`.
    limit_s : float, optional
        The child is killed this many seconds after `follow` was called.
    niceness : int
        The child's niceness on POSIX, from 0 to 19; a higher value gives other processes more CPU time.
    is_bound : bool
        Whether the child stops, as after Ctrl-C, when this program ends or calls `finish`. Ctrl-C in the
        terminal does not reach such a child, so this program decides when it stops.

    Attributes
    ----------
    is_cancelled : bool
        Whether `cancel` was called.
    is_timed_out : bool
        Whether the child was killed because of the time limit.
    lines : list of str
        The last 100 lines that are not JSON objects: error messages and warnings of libraries.

    Raises
    ------
    OSError, ValueError
        If the child process cannot be started; ValueError if an argument contains a NUL.
    """

    def __init__(
        self,
        *arguments: str,
        limit_s: float = threading.TIMEOUT_MAX,
        niceness: int = 0,
        is_bound: bool = False,
    ) -> None:
        self.limit_s = limit_s
        self.is_cancelled = self.is_timed_out = False
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [*PROGRAM, *(["--stop-at-eof"] if is_bound else []), *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE if is_bound else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=is_bound,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) if is_bound else 0,
        )
        if niceness and hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, niceness)

    def cancel(self) -> None:
        """Ask the child to stop (SIGTERM); it may ignore the request while it stores results."""
        self.is_cancelled = True
        self._process.terminate()

    def finish(self) -> None:
        """Let a bound child finish what it has begun, and end. Its standard input is closed."""
        with suppress(OSError):
            self._process.stdin.close()

    def kill(self) -> None:
        """Kill the child."""
        self._process.kill()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until the child has ended, and return its exit status; negative if a signal ended it."""
        return self._process.wait(timeout_s)

    def follow(
        self,
        on_progress: Callable[[str, float], object],
        on_line: Callable[[str], object] = lambda _line: None,
    ) -> dict | None:
        """Read the child's output until it ends.

        Parameters
        ----------
        on_progress : callable
            Called with the child's description of its current work, and the share done, from 0 to 1.
        on_line : callable
            Called with each line that is not a JSON object.

        Returns
        -------
        dict or None
            The child's result: its last JSON object that does not report progress.
        """
        timer = threading.Timer(self.limit_s, self._kill_after_limit)
        timer.daemon = True
        with self._process:
            try:
                timer.start()
                return self._read_output(on_progress, on_line)
            except BaseException:
                # Leaving the `with` block waits for the child, which may never end by itself.
                self._process.kill()
                raise
            finally:
                timer.cancel()

    def _read_output(
        self, on_progress: Callable[[str, float], object], on_line: Callable[[str], object]
    ) -> dict | None:
        result = None
        for line in iter(partial(self._process.stdout.readline, _MAX_LENGTH_READ), ""):
            message, text = _json_object(line), line.strip()
            if message is None:
                if text:
                    self.lines = [*self.lines, text[:_MAX_LENGTH_KEPT]][-_MAX_LINES_KEPT:]
                    on_line(text)
            elif "text" in message:
                on_progress(str(message["text"]), _share(message.get("share")))
            else:
                result = message
        return result

    def _kill_after_limit(self) -> None:
        self.is_timed_out = True
        self._process.kill()


def _json_object(line: str) -> dict | None:
    """Return the JSON object of a line, or None if the line is anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _share(value: object) -> float:
    """Return a number from 0 to 1; 0 for anything else. Python's JSON reader accepts NaN."""
    return float(min(max(value, 0), 1)) if type(value) in (int, float) and value == value else 0.0
