"""Makes the map of a library while its first look fills it, in a process of its own.

The process stays alive, because importing the libraries costs more than a small map. After the first map it
has a low priority, so that the network keeps the cores. It ends when its parent does, however that ends.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from explorer.config import ROOT
from explorer.util.progress import Reporter

_START_CODE = """
import sys
sys.path.insert(0, sys.argv[1])
from explorer.indexing.map_process import main
main(sys.argv[2])
"""
_MIN_PAUSE_S = 5.0
# An update is followed by a pause of this many times the processor time that it took, so that updates take
# at most a twentieth of one core.
_PAUSE_PER_COST = 20.0
_ENDED = "The process that makes the map has ended unexpectedly."
_MAX_CRASHES = 3
_EXIT_TIMEOUT_S = 5.0


class GrowingMap:
    """The map of a library that is filled by a first look.

    An error or a crash while a map is made does not stop the caller: it is reported once, and the next update
    tries again.

    Parameters
    ----------
    database_path : Path
        The library; it must exist.
    reporter : Reporter
    """

    def __init__(self, database_path: Path, reporter: Reporter) -> None:
        self._path = database_path
        self._reporter = reporter
        self._process: subprocess.Popen | None = None
        self._answers: queue.SimpleQueue = queue.SimpleQueue()
        self._n_running = 0
        """How many commands the process has not answered yet."""
        self._is_last_requested = False
        self._crashes = 0
        self._next_at = 0.0
        self._said: set[str] = set()

    def update(self, *, is_last: bool = False) -> None:
        """Start to bring the map up to date, if an update is due and none is running; return at once.

        Call this often: after each transaction that stores songs. With `is_last`, all songs have coarse
        vectors: the map is completed, in all projections. The first such update begins without a pause, as
        soon as the running one has ended, because the next call can be a minute away.
        """
        is_due = is_last and not self._is_last_requested
        while self._n_running:
            try:
                self._receive(self._answers.get_nowait())
            except queue.Empty:
                break
        if is_due or not (self._n_running or time.monotonic() < self._next_at):
            self._is_last_requested = is_last
            if self._crashes < _MAX_CRASHES:
                self._send("finish" if is_last else "update")

    def close(self) -> None:
        """End the process, whatever it does; the stored map stays whole."""
        process, self._process, self._n_running = self._process, None, 0
        if process is None:
            return
        process.kill()
        with suppress(OSError):
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_EXIT_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _send(self, command: str) -> None:
        try:
            if self._process is None:
                self._start()
            self._process.stdin.write(f"{command}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._crash(_ENDED)
        except (OSError, ValueError) as error:
            self._crash(f"The map could not be updated: {error}.")
        else:
            self._n_running += 1

    def _start(self) -> None:
        # The terminal does not send Ctrl-C to the process's own group.
        options = {"process_group": 0}
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
            options = {"creationflags": flags}
        # One thread, which waits without using the processor: the network needs the cores.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
        self._process = subprocess.Popen(
            # -P: Python must not import files from the working directory.
            [sys.executable, "-P", "-c", _START_CODE, str(ROOT), str(self._path)],
            env=os.environ | threads | {"PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            **options,
        )
        self._answers = queue.SimpleQueue()
        arguments = (self._process.stdout, self._answers)
        threading.Thread(target=_read_answers, args=arguments, name="growing-map", daemon=True).start()

    def _receive(self, answer: dict | None) -> None:
        """Handle an answer; None if the process has ended."""
        if answer is None:
            self._crash(_ENDED)
            return
        if "cost_s" not in answer:  # It reports progress.
            return
        self._n_running -= 1
        pause_s = 0.0 if answer["is_layout"] else _PAUSE_PER_COST * answer["cost_s"]
        self._next_at = time.monotonic() + max(_MIN_PAUSE_S, pause_s)
        if error := answer["error"]:
            self._crashes += 1
            self._say(error)
        else:
            self._crashes = 0

    def _crash(self, text: str) -> None:
        self.close()
        self._crashes += 1
        self._next_at = time.monotonic() + _MIN_PAUSE_S
        self._say(text)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._reporter.say(text)


def _read_answers(lines, answers: queue.SimpleQueue) -> None:
    """Put each JSON object that the process prints into the queue, and None when it ends."""
    with suppress(OSError, ValueError), lines:
        for line in lines:
            with suppress(ValueError):
                answer = json.loads(line)
                if isinstance(answer, dict):
                    answers.put(answer)
    answers.put(None)
