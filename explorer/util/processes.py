"""A command of this program in a process of its own, which reports its progress."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable

from explorer.config import ROOT

PROGRAM = (sys.executable, "-m", "explorer")
_MOST_LINES_KEPT = 100


class ChildProgram:
    """A running command that writes JSON lines, as `--progress-lines` makes it do.

    Parameters
    ----------
    *arguments : str
        The command and its options.
    limit_s : float, optional
        After so many seconds from `follow` on it is killed.

    Attributes
    ----------
    is_cancelled, is_late : bool
        Whether `cancel` was called, and whether the time limit was reached.
    lines : list of str
        The last 100 lines that are not JSON: error messages, and warnings of libraries.

    Raises
    ------
    OSError
        If it cannot be started.
    """

    def __init__(self, *arguments: str, limit_s: float = threading.TIMEOUT_MAX) -> None:
        self.limit_s = limit_s
        self.is_cancelled = self.is_late = False
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )

    def cancel(self) -> None:
        """Ask it to stop; it may ignore that while it stores something."""
        self.is_cancelled = True
        self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until it has ended, and return its exit status; negative if a signal ended it."""
        return self._process.wait(timeout_s)

    def follow(self, tell: Callable[[str, float], object]) -> dict | None:
        """Read what it writes until it ends.

        `tell` is called with what it is doing, and how much of that is done, from 0 to 1. The last JSON
        object that is no progress is its result.
        """
        result = None
        timer = threading.Timer(self.limit_s, self._give_up)
        timer.daemon = True
        timer.start()
        with self._process:
            for line in self._process.stdout:
                news, text = _json_object(line), line.strip()
                if news is None:
                    self.lines = [*self.lines, text][-_MOST_LINES_KEPT:] if text else self.lines
                elif "text" in news:
                    tell(news["text"], news.get("share", 0.0))
                else:
                    result = news
        timer.cancel()
        return result

    def _give_up(self) -> None:
        self.is_late = True
        self._process.kill()


def _json_object(line: str) -> dict | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
