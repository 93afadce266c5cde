"""What a power cut may do to SQLite's write-ahead log, done to one on purpose.

With `synchronous=FULL`, as songs.db has it, a commit is in the log, and the log on the disk, before the
commit returns: a power cut can only lose or garble what was written after the last commit (`UNSYNCED`). A
disk that says so without having done it may lose commits too, the newest first (`LYING`): songs are missing
then, but those before them are there and whole. What SQLite has copied from the log into the database it has
synced before; cutting that from the log is no power cut but vandalism, and is not done here. Last, the power
may fail while the log is copied into the database (`COPYING`): some pages are there then, one of them in
half, and the log is whole.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path

UNSYNCED, LYING, COPYING = "unsynced", "lying", "copying"

_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_ATTEMPTED_AT = 128
"""Where the index of the log (-shm) keeps how many frames may have been copied into the database."""

_SECTOR_BYTES = 512


@dataclass(frozen=True)
class Log:
    """A write-ahead log, as far as it is whole."""

    frame_bytes: int
    commits: tuple[int, ...]
    """How many frames there are at the end of each commit."""

    def end(self, frames: int) -> int:
        """Return how many bytes so many frames take."""
        return _HEADER_BYTES + frames * self.frame_bytes


def read_log(content: bytes) -> Log:
    """Find a log's commits: the frames that have the salt of its header, up to the first that has not."""
    if len(content) < _HEADER_BYTES:
        return Log(_FRAME_HEADER_BYTES, ())
    (page_bytes,) = struct.unpack(">I", content[8:12])
    log = Log(_FRAME_HEADER_BYTES + page_bytes, ())
    commits = []
    for frame in range((len(content) - _HEADER_BYTES) // log.frame_bytes):
        start = log.end(frame)
        if content[start + 8 : start + 16] != content[16:24]:
            break
        if struct.unpack(">I", content[start + 4 : start + 8])[0]:
            commits.append(frame + 1)
    return Log(log.frame_bytes, tuple(commits))


def cut_power(database: Path, kind: str, rng: random.Random, *, most_commits: int = 6) -> int:
    """Garble the end of a database's log, as a power cut may; no process may have it open.

    Parameters
    ----------
    kind : {UNSYNCED, LYING, COPYING}
    most_commits : int
        How many commits a lying disk may lose.

    Returns
    -------
    int
        How many commits were lost.
    """
    path = database.with_name(f"{database.name}-wal")
    index = database.with_name(f"{database.name}-shm")
    content = path.read_bytes() if path.exists() else b""
    log = read_log(content)
    kept = log.commits[-1] if log.commits else 0
    survived = database.with_name(f"{database.name}.survived")
    if kind == LYING and log.commits:
        firm = max(_copied(index), _frames_before(survived, content[16:24]))
        losable = [end for end in (0, *log.commits[-most_commits:]) if end >= firm]
        kept = rng.choice(losable or [kept])
    if kind == COPYING:
        _copy_in_part(database, content, log, rng)
    survived.write_bytes(content[16:24] + struct.pack(">I", kept))
    # The index is not on the disk: it is made anew from the log.
    index.unlink(missing_ok=True)
    # With the log's first commit its header may be lost.
    sound = log.end(kept) if kept or log.commits else 0
    path.write_bytes(content[:sound] + _garbled(content[sound:], rng))
    return sum(1 for end in log.commits if end > kept)


def _copied(index: Path) -> int:
    """Return how many frames may be in the database; all, where nobody has opened it since the last cut."""
    if not index.exists():
        return 1 << 32
    return struct.unpack("=I", index.read_bytes()[_ATTEMPTED_AT : _ATTEMPTED_AT + 4])[0]


def _frames_before(survived: Path, salt: bytes) -> int:
    """Return how many frames have come through an earlier power cut: those the disk has for good."""
    content = survived.read_bytes() if survived.exists() else b""
    return struct.unpack(">I", content[8:])[0] if content[:8] == salt else 0


def _copy_in_part(database: Path, content: bytes, log: Log, rng: random.Random) -> None:
    """Copy some pages from the log into the database, in their order, and half of another."""
    pages = {}
    for frame in range(log.commits[-1] if log.commits else 0):
        start = log.end(frame)
        (number,) = struct.unpack(">I", content[start : start + 4])
        pages[number] = content[start + _FRAME_HEADER_BYTES : start + log.frame_bytes]
    chosen = sorted(pages)[: rng.randrange(len(pages) + 1)]
    with database.open("r+b") as file:
        for number in chosen:
            file.seek((number - 1) * len(pages[number]))
            is_torn = number > 1 and number == chosen[-1]
            file.write(pages[number][: len(pages[number]) // 2] if is_torn else pages[number])


def _garbled(tail: bytes, rng: random.Random) -> bytes:
    """Return what is left of bytes that were not synced: fewer, zeros, or some of their sectors."""
    way = rng.randrange(3)
    if way == 0:
        # At least one byte is lost, or the last commit would not be.
        return tail[: rng.randrange(len(tail))] if tail else tail
    if way == 1:
        whole = rng.randrange(len(tail)) if tail else 0
        return tail[:whole] + bytes(len(tail) - whole)
    # The first sector goes, and with it the frame that all others follow from.
    sectors = [tail[start : start + _SECTOR_BYTES] for start in range(0, len(tail), _SECTOR_BYTES)]
    return b"".join(
        sector if number and rng.random() < 0.5 else bytes(len(sector))
        for number, sector in enumerate(sectors)
    )
