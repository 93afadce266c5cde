"""Decoding in a process of its own: a file that crashes the decoder, or hangs it, costs itself only."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from explorer.audio.decoder_process import HEADER, Answer
from explorer.config import ROOT
from explorer.errors import AudioError
from explorer.library.records import Marks, Tags

PATIENCE_S = 60.0
"""How long a decoder may be silent. A file on a slow disk is heard of now and then all the same."""

MOST_WAITING_S = 600.0
"""How long all waiting for one file may take, beside the time for which its sound plays."""

_QUEUED = 4
_ENDING_S = 5.0


class Sound:
    """A file's sound on its way: iterate over `blocks` once, to the end.

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
        for facts, content in self._answers:
            self.format = facts.get("format", self.format)
            self.duration_s = facts.get("duration_s", self.duration_s)
            if facts["is"] == "sound":
                yield np.frombuffer(content, np.float32)


class Decoder:
    """Reads one file after another in another process, which is started anew when a file ends it.

    One thread at a time may use it. Close it, or use it in a `with`.

    Parameters
    ----------
    patience_s : float
        How long it may be silent before its file is given up.
    """

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._process: _Process | None = None

    def marks(self, path: Path) -> Marks:
        """Read a file's fingerprints and tags.

        Raises
        ------
        AudioError
            If the file cannot be read.
        """
        (facts, _), *_ = self._ask(path, job="marks")
        tags = {
            name: tuple(value) if isinstance(value, list) else value for name, value in facts["tags"].items()
        }
        return Marks(facts["fingerprint"], facts["audio_fingerprint"], Tags(**tags))

    def sound(self, path: Path, *, rate_hz: int, seconds: float | None = None) -> Sound:
        """Decode a file.

        Parameters
        ----------
        rate_hz : int
            What the samples are resampled to.
        seconds : float, optional
            Stop after about so many.
        """
        return Sound(self._ask(path, job="sound", rate_hz=rate_hz, seconds=seconds))

    def write_preview(self, path: Path, *, cache: Path, key: str, start_s: float | None) -> None:
        """Make a song's preview: parameters and errors as `previews.write_preview` has them."""
        list(self._ask(path, job="preview", cache=os.fsencode(cache).hex(), key=key, start_s=start_s))

    def interrupt(self) -> None:
        """Make whatever it is doing fail; another thread may call this."""
        if process := self._process:
            process.kill()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process:
            self._process.end()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _ask(self, path: Path, **job: object) -> Iterator[Answer]:
        """Send a job and yield its answers but for signs of life; end the process unless all were taken."""
        if self._process is None:
            self._process = _Process()
        finished = False
        waited_s = 0.0
        try:
            self._process.send({"path": os.fsencode(path).hex(), **job})
            while True:
                began = time.monotonic()
                facts, content = self._next(path)
                waited_s += time.monotonic() - began
                if facts["is"] == "failed":
                    finished = True
                    raise AudioError(facts["reason"])
                if waited_s > MOST_WAITING_S + facts.get("duration_s", 0.0):
                    raise AudioError(f"{path.name} keeps its decoder busy for too long ({waited_s:.0f} s).")
                finished = facts["is"] in ("end", "marks")
                if facts["is"] != "alive":
                    yield facts, content
                if finished:
                    return
        finally:
            if not finished:
                self.close()

    def _next(self, path: Path) -> Answer:
        try:
            answer = self._process.answers.get(timeout=self._patience_s)
        except queue.Empty:
            raise AudioError(
                f"{path.name} keeps its decoder busy without a sound for {self._patience_s:.0f} s."
            ) from None
        if answer is None:
            raise AudioError(f"{path.name} crashes its decoder ({self._process.ending()}).")
        return answer


class _Process:
    """The other process, and a thread that takes its answers in: pipes cannot be waited for everywhere."""

    def __init__(self) -> None:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            # It decodes on one core; a pool of threads would only take address space.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        # A group of its own: Ctrl-C on the terminal is not for it.
        apart = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
            if sys.platform == "win32"
            else {"process_group": 0}
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "explorer.audio.decoder_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            **apart,
        )
        self.answers: queue.Queue[Answer | None] = queue.Queue(_QUEUED)
        self._given_up = threading.Event()
        self._listener = threading.Thread(target=self._listen, name="decoder's answers", daemon=True)
        self._listener.start()

    def send(self, job: dict) -> None:
        # One that has ended in the meantime is told of by its answers' end.
        with suppress(OSError):
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()

    def ending(self) -> str:
        """Say how the process has ended."""
        try:
            status = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            return "its output ended"
        if status < 0:
            with suppress(ValueError):
                return signal.Signals(-status).name
        return f"exit status {status}"

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self._given_up.set()
        self._process.kill()
        # One that waits for a dead disk cannot be killed, and is not waited for.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING_S)
            self._listener.join(_ENDING_S)
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError, ValueError):
                pipe.close()

    def _listen(self) -> None:
        with suppress(OSError, ValueError):
            while header := self._exactly(HEADER.size):
                n_facts, n_content = HEADER.unpack(header)
                facts, content = self._exactly(n_facts), self._exactly(n_content)
                if facts is None or content is None:
                    break
                self._put((json.loads(facts), content))
        self._put(None)

    def _exactly(self, count: int) -> bytes | None:
        """Read so many bytes; None where the stream ends before."""
        content = self._process.stdout.read(count)
        return content if len(content) == count else None

    def _put(self, answer: Answer | None) -> None:
        while not self._given_up.is_set():
            with suppress(queue.Full):
                return self.answers.put(answer, timeout=0.2)
