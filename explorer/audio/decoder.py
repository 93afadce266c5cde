"""Decoding in a process of its own: a file that crashes its decoder, or hangs it, fails alone.

The process is started by `subprocess` and not as a `multiprocessing.Process`, which would run the program's
main module again, could not be started from a Dask worker, and would stay in the terminal's process group,
where Ctrl-C ends it. What is sent through the pipe is pickled: both processes trust each other. They protect
against crashes, and not against an attacker.
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
from explorer.util.text import readable

SILENCE_LIMIT_S = 60.0
"""How long a decoder may send nothing. A file on a slow disk still gives a sign of life now and then."""

WAITING_LIMIT_S = 600.0
"""How long all waiting for one file may take, in addition to the time for which its sound plays."""

PREVIEW_FACTOR = 5
"""So many times longer may a preview take: it sends nothing until it is written."""

_ENDING_S = 5.0
_STARTING_S = 60.0
_ATTEMPTS, _BETWEEN_ATTEMPTS_S = 3, 0.5
_START = """
import sys
from multiprocessing import connection
sys.path.insert(0, sys.argv[1])
from explorer.audio.decoder_process import main
make = getattr(connection, "PipeConnection", connection.Connection)
main(make(int(sys.argv[2])), niceness=int(sys.argv[3]))
"""


class DecoderError(ExplorerError):
    """No decoding process can be started: no file is to blame."""


class Sound:
    """A file's sound while it is decoded: iterate over `blocks` once, to the end.

    Attributes
    ----------
    format : str
        Container and codec; known as soon as the first block is.
    duration_s : float
        Of what was decoded so far.
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
            If the file turns out to be damaged, or its decoder crashes or hangs.
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
    """Reads one file after another in another process, and starts that anew when a file ends it.

    One thread at a time may use it. Close it, or use it in a `with`.

    Parameters
    ----------
    silence_limit_s : float
        How long the process may send nothing before its file fails.
    niceness : int
        How much other processes are preferred: 0 for not at all, up to 19.
    """

    def __init__(self, *, silence_limit_s: float = SILENCE_LIMIT_S, niceness: int = 0) -> None:
        self._silence_limit_s = silence_limit_s
        self._niceness = niceness
        self._process: _Process | None = None
        self._busy = False
        self._interrupted = False
        self._lock = threading.Lock()

    def fingerprints(self, path: Path) -> Fingerprints:
        """Read a file's fingerprints and tags.

        Raises
        ------
        AudioError
            If the file cannot be read.
        DecoderError
            If no process can be started that reads it; the other methods raise it too.
        """
        *_, answer = self._ask(read_fingerprints, path)
        return answer.value

    def sound(self, path: Path, *, rate_hz: int, seconds: float | None = None) -> Sound:
        """Decode a file.

        Parameters
        ----------
        rate_hz : int
            What the samples are resampled to.
        seconds : float, optional
            Stop after about so many.
        """
        return Sound(self._ask(read_sound, path, rate_hz=rate_hz, seconds=seconds))

    def write_preview(self, path: Path, *, cache: Path, key: str, start_s: float | None) -> None:
        """Make a song's preview: parameters and errors as `previews.write_preview` has them."""
        list(self._ask(make_preview, path, cache=cache, key=key, start_s=start_s))

    def interrupt(self) -> None:
        """Make the job in hand and all later ones fail; another thread may call this."""
        with self._lock:
            self._interrupted = True
            if self._process:
                self._process.kill()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        with self._lock:
            process, self._process, self._busy = self._process, None, False
        if process:
            process.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _ask(self, job: Callable, path: Path, **options: object) -> Iterator[Answer]:
        """Send a job and yield its answers but for signs of life; end the process unless all were taken."""
        process = self._ready(path)
        self._busy = True
        finished = False
        silence_limit_s = self._silence_limit_s * (PREVIEW_FACTOR if job is make_preview else 1)
        waited_s, limit_s = 0.0, WAITING_LIMIT_S
        try:
            message = (job, path, process.place_for(path), options)
            # If it has ended in the meantime, `_next` notices.
            with suppress(OSError):
                process.connection.send(message)
            while not finished:
                began = time.monotonic()
                answer = self._next(process, path, silence_limit_s)
                waited_s += time.monotonic() - began
                finished = answer.kind in ("end", "failed")
                if answer.kind == "failed":
                    raise AudioError(answer.value)
                if answer.kind == "alive":
                    limit_s += silence_limit_s
                    continue
                if waited_s > limit_s + answer.duration_s and not finished:
                    raise AudioError(f"{_name(path)} keeps its decoder busy for too long ({waited_s:.0f} s).")
                yield answer
        finally:
            # The process is another one, or closed, when a later job was sent before this one's end.
            if self._process is process:
                self._busy = False
                if not finished:
                    self.close()

    def _next(self, process: _Process, path: Path, silence_limit_s: float) -> Answer:
        if self._process is not process:
            raise AudioError(f"{_name(path)} is not decoded further: another file was asked for.")
        try:
            answer = process.answer(silence_limit_s)
        except (EOFError, OSError):
            if self._interrupted:
                raise AudioError(f"{_name(path)} is not decoded further: it was interrupted.") from None
            raise AudioError(f"{_name(path)} crashes its decoder ({process.ending()}).") from None
        if answer is None:
            raise AudioError(
                f"{_name(path)} keeps its decoder busy without a sound for {silence_limit_s:g} s."
            )
        return answer

    def _ready(self, path: Path) -> _Process:
        """Return a process that waits for a job: the one there is, or another."""
        if self._process and (self._busy or self._process.has_ended()):
            self.close()
        why = ""
        for attempt in range(_ATTEMPTS):
            if self._process or self._interrupted:
                break
            if attempt:
                time.sleep(_BETWEEN_ATTEMPTS_S)
            why = self._start()
        if self._interrupted:
            raise AudioError(f"{_name(path)} is not decoded: it was interrupted.")
        if self._process is None:
            raise DecoderError(
                f"No process that decodes can be started ({why}): see that there is memory left, and run "
                "`python run.py test`."
            )
        return self._process

    def _start(self) -> str:
        """Start a process; where that fails, return why."""
        try:
            with self._lock:
                self._process = process = _Process(self._niceness)
        except OSError as error:
            return str(error.strerror)
        with suppress(EOFError, OSError):
            if process.answer(_STARTING_S):
                return ""
        why = process.ending()
        self.close()
        return why


def _name(path: Path) -> str:
    return readable(path.name)


class _Process(subprocess.Popen):
    """The decoding process, and the pipe to it."""

    def __init__(self, niceness: int) -> None:
        self.connection, theirs = Pipe()
        self._copies: str | None = None
        with theirs:
            super().__init__(
                # -P: files in the working directory must not be imported.
                [sys.executable, "-P", "-c", _START, str(ROOT), str(theirs.fileno()), str(niceness)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # It decodes on one core; more threads would only take address space.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                **_options(theirs, niceness),
            )

    def has_ended(self) -> bool:
        """Tell whether it has ended by itself, or was killed, since its last job."""
        # Between two jobs it sends nothing: only the connection's end can be read.
        return self.poll() is not None or self.connection.poll()

    def answer(self, timeout_s: float) -> Answer | None:
        """Return the next answer, or None if none comes in time; raise EOFError or OSError at its end."""
        return self.connection.recv() if self.connection.poll(timeout_s) else None

    def place_for(self, path: Path | RemotePath) -> Path | None:
        """Return a folder for a copy of a remote file; it is removed with the process."""
        if not isinstance(path, RemotePath):
            return None
        self._copies = self._copies or tempfile.mkdtemp(prefix="music-explorer-")
        return Path(self._copies)

    def ending(self) -> str:
        """Say how the process has ended."""
        try:
            status = self.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            return "it is silent"
        if status < 0:
            with suppress(ValueError):
                return signal.Signals(-status).name
        return f"exit status {status}"

    def end(self) -> None:
        """Kill it and remove what it needed."""
        self.kill()
        self.connection.close()
        # A process that waits for a broken disk cannot be killed: it is not waited for.
        with suppress(subprocess.TimeoutExpired):
            self.wait(_ENDING_S)
        if self._copies:
            shutil.rmtree(self._copies, ignore_errors=True)


def _options(connection: Connection, niceness: int) -> dict:
    """Return how to start a process that has a connection and is in a group of its own, safe from Ctrl-C."""
    if sys.platform == "win32":
        os.set_handle_inheritable(connection.fileno(), True)
        priority = subprocess.BELOW_NORMAL_PRIORITY_CLASS if niceness else 0
        return {"close_fds": False, "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | priority}
    return {"pass_fds": [connection.fileno()], "process_group": 0}
