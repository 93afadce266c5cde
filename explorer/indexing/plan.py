"""What there is to do in a folder: new, changed, unchanged and missing files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from explorer.database.database import Database
from explorer.database.records import KnownFile
from explorer.library.music_file import ScannedFile
from explorer.library.scanning import Scan


@dataclass
class Plan:
    """A folder's files beside what the library knows of them.

    Attributes
    ----------
    new, changed, retried : list of ScannedFile
        What is to be read: never seen, other than when it was seen, failed before and to be tried again.
    known : int
        Files that are as they were; they are passed over.
    failed_before : int
        Of the known: those that could not be read when they were.
    gone : list of bytes
        Paths of songs whose files are not there any more.
    back : list of bytes
        Paths of songs that were missed by an earlier run, and are there again as they were.
    unsettled : int
        Files that are left for later, because they were written to a moment ago.
    """

    new: list[ScannedFile] = field(default_factory=list)
    changed: list[ScannedFile] = field(default_factory=list)
    retried: list[ScannedFile] = field(default_factory=list)
    known: int = 0
    failed_before: int = 0
    gone: list[bytes] = field(default_factory=list)
    back: list[bytes] = field(default_factory=list)
    unsettled: int = 0

    @property
    def todo(self) -> list[ScannedFile]:
        """What is to be read, in the order of the files' paths."""
        return sorted(self.new + self.changed + self.retried, key=lambda file: file.path)


def make_plan(known: Mapping[bytes, KnownFile], scan: Scan, *, retry: bool, settled_s: float = 0.0) -> Plan:
    """Compare a folder's files with what the library knows; nothing is written.

    Parameters
    ----------
    known : mapping of bytes to KnownFile
        By path, as the scan has them.
    retry : bool
        Whether files that failed before are to be read again.
    settled_s : float
        Files that were written to in the last so many seconds are left for later: they may be on their way.
    """
    plan = Plan()
    now_ns = time.time_ns()
    for file in scan.files:
        before = known.get(file.path)
        if before is not None and before.is_unchanged(file) and not (before.failed and retry):
            plan.known += 1
            plan.failed_before += before.failed
            if before.gone:
                plan.back.append(file.path)
        # Times to come count as long ago: a disk's clock that is fast must put nothing off for ever.
        elif 0 <= now_ns - file.modified_ns < settled_s * 1e9:
            plan.unsettled += 1
        elif before is None:
            plan.new.append(file)
        elif before.is_unchanged(file):
            plan.retried.append(file)
        else:
            plan.changed.append(file)
    found = {file.path for file in scan.files}
    plan.gone = [path for path in known if path not in found and scan.would_have_found(path)]
    return plan


def record_absence(database: Database, root_id: int, plan: Plan) -> None:
    """Mark the songs that are gone, forget failures of files that are gone, and unmark what is back."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    database.mark_gone(root_id, plan.gone, since=now)
    database.unmark_gone(root_id, plan.back)
