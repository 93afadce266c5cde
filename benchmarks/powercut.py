"""What a power cut may do to SQLite's write-ahead log, done to one on purpose; kills.py calls it.

With `synchronous=FULL`, as songs.db has it, a commit is in the log, and the log on the disk, before the
commit returns. So there are three cases:

- `UNSYNCED`: only what was written after the last commit is lost or garbled.
- `LYING`: a disk that reports a sync before it is done loses the newest commits, too. What SQLite has copied
  into the database it synced before; to take that from the log would be no power cut, and is not done.
- `COPYING`: the power fails while the log is copied into the database. Some pages are there, one of them in
  half, and the log is whole.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path

CUTS = UNSYNCED, LYING, COPYING = "unsynced", "lying", "copying"

MOST_COMMITS_LOST = 6
_HEADER_BYTES, _FRAME_HEADER_BYTES, _SECTOR_BYTES = 32, 24, 512
_ATTEMPTED_AT = 128
"""Where the index of the log (-shm) keeps how many frames may have been copied into the database."""


@dataclass(frozen=True)
class Log:
    """A write-ahead log, as far as it is whole: `commits` counts the frames at the end of each commit."""

    content: bytes
    frame_bytes: int = _FRAME_HEADER_BYTES
    commits: tuple[int, ...] = ()

    def end(self, frames: int) -> int:
        """Return how many bytes so many frames take."""
        return _HEADER_BYTES + frames * self.frame_bytes

    def number(self, frame: int, field: int) -> int:
        """Return a field of a frame's header: 0 is the page, 1 is above 0 where a commit ends."""
        return struct.unpack_from(">I", self.content, self.end(frame) + 4 * field)[0]


def read_log(content: bytes) -> Log:
    """Find a log's commits: the frames that have the salt of its header, up to the first that has not."""
    if len(content) < _HEADER_BYTES:
        return Log(content)
    log = Log(content, _FRAME_HEADER_BYTES + struct.unpack_from(">I", content, 8)[0])
    commits = []
    for frame in range((len(content) - _HEADER_BYTES) // log.frame_bytes):
        if content[log.end(frame) + 8 : log.end(frame) + 16] != content[16:24]:
            break
        if log.number(frame, 1):
            commits.append(frame + 1)
    return Log(content, log.frame_bytes, tuple(commits))


def cut_power(database: Path, kind: str, rng: random.Random) -> None:
    """Garble the end of a database's log, as a power cut may; no process may have it open."""
    path, index, survived = (database.with_name(database.name + end) for end in ("-wal", "-shm", ".survived"))
    log = read_log(path.read_bytes() if path.exists() else b"")
    salt = log.content[16:24]
    kept = log.commits[-1] if log.commits else 0
    if kind == LYING and log.commits:
        firm = max(_frames_copied(index), _frames_before(survived, salt))
        kept = rng.choice([n for n in (0, *log.commits[-MOST_COMMITS_LOST:]) if n >= firm] or [kept])
    if kind == COPYING and log.commits:
        _copy_in_part(database, log, rng)
    survived.write_bytes(salt + struct.pack(">I", kept))
    # The index is not on the disk: SQLite makes it anew from the log.
    index.unlink(missing_ok=True)
    # With the log's first commit its header may be lost.
    whole = log.end(kept) if kept or log.commits else 0
    path.write_bytes(log.content[:whole] + _garbled(log.content[whole:], rng))


def _frames_copied(index: Path) -> int:
    """Return how many frames may be in the database; all, where nobody has opened it since the last cut."""
    return struct.unpack_from("=I", index.read_bytes(), _ATTEMPTED_AT)[0] if index.exists() else 1 << 32


def _frames_before(survived: Path, salt: bytes) -> int:
    """Return how many frames came through an earlier power cut: the disk has those for good."""
    content = survived.read_bytes() if survived.exists() else b""
    return struct.unpack(">I", content[8:])[0] if content[:8] == salt else 0


def _copy_in_part(database: Path, log: Log, rng: random.Random) -> None:
    """Copy some pages from the log into the database, in their order, and half of another."""
    frames = range(log.commits[-1])
    pages = {log.number(n, 0): log.content[log.end(n) + _FRAME_HEADER_BYTES : log.end(n + 1)] for n in frames}
    chosen = sorted(pages)[: rng.randrange(len(pages) + 1)]
    with database.open("r+b") as file:
        for number in chosen:
            file.seek((number - 1) * len(pages[number]))
            is_torn = number > 1 and number == chosen[-1]
            file.write(pages[number][: len(pages[number]) // 2] if is_torn else pages[number])


def _garbled(tail: bytes, rng: random.Random) -> bytes:
    """Return what is left of bytes that were not synced: fewer, zeros, or some of their sectors."""
    way = rng.randrange(3)
    if not tail:
        return tail
    whole = rng.randrange(len(tail))
    if way < 2:
        # At least one byte is lost: otherwise the last commit would not be.
        return tail[:whole] + (bytes(len(tail) - whole) if way else b"")
    # The first sector is lost, and with it the frame on which all others depend.
    sectors = [tail[start : start + _SECTOR_BYTES] for start in range(0, len(tail), _SECTOR_BYTES)]
    return b"".join(
        sector if number and rng.random() < 0.5 else bytes(len(sector))
        for number, sector in enumerate(sectors)
    )
