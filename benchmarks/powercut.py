"""Simulates the effect of a power cut on SQLite's write-ahead log (WAL); kills.py uses it.

songs.db uses `synchronous=FULL`: before a commit returns, it is in the log and the log is synced to the disk.
So a power cut has one of three effects:

- `UNSYNCED`: only the bytes written after the last commit are lost or damaged.
- `LYING`: the disk reports that a sync is done before it is, so the newest commits are lost too. Commits that
  SQLite has copied into the database are never removed: SQLite synced the log before it copied them.
- `COPYING`: the power fails while SQLite copies the log into the database. Some pages are copied; of the
  last one, only the first half is copied. The log is complete.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path

CUTS = UNSYNCED, LYING, COPYING = "unsynced", "lying", "copying"

MAX_COMMITS_LOST = 6
_HEADER_BYTES, _FRAME_HEADER_BYTES, _SECTOR_BYTES = 32, 24, 512
_COPIED_FRAMES_OFFSET = 128
"""The offset in the log's index (-shm) of the number of frames that may be copied into the database."""


@dataclass(frozen=True)
class Log:
    """The intact part of a write-ahead log.

    `commits` holds, for each commit, the number of frames up to its end.
    """

    content: bytes
    frame_bytes: int = _FRAME_HEADER_BYTES
    commits: tuple[int, ...] = ()

    def end(self, frames: int) -> int:
        """Return the length in bytes of the log with this number of frames."""
        return _HEADER_BYTES + frames * self.frame_bytes

    def number(self, frame: int, field: int) -> int:
        """Return a field of a frame's header: 0 is the page number, 1 is above 0 if a commit ends here."""
        return struct.unpack_from(">I", self.content, self.end(frame) + 4 * field)[0]


def read_log(content: bytes) -> Log:
    """Find a log's commits. They end before the first frame whose salt differs from the header's."""
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
    """Damage the end of a database's log as a power cut can; no process may have the database open.

    `kind` is one of `CUTS`. The number of frames that survived the last cut is stored next to the database,
    in a file with the extension `.survived`.
    """
    path, index, survived = (database.with_name(database.name + end) for end in ("-wal", "-shm", ".survived"))
    log = read_log(path.read_bytes() if path.exists() else b"")
    salt = log.content[16:24]
    kept = log.commits[-1] if log.commits else 0
    if kind == LYING and log.commits:
        minimum = max(_copied_frames(index), _survived_frames(survived, salt))
        kept = rng.choice([n for n in (0, *log.commits[-MAX_COMMITS_LOST:]) if n >= minimum] or [kept])
    if kind == COPYING and log.commits:
        _copy_in_part(database, log, rng)
    survived.write_bytes(salt + struct.pack(">I", kept))
    # A power cut loses the index, which is only in memory. SQLite rebuilds it from the log.
    index.unlink(missing_ok=True)
    # Before the first commit, the header of the log can be lost too.
    intact = log.end(kept) if kept or log.commits else 0
    path.write_bytes(log.content[:intact] + _damaged(log.content[intact:], rng))


def _copied_frames(index: Path) -> int:
    """Return how many frames may be in the database: all of them if it was not opened since the last cut."""
    return (
        struct.unpack_from("=I", index.read_bytes(), _COPIED_FRAMES_OFFSET)[0] if index.exists() else 1 << 32
    )


def _survived_frames(survived: Path, salt: bytes) -> int:
    """Return how many frames survived an earlier power cut: these are certainly on the disk."""
    content = survived.read_bytes() if survived.exists() else b""
    return struct.unpack(">I", content[8:])[0] if content[:8] == salt else 0


def _copy_in_part(database: Path, log: Log, rng: random.Random) -> None:
    """Copy some pages from the log into the database, in order; of the last one only the first half."""
    frames = range(log.commits[-1])
    pages = {log.number(n, 0): log.content[log.end(n) + _FRAME_HEADER_BYTES : log.end(n + 1)] for n in frames}
    copied = sorted(pages)[: rng.randrange(len(pages) + 1)]
    with database.open("r+b") as file:
        for number in copied:
            file.seek((number - 1) * len(pages[number]))
            is_torn = number > 1 and number == copied[-1]
            file.write(pages[number][: len(pages[number]) // 2] if is_torn else pages[number])


def _damaged(tail: bytes, rng: random.Random) -> bytes:
    """Damage bytes that were not synced: cut them off, or overwrite the end or some sectors with zeros."""
    damage = rng.randrange(3)
    if not tail:
        return tail
    intact = rng.randrange(len(tail))
    if damage < 2:
        # At least one byte is lost: without that, the last commit would survive.
        return tail[:intact] + (bytes(len(tail) - intact) if damage else b"")
    # The first sector is always lost, and with it the frame on which all later frames depend.
    sectors = [tail[start : start + _SECTOR_BYTES] for start in range(0, len(tail), _SECTOR_BYTES)]
    return b"".join(
        sector if number and rng.random() < 0.5 else bytes(len(sector))
        for number, sector in enumerate(sectors)
    )
