"""Decoding in a process of its own: a file that crashes the decoder, or hangs it, costs itself only."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from explorer.audio.decoder_process import GREETING, HEADER, Answer
from explorer.config import ROOT
from explorer.errors import AudioError, ExplorerError
from explorer.library.records import Marks, Tags
from explorer.library.remote import RemotePath
from explorer.util.text import readable

PATIENCE_S = 60.0
"""How long a decoder may be silent. A file on a slow disk is heard of now and then all the same."""

MOST_WAITING_S = 600.0
"""How long all waiting for one file may take, beside the time for which its sound plays."""

PREVIEW_PATIENCE = 5
"""So much longer may a preview take: it is made without a word, of a long file perhaps."""

_QUEUED = 4
_ENDING_S = 5.0
_STARTING_S = 60.0
_ATTEMPTS, _BETWEEN_ATTEMPTS_S = 3, 0.5
_START = """
import sys
sys.path.insert(0, sys.argv[1])
from explorer.audio.decoder_process import main
main(niceness=int(sys.argv[2]))
"""


class DecoderError(ExplorerError):
    """No process that decodes can be started: none of the files is to blame."""


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
    niceness : int
        How far everything else goes before it: 0 for not at all, up to 19.
    """

    def __init__(self, *, patience_s: float = PATIENCE_S, niceness: int = 0) -> None:
        self._patience_s = patience_s
        self._niceness = niceness
        self._process: _Process | None = None
        self._busy = False
        self._interrupted = False
        self._lock = threading.Lock()

    def marks(self, path: Path) -> Marks:
        """Read a file's fingerprints and tags.

        Raises
        ------
        AudioError
            If the file cannot be read.
        DecoderError
            If there can be no process that reads it; so with all that is asked of a decoder.
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
        """Make whatever it is doing fail, and all that is asked of it later; another thread may call this."""
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

    def _ask(self, path: Path, **job: object) -> Iterator[Answer]:
        """Send a job and yield its answers but for signs of life; end the process unless all were taken."""
        process = self._ready(path)
        self._busy = True
        finished = False
        patience_s = self._patience_s * (PREVIEW_PATIENCE if job["job"] == "preview" else 1)
        waited_s, allowed_s = 0.0, MOST_WAITING_S
        try:
            process.send({"path": os.fsencode(path).hex(), **process.place_for(path), **job})
            while True:
                began = time.monotonic()
                facts, content = self._next(process, path, patience_s)
                waited_s += time.monotonic() - began
                if facts["is"] == "failed":
                    finished = True
                    raise AudioError(facts["reason"])
                if facts["is"] == "alive":
                    allowed_s += patience_s
                    continue
                if waited_s > allowed_s + facts.get("duration_s", 0.0):
                    raise AudioError(f"{_name(path)} keeps its decoder busy for too long ({waited_s:.0f} s).")
                finished = facts["is"] in ("end", "marks")
                yield facts, content
                if finished:
                    return
        finally:
            # Of a sound that was given up for another job, the process is not there any more.
            if self._process is process:
                self._busy = False
                if not finished:
                    self.close()

    def _next(self, process: _Process, path: Path, patience_s: float) -> Answer:
        if self._process is not process:
            raise AudioError(f"{_name(path)} is not decoded further: another file was asked for.")
        try:
            answer = process.answers.get(timeout=patience_s)
        except queue.Empty:
            raise AudioError(
                f"{_name(path)} keeps its decoder busy without a sound for {patience_s:g} s."
            ) from None
        if answer is None:
            if self._interrupted:
                raise AudioError(f"{_name(path)} is not decoded further: it was interrupted.")
            raise AudioError(f"{_name(path)} crashes its decoder ({process.ending()}).")
        return answer

    def _ready(self, path: Path) -> _Process:
        """Return a process that waits for a job: the one there is, or another."""
        if self._process and (self._busy or self._process.has_ended()):
            self.close()
        why = ""
        for _ in range(_ATTEMPTS if self._process is None else 0):
            with self._lock:
                if self._interrupted:
                    break
                try:
                    self._process = process = _Process(self._niceness)
                except OSError as error:
                    why, process = f"{error.strerror}", None
            if process:
                if process.is_ready():
                    break
                why = process.ending()
                self.close()
            time.sleep(_BETWEEN_ATTEMPTS_S)
        if self._interrupted:
            raise AudioError(f"{_name(path)} is not decoded: it was interrupted.")
        if self._process is None:
            raise DecoderError(
                f"No process that decodes can be started ({why}): see that there is memory left, and run "
                "`python run.py test`."
            )
        return self._process


def _name(path: Path) -> str:
    return readable(path.name)


class _Process:
    """The other process, and a thread that takes its answers in: pipes cannot be waited for everywhere."""

    def __init__(self, niceness: int) -> None:
        # It decodes on one core; a pool of threads would only take address space.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            # -P: what lies in the working directory is not to be imported.
            [sys.executable, "-P", "-c", _START, str(ROOT), str(niceness)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            **_apart(niceness),
        )
        self._copies: str | None = None
        self.answers: queue.Queue[Answer | None] = queue.Queue(_QUEUED)
        self._given_up = threading.Event()
        self._listener = threading.Thread(target=self._listen, name="decoder's answers", daemon=True)
        self._listener.start()

    def is_ready(self) -> bool:
        """Wait until it has begun to listen; tell whether it has."""
        try:
            return self.answers.get(timeout=_STARTING_S) is not None
        except queue.Empty:
            return False

    def has_ended(self) -> bool:
        """Tell whether it has ended by itself, or by another's doing, since its last job."""
        # Between two jobs it has nothing to say: an answer is its last.
        return self._process.poll() is not None or not self.answers.empty()

    def send(self, job: dict) -> None:
        # One that has ended in the meantime is told of by its answers' end.
        with suppress(OSError):
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()

    def place_for(self, path: Path | RemotePath) -> dict[str, str]:
        """Return where a copy of a remote file is to be put; it goes with the process."""
        if not isinstance(path, RemotePath):
            return {}
        if self._copies is None:
            self._copies = tempfile.mkdtemp(prefix="music-explorer-")
        return {"place": os.fsencode(self._copies).hex()}

    def ending(self) -> str:
        """Say how the process has ended."""
        try:
            status = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            return "it is silent"
        if status < 0:
            with suppress(ValueError):
                return signal.Signals(-status).name
        return f"exit status {status}"

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self._given_up.set()
        self._process.kill()
        with suppress(OSError, ValueError):
            self._process.stdin.close()
        # One that waits for a dead disk cannot be killed, and is not waited for.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING_S)
            self._listener.join(_ENDING_S)
        if self._copies:
            shutil.rmtree(self._copies, ignore_errors=True)

    def _listen(self) -> None:
        # Closed here: closing what another thread reads would wait for it.
        with suppress(OSError, ValueError), self._process.stdout:
            if self._await_greeting():
                self._put(({"is": "ready"}, b""))
            while header := self._exactly(HEADER.size):
                n_facts, n_content = HEADER.unpack(header)
                facts, content = self._exactly(n_facts), self._exactly(n_content)
                if facts is None or content is None:
                    break
                self._put((json.loads(facts), content))
        self._put(None)

    def _await_greeting(self) -> bool:
        """Pass over what libraries print while they are loaded."""
        heard = b""
        while not heard.endswith(GREETING):
            if not (byte := self._process.stdout.read(1)):
                return False
            heard = heard[-len(GREETING) :] + byte
        return True

    def _exactly(self, count: int) -> bytes | None:
        """Read so many bytes; None where the stream ends before."""
        content = self._process.stdout.read(count)
        return content if len(content) == count else None

    def _put(self, answer: Answer | None) -> None:
        while not self._given_up.is_set():
            with suppress(queue.Full):
                return self.answers.put(answer, timeout=0.2)


def _apart(niceness: int) -> dict:
    """Return how a process is started in a group of its own: Ctrl-C on the terminal is not for it."""
    if sys.platform == "win32":
        priority = subprocess.BELOW_NORMAL_PRIORITY_CLASS if niceness else 0
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | priority}
    return {"process_group": 0}
