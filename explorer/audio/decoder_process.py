"""What the decoding process does: it reads one file after another, and may crash or hang on any of them.

`explorer.audio.decoder` starts it and sends it jobs through a `multiprocessing` pipe. It answers a job with
any number of `Answer`s, the last of which is of the kind "end" or "failed".
"""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from explorer.audio.decoding import open_audio
from explorer.audio.fingerprints import audio_fingerprint, fingerprint
from explorer.errors import AudioError
from explorer.library.music_file import Fingerprints
from explorer.library.remote import RemotePath
from explorer.library.remote_copies import LastCopy
from explorer.library.tags import read_tags
from explorer.util.text import readable

MOST_MEMORY_BYTES = 2 << 30
"""Limit of the address space: decoding a song takes 0.3 GB of it, making a preview 0.5 GB."""

LONGEST_SONG_S = 24 * 3600.0
ORPHANED_S = 600.0
"""The process ends itself when it hangs for longer than this, in case that no parent is left to kill it."""

_SAMPLES_PER_ANSWER = 65_536
_LONGEST_SILENCE_S = 1.0


class Answer(NamedTuple):
    """One message to the parent.

    Attributes
    ----------
    kind : {"ready", "alive", "format", "sound", "end", "failed"}
    value : object
        Nothing, nothing, a format's name, samples [shape=(m,), float32], the job's result, a sentence.
    duration_s : float
        Of the sound that was decoded so far.
    """

    kind: str
    value: object = None
    duration_s: float = 0.0


Tell = Callable[[Answer], None]


def read_fingerprints(path: Path, tell: Tell) -> Fingerprints:
    """Read a file's fingerprints and tags."""

    def alive() -> None:
        tell(Answer("alive"))

    if path.exists() and not path.is_file():
        raise AudioError(f"{path.name} is {'a folder' if path.is_dir() else 'no file'}.")
    return Fingerprints(fingerprint(path, alive=alive), audio_fingerprint(path, alive=alive), read_tags(path))


def read_sound(path: Path, tell: Tell, *, rate_hz: int, seconds: float | None) -> float:
    """Send a file's mono samples at a rate, all of them or the first seconds; return how many seconds."""
    stream = open_audio(path)
    # Sent first, because the parent may stop reading before the end.
    tell(Answer("format", stream.format))
    for block in _joined(stream.mono(sample_rate_hz=rate_hz)):
        tell(Answer("sound", block, stream.duration_s))
        if stream.duration_s > LONGEST_SONG_S:
            raise AudioError(f"{path.name} plays for more than {LONGEST_SONG_S / 3600:g} hours.")
        if seconds is not None and stream.duration_s >= seconds:
            break
    return stream.duration_s


def _joined(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Join small blocks; those of a slow decoder are sent every second, because each is a sign of life."""
    held, count, sent = [], 0, time.monotonic()
    for block in blocks:
        held.append(block)
        count += len(block)
        if count >= _SAMPLES_PER_ANSWER or time.monotonic() - sent > _LONGEST_SILENCE_S:
            yield np.concatenate(held)
            held, count, sent = [], 0, time.monotonic()
    if count:
        yield np.concatenate(held)


def make_preview(path: Path, _tell: Tell, *, cache: Path, key: str, start_s: float | None) -> None:
    """Write a song's preview."""
    from explorer.audio.previews import write_preview

    write_preview(path, cache=cache, key=key, start_s=start_s)


def main(connection: Connection, *, niceness: int = 0) -> None:
    """Do jobs until the connection is closed.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        Brings jobs: a function, the file, a folder for a copy of a remote file, and the function's options.
    niceness : int
        How much other processes are preferred, from 0 to 19; POSIX only.
    """
    # Ctrl-C is for the parent, which lets this process finish the songs that it began.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    _limit_memory()
    jobs: queue.SimpleQueue = queue.SimpleQueue()
    copies = LastCopy()

    def tell(answer: Answer) -> None:
        # The parent may take any time to read it.
        faulthandler.cancel_dump_traceback_later()
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            _end(copies)
        _end_if_it_hangs()

    threading.Thread(target=_take_jobs, args=(connection, jobs, copies), daemon=True).start()
    tell(Answer("ready"))
    while True:
        faulthandler.cancel_dump_traceback_later()
        job, path, place, options = jobs.get()
        _end_if_it_hangs()
        try:
            if isinstance(path, RemotePath):
                path = copies.of(path, place, alive=lambda: tell(Answer("alive")))
            tell(Answer("end", job(path, tell, **options)))
        except AudioError as error:
            tell(_failed(str(error)))
        except MemoryError:
            tell(_failed(f"{path.name} takes more than {MOST_MEMORY_BYTES >> 30} GB of memory to decode."))
        except Exception as error:
            # Any error of a decoder fails one file, and not the others.
            tell(_failed(f"{path.name} cannot be read ({type(error).__name__}: {error})."))


def _take_jobs(connection: Connection, jobs: queue.SimpleQueue, copies: LastCopy) -> None:
    """Receive jobs; end the process, whatever it is doing, when the parent has closed the connection."""
    with suppress(EOFError, OSError):
        while True:
            jobs.put(connection.recv())
    _end(copies)


def _end(copies: LastCopy) -> None:
    """End the process at once: threads of a decoder that was given up would keep it alive."""
    copies.forget()
    os._exit(0)


def _failed(reason: str) -> Answer:
    return Answer("failed", readable(reason))


def _end_if_it_hangs() -> None:
    """End the process after a while unless this is cancelled: a thread in C does it, even if Python hangs."""
    faulthandler.dump_traceback_later(ORPHANED_S, exit=True, file=sys.__stderr__)


def _limit_memory() -> None:
    """Let a file that asks for too much memory fail, and write no core file of a crash."""
    if sys.platform == "linux":
        import resource

        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
