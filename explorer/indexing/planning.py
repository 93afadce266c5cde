"""What there is to do in a folder: new, changed, unchanged and missing files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from explorer.library.database import Database
from explorer.library.records import ScannedFile
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
    """

    new: list[ScannedFile] = field(default_factory=list)
    changed: list[ScannedFile] = field(default_factory=list)
    retried: list[ScannedFile] = field(default_factory=list)
    known: int = 0
    failed_before: int = 0
    gone: list[bytes] = field(default_factory=list)
    back: list[bytes] = field(default_factory=list)

    @property
    def todo(self) -> list[ScannedFile]:
        """What is to be read, in the order of the files' paths."""
        return sorted(self.new + self.changed + self.retried, key=lambda file: file.path)


def make_plan(database: Database, root_id: int, scan: Scan, *, retry: bool) -> Plan:
    """Compare a folder's files with what the library knows; nothing is written.

    Parameters
    ----------
    scan : Scan
        Relative to the root.
    retry : bool
        Whether files that failed before are to be read again.
    """
    plan = Plan()
    known = database.known_files(root_id)
    for file in scan.files:
        before = known.get(file.path)
        if before is None:
            plan.new.append(file)
        elif not before.is_unchanged(file):
            plan.changed.append(file)
        elif before.failed and retry:
            plan.retried.append(file)
        else:
            plan.known += 1
            plan.failed_before += before.failed
            if before.gone:
                plan.back.append(file.path)
    found = {file.path for file in scan.files}
    plan.gone = [path for path, file in known.items() if path not in found and scan.would_have_found(path)]
    return plan


def record_absence(database: Database, root_id: int, plan: Plan) -> None:
    """Mark the songs that are gone, forget failures of files that are gone, and unmark what is back."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    database.mark_gone(root_id, plan.gone, since=now)
    database.mark_back(root_id, plan.back)
