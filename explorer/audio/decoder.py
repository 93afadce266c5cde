"""Decode files in a separate process, so that a file that crashes or hangs its decoder fails alone.

`subprocess` starts the process. A `multiprocessing.Process` would run the program's main module again, could
not be started from a Dask worker, and would stay in the terminal's process group, where Ctrl-C ends it.
Messages through the pipe are pickled, because both processes trust each other: the separation protects
against crashes, not against an attacker.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import numpy as np

from explorer.audio.decoder_process import Answer, make_preview, read_fingerprints, read_sound
from explorer.config import ROOT
from explorer.errors import AudioError, ExplorerError
from explorer.library.music_file import Fingerprints
from explorer.library.remote import RemotePath
from explorer.util.text import valid_text

SILENCE_LIMIT_S = 60.0
"""How long the process may send no message. It sends some even while it reads from a slow disk."""

WAITING_LIMIT_S = 600.0
"""How long all waiting for one file may take, in addition to the duration of its sound."""

PREVIEW_SILENCE_FACTOR = 5
"""Multiplies the silence limit for a preview, because no message comes until the preview is written."""

_EXIT_TIMEOUT_S = 5.0
_START_TIMEOUT_S = 60.0
_START_ATTEMPTS, _BETWEEN_ATTEMPTS_S = 3, 0.5
_START_CODE = """
import sys
from multiprocessing import connection
sys.path.insert(0, sys.argv[1])
from explorer.audio.decoder_process import main
make = getattr(connection, "PipeConnection", connection.Connection)
main(make(int(sys.argv[2])), niceness=int(sys.argv[3]))
"""


class DecoderError(ExplorerError):
    """No decoding process can be started. The cause is the machine, not a file."""


class Sound:
    """The sound of one file while it is decoded: iterate over `blocks` once, to the end.

    Attributes
    ----------
    format : str
        Container and codec; set before the first block is yielded.
    duration_s : float
        Duration of the sound decoded so far.
    """

    def __init__(self, answers: Iterator[Answer]) -> None:
        self._answers = answers
        self.format = ""
        self.duration_s = 0.0

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield mono samples.

        Yields
        ------
        np.ndarray [shape=(m,), float32]

        Raises
        ------
        AudioError
            If the file is damaged, or its decoder crashes or hangs.
        """
        for answer in self._answers:
            if answer.kind == "format":
                self.format = answer.value
            elif answer.kind == "sound":
                self.duration_s = answer.duration_s
                yield answer.value
            else:
                self.duration_s = answer.value


class Decoder:
    """Reads files, one at a time, in another process; starts a new process if a file ends the old one.

    Only one thread at a time may use a Decoder. Close it, or use it in a `with` statement.

    Parameters
    ----------
    silence_limit_s : float
        How long the process may send no message before the current file fails.
    niceness : int
        The process's niceness on POSIX, from 0 to 19; a higher value gives other processes more CPU time.
    """

    def __init__(self, *, silence_limit_s: float = SILENCE_LIMIT_S, niceness: int = 0) -> None:
        self._silence_limit_s = silence_limit_s
        self._niceness = niceness
        self._process: _Process | None = None
        self._is_busy = False
        self._is_interrupted = False
        self._lock = threading.Lock()

    def fingerprints(self, path: Path) -> Fingerprints:
        """Read a file's fingerprints and tags.

        Raises
        ------
        AudioError
            If the file cannot be read.
        DecoderError
            If no decoding process can be started. The other methods raise it too.
        """
        *_, answer = self._run(read_fingerprints, path)
        return answer.value

    def sound(self, path: Path, *, rate_hz: int, seconds: float | None = None) -> Sound:
        """Decode a file.

        Parameters
        ----------
        rate_hz : int
            Sample rate to resample to.
        seconds : float, optional
            Decode only about the first `seconds` of the file.
        """
        return Sound(self._run(read_sound, path, rate_hz=rate_hz, seconds=seconds))

    def write_preview(self, path: Path, *, cache: Path, key: str, start_s: float | None) -> None:
        """Write a song's preview; the parameters and errors are those of `previews.write_preview`."""
        list(self._run(make_preview, path, cache=cache, key=key, start_s=start_s))

    def interrupt(self) -> None:
        """Make the current job and all later jobs fail; any thread may call this."""
        with self._lock:
            self._is_interrupted = True
            if self._process:
                self._process.kill()

    def close(self) -> None:
        """Kill the process, even during a job."""
        with self._lock:
            process, self._process, self._is_busy = self._process, None, False
        if process:
            process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _run(self, job: Callable, path: Path, **options: object) -> Iterator[Answer]:
        """Send a job and yield its answers except "alive"; kill the process if the caller stops early."""
        process = self._ready_process(path)
        self._is_busy = True
        is_finished = False
        silence_limit_s = self._silence_limit_s * (PREVIEW_SILENCE_FACTOR if job is make_preview else 1)
        waited_s, limit_s = 0.0, WAITING_LIMIT_S
        try:
            message = (job, path, process.copy_folder_for(path), options)
            # If the process has ended in the meantime, `_next_answer` raises the error.
            with suppress(OSError):
                process.connection.send(message)
            while not is_finished:
                began = time.monotonic()
                answer = self._next_answer(process, path, silence_limit_s)
                waited_s += time.monotonic() - began
                is_finished = answer.kind in ("end", "failed")
                if answer.kind == "failed":
                    raise AudioError(answer.value)
                if answer.kind == "alive":
                    limit_s += silence_limit_s
                    continue
                if waited_s > limit_s + answer.duration_s and not is_finished:
                    raise AudioError(f"{_name(path)} takes too long to decode ({waited_s:.0f} s).")
                yield answer
        finally:
            # If a later job was sent before this one ended, `self._process` is another process or None.
            if self._process is process:
                self._is_busy = False
                if not is_finished:
                    self.close()

    def _next_answer(self, process: _Process, path: Path, silence_limit_s: float) -> Answer:
        if self._process is not process:
            raise AudioError(f"{_name(path)} is not decoded to its end: another file was requested.")
        try:
            answer = process.receive(silence_limit_s)
        except (EOFError, OSError):
            if self._is_interrupted:
                reason = "is not decoded to its end: decoding was interrupted"
            else:
                reason = f"crashes its decoder ({process.describe_exit()})"
            raise AudioError(f"{_name(path)} {reason}.") from None
        if answer is None:
            raise AudioError(f"{_name(path)} makes its decoder hang: no message for {silence_limit_s:g} s.")
        return answer

    def _ready_process(self, path: Path) -> _Process:
        """Return a process that waits for a job: the current one, or a new one."""
        if self._process and (self._is_busy or self._process.has_ended()):
            self.close()
        reason = ""
        for attempt in range(_START_ATTEMPTS):
            if self._process or self._is_interrupted:
                break
            if attempt:
                time.sleep(_BETWEEN_ATTEMPTS_S)
            reason = self._start()
        if self._is_interrupted:
            raise AudioError(f"{_name(path)} is not decoded: decoding was interrupted.")
        if self._process is None:
            raise DecoderError(
                f"No decoding process can be started ({reason}): check that memory is free, then run "
                "`python run.py test`."
            )
        return self._process

    def _start(self) -> str:
        """Start a process; return "" or the reason of the failure."""
        try:
            with self._lock:
                self._process = process = _Process(self._niceness)
        except OSError as error:
            return str(error.strerror)
        with suppress(EOFError, OSError):
            if process.receive(_START_TIMEOUT_S):
                return ""
        reason = process.describe_exit()
        self.close()
        return reason


def _name(path: Path) -> str:
    return valid_text(path.name)


class _Process(subprocess.Popen):
    """The decoding process and the pipe to it."""

    def __init__(self, niceness: int) -> None:
        self.connection, child_end = Pipe()
        self._copy_folder: str | None = None
        with child_end:
            super().__init__(
                # -P: Python must not import files from the working directory.
                [sys.executable, "-P", "-c", _START_CODE, str(ROOT), str(child_end.fileno()), str(niceness)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Decoding uses one core; more threads would only use address space, which is limited.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                **_start_options(child_end, niceness),
            )

    def has_ended(self) -> bool:
        """Return whether the process has exited or was killed since its last job."""
        # Between two jobs the process sends nothing, so the only thing to read is the connection's end.
        return self.poll() is not None or self.connection.poll()

    def receive(self, timeout_s: float) -> Answer | None:
        """Return the next answer, or None after a timeout; raise EOFError or OSError if the process ended."""
        return self.connection.recv() if self.connection.poll(timeout_s) else None

    def copy_folder_for(self, path: Path | RemotePath) -> Path | None:
        """Return a folder for a copy of a remote file; `stop` removes it. Return None for a local file."""
        if not isinstance(path, RemotePath):
            return None
        self._copy_folder = self._copy_folder or tempfile.mkdtemp(prefix="music-explorer-")
        return Path(self._copy_folder)

    def describe_exit(self) -> str:
        """Return how the process ended: a signal's name or an exit status."""
        try:
            status = self.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        if status < 0:
            with suppress(ValueError):
                return signal.Signals(-status).name
        return f"exit status {status}"

    def stop(self) -> None:
        """Kill the process, close the pipe and remove the copies of remote files."""
        self.kill()
        self.connection.close()
        # A process that waits for a broken disk cannot be killed, so the wait has a timeout.
        with suppress(subprocess.TimeoutExpired):
            self.wait(_EXIT_TIMEOUT_S)
        if self._copy_folder:
            shutil.rmtree(self._copy_folder, ignore_errors=True)


def _start_options(connection: Connection, niceness: int) -> dict:
    """Return Popen options: the process inherits a connection, and its own group protects it from Ctrl-C."""
    if sys.platform == "win32":
        os.set_handle_inheritable(connection.fileno(), True)
        priority = subprocess.BELOW_NORMAL_PRIORITY_CLASS if niceness else 0
        return {"close_fds": False, "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | priority}
    return {"pass_fds": [connection.fileno()], "process_group": 0}
