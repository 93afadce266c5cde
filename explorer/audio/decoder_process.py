"""What runs in a process of its own: it reads one file after another, and may crash or hang over any.

`explorer.audio.isolated` starts it and speaks with it: a job is a line of JSON on standard input, an answer
is a `HEADER`, JSON and bytes on standard output, after a `GREETING`. What decoders print goes nowhere.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from explorer.audio.decoding import open_audio
from explorer.audio.fetching import LastCopy
from explorer.audio.fingerprints import audio_fingerprint, fingerprint
from explorer.errors import AudioError
from explorer.library.remote import RemotePath, as_root
from explorer.library.tags import read_tags
from explorer.util.text import readable

HEADER = struct.Struct("<II")
"""How long the JSON and the bytes are that follow."""

GREETING = b"\0explorer decodes\n"
"""What comes before all answers: a library may print while it is loaded."""

MOST_MEMORY_BYTES = 2 << 30
"""Of address space: a song takes 0.3 GB of it, its preview 0.5."""

LONGEST_SONG_S = 24 * 3600.0
ORPHANED_S = 600.0
"""A decoder that hangs is killed by who started it, or, where that is gone, ends after this at the latest."""

_AT_A_TIME = 65_536
_AT_LEAST_EVERY_S = 1.0

Answer = tuple[dict, bytes | memoryview]


def read_marks(path: Path, tell: Callable[[Answer], None]) -> Answer:
    """Read a file's fingerprints and tags."""

    def alive() -> None:
        tell(({"is": "alive"}, b""))

    if path.exists() and not path.is_file():
        raise AudioError(f"{path.name} is {'a folder' if path.is_dir() else 'no file'}.")
    mark = fingerprint(path, alive=alive)
    return {
        "is": "marks",
        "fingerprint": mark,
        "audio_fingerprint": audio_fingerprint(path, alive=alive),
        "tags": asdict(read_tags(path)),
    }, b""


def read_sound(path: Path, *, rate_hz: int, seconds: float | None) -> Iterator[Answer]:
    """Decode a file to mono samples at a rate, all of it or its first seconds."""
    stream = open_audio(path)
    # Told first, for whoever does not listen to the end.
    yield {"is": "opened", "format": stream.format}, b""
    for block in _larger(stream.mono(sample_rate_hz=rate_hz)):
        yield {"is": "sound", "duration_s": stream.duration_s}, memoryview(block).cast("B")
        if stream.duration_s > LONGEST_SONG_S:
            raise AudioError(f"{path.name} plays for more than {LONGEST_SONG_S / 3600:g} hours.")
        if seconds is not None and stream.duration_s >= seconds:
            break
    yield {"is": "end", "duration_s": stream.duration_s}, b""


def _larger(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Join small blocks, but for those of a decoder that is slow: each is a sign of life."""
    held, count, told = [], 0, time.monotonic()
    for block in blocks:
        held.append(block)
        count += len(block)
        if count >= _AT_A_TIME or time.monotonic() - told > _AT_LEAST_EVERY_S:
            yield np.concatenate(held)
            held, count, told = [], 0, time.monotonic()
    if count:
        yield np.concatenate(held)


def make_preview(path: Path, *, cache: str, key: str, start_s: float | None) -> Answer:
    """Write a song's preview."""
    from explorer.audio.previews import write_preview

    write_preview(path, cache=Path(os.fsdecode(bytes.fromhex(cache))), key=key, start_s=start_s)
    return {"is": "end"}, b""


def main(*, niceness: int = 0) -> None:
    """Do jobs until standard input ends.

    Parameters
    ----------
    niceness : int
        How far everything else goes before this; POSIX only.
    """
    # Ctrl-C is for who started this: it lets songs in hand be finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    _limit_memory()
    answers = _claim_output()
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    copies = LastCopy()
    threading.Thread(target=_take_jobs, args=(jobs, copies), daemon=True).start()
    answers.write(GREETING)
    answers.flush()
    while True:
        job = json.loads(jobs.get())
        path = as_root(os.fsdecode(bytes.fromhex(job.pop("path"))))
        place = job.pop("place", None)
        _watch()
        try:
            if isinstance(path, RemotePath):
                place = Path(os.fsdecode(bytes.fromhex(place)))
                path = copies.of(path, place, alive=lambda: _tell(answers, ({"is": "alive"}, b"")))
            _do(job.pop("job"), path, job, lambda answer: _tell(answers, answer))
        except BrokenPipeError:
            # Decoders that are given up on may still hold threads of their own.
            os._exit(0)
        except AudioError as error:
            _tell(answers, _failed(str(error)))
        except MemoryError:
            reason = f"{path.name} takes more than {MOST_MEMORY_BYTES >> 30} GB of memory to decode."
            _tell(answers, _failed(reason))
        except Exception as error:
            # Whatever a decoder stumbles over costs one file, and not the others.
            _tell(answers, _failed(f"{path.name} cannot be read ({type(error).__name__}: {error})."))


def _take_jobs(jobs: queue.SimpleQueue[bytes], copies: LastCopy) -> None:
    """Take jobs in, and end everything with standard input: nobody is left to listen, whatever is in hand."""
    for line in sys.stdin.buffer:
        jobs.put(line)
    copies.forget()
    os._exit(0)


def _do(job: str, path: Path, options: dict, tell: Callable[[Answer], None]) -> None:
    if job == "marks":
        tell(read_marks(path, tell))
    elif job == "sound":
        for answer in read_sound(path, **options):
            tell(answer)
    else:
        tell(make_preview(path, **options))


def _failed(reason: str) -> Answer:
    return {"is": "failed", "reason": readable(reason)}, b""


def _tell(answers: BinaryIO, answer: Answer) -> None:
    facts, content = answer
    text = json.dumps(facts).encode()
    # Who listens may take as long as it likes.
    faulthandler.cancel_dump_traceback_later()
    answers.write(HEADER.pack(len(text), len(content)))
    answers.write(text)
    answers.write(content)
    answers.flush()
    if facts["is"] not in ("end", "failed", "marks"):
        _watch()


def _watch() -> None:
    """End by itself some time after this, without a word: a thread of C does it, whatever hangs."""
    faulthandler.dump_traceback_later(ORPHANED_S, exit=True, file=sys.__stderr__)


def _claim_output() -> BinaryIO:
    """Keep standard output for answers: what else is printed there is passed to standard error."""
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)
    return answers


def _limit_memory() -> None:
    """Let a file that asks for too much memory fail, and leave no dump of a crash behind."""
    if sys.platform == "linux":
        import resource

        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
