"""Runs `index` in a process of its own, so that the page is there at once and stays responsive."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from explorer.indexing.running import running_index
from explorer.util.processes import ChildProgram
from explorer.util.progress import is_progress_line
from explorer.util.text import printable

_log = logging.getLogger(__name__)
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_PROGRESS_INTERVAL_S = 60.0
"""An index run can take days: its progress is on the page, and on the terminal once a minute."""

_RETRY_S = 2.0
"""How often to look whether another index run of this library has ended."""

TRY_AGAIN = "To try again, stop this program with Ctrl-C and start it again."
_MAX_TEXT_LENGTH = 600
_DONE = (0, 3)


class IndexJob:
    """An `index` command for the library of a page.

    While another program indexes the library, it waits.

    Parameters
    ----------
    database : Path
    folder : str
        The folder or URL to index.
    options : sequence of str
        Options for `index`.
    say : callable
        Prints one line on the terminal.

    Attributes
    ----------
    folder : str
    problem : str
        One sentence: why indexing has ended before its time; empty if it has not.
    """

    def __init__(
        self, database: Path, folder: str, options: list[str], *, say: Callable[[str], None]
    ) -> None:
        self._database, self.folder = database, folder
        # "--" ends the options: the folder's name may begin with a dash.
        self._command = ("index", "--db", str(database), *options, "--", folder)
        self._say = say
        self._said_progress_at = 0.0
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._program: ChildProgram | None = None
        self._thread = threading.Thread(target=self._run, name="index-job", daemon=True)
        self._status: int | None = None
        self.problem = ""

    def start(self) -> None:
        """Start to index, in the background."""
        self._thread.start()

    @property
    def is_starting(self) -> bool:
        """Whether the index run has not said anything yet, nor ended."""
        has_begun = self._program is not None and bool(self._program.lines)
        return not (has_begun or self.problem or self._status is not None)

    @property
    def is_running(self) -> bool:
        """Whether the index run has begun and has not ended: it also runs while it waits for new songs."""
        return self._program is not None and self._status is None and not self.problem

    def stop(self) -> int:
        """Let the songs in progress be finished, and wait for that. Another Ctrl-C ends the process at once.

        Returns
        -------
        int
            The exit status for the command: 0 if nothing was left to do, 130 if something was, 1 if indexing
            had failed, 3 if it was complete except for some files.
        """
        is_interrupted = self._is_unfinished()
        for name in _SIGNALS:
            if hasattr(signal, name) and threading.current_thread() is threading.main_thread():
                signal.signal(getattr(signal, name), lambda *_: self._kill())
        self._stopping.set()
        with self._lock:
            if self._program is not None:
                self._program.finish()
        while self._thread.is_alive():
            self._thread.join(0.2)  # Without a limit, Windows would not deliver Ctrl-C.
        if self.problem:
            return 1
        return 130 if is_interrupted else self._status if self._status in _DONE else 0

    def _is_unfinished(self) -> bool:
        if self._status is not None:
            return False
        return self.is_starting or running_index(self._database) is not None

    def _kill(self) -> None:
        if self._program is not None:
            self._program.kill()

    def _run(self) -> None:
        try:
            self._wait_for_other_index()
            with self._lock:
                if self._stopping.is_set():
                    return
                self._program = ChildProgram(*self._command, is_bound=True)
            self._program.follow(lambda *_: None, self._relay)
            self._status = self._program.wait()
        except Exception as error:
            _log.error("Songs cannot be indexed", exc_info=error)
            if self._program is not None:
                self._program.kill()
            self._fail(f"The songs cannot be indexed: {error}.")
        else:
            if self._status not in _DONE and not self._stopping.is_set():
                self._fail(self._reason())

    def _wait_for_other_index(self) -> None:
        """Wait until no other program indexes this library."""
        if (other := running_index(self._database)) is None:
            return
        self._say(
            f"{self._database} is being indexed by another program (process {other['pid']}): "
            "the page shows its progress, and this program goes on when it has finished."
        )
        while not self._stopping.wait(_RETRY_S) and running_index(self._database) is not None:
            pass

    def _relay(self, line: str) -> None:
        """Print a line of the child; only one line of progress a minute."""
        if is_progress_line(line):
            if time.monotonic() - self._said_progress_at < _PROGRESS_INTERVAL_S:
                return
            self._said_progress_at = time.monotonic()
        with suppress(OSError):
            self._say(line)

    def _reason(self) -> str:
        """Return a sentence: why the child has ended. After an expected error it is the child's last line."""
        lines = self._program.lines
        if self._status == 1 and lines and not any("Traceback (most" in line for line in lines):
            return lines[-1]
        how = f"by signal {-self._status}" if self._status < 0 else f"with status {self._status}"
        return f"Indexing {self.folder} has ended {how}; nothing is lost."

    def _fail(self, sentence: str) -> None:
        sentence = printable(sentence, max_length=_MAX_TEXT_LENGTH)
        # An error message of the child is on the terminal already.
        if self._program is None or sentence not in self._program.lines[-1:]:
            self._say(sentence)
        self._say(f"The page goes on without it. {TRY_AGAIN}")
        self.problem = sentence
