"""Compares a folder with the library, and plans which files an index run reads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.database.records import KnownFile
from explorer.library.music_file import ScannedFile
from explorer.library.scanning import Scan


@dataclass
class Plan:
    """The differences between a folder and the library.

    Attributes
    ----------
    new, changed, retried : list of ScannedFile
        The files to read: unknown to the library, changed since they were read, or failed before and tried
        again.
    coarse : list of ScannedFile
        Files that have not changed, and whose songs have only coarse vectors: they are read too.
    known : int
        Files that have not changed; they are skipped.
    outdated : list of ScannedFile
        The songs among the known files that an older version of this program read.
    failed_before : int
        How many of the known files failed when they were read.
    gone : list of bytes
        Paths of known files, songs or failures, that are missing now, even if an earlier run marked them.
    back : list of bytes
        Paths of songs that an earlier run marked as missing, and whose files are back unchanged.
    unsettled : int
        Files that were modified a moment ago, and are left for a later run.
    videos : int
        Files that are known to be videos, and are passed over.
    relinked : list of ScannedFile
        Known files that links lead to from another place than before.
    """

    new: list[ScannedFile] = field(default_factory=list)
    changed: list[ScannedFile] = field(default_factory=list)
    retried: list[ScannedFile] = field(default_factory=list)
    coarse: list[ScannedFile] = field(default_factory=list)
    known: int = 0
    outdated: list[ScannedFile] = field(default_factory=list)
    failed_before: int = 0
    gone: list[bytes] = field(default_factory=list)
    back: list[bytes] = field(default_factory=list)
    unsettled: int = 0
    videos: int = 0
    relinked: list[ScannedFile] = field(default_factory=list)

    @property
    def to_read(self) -> list[ScannedFile]:
        """All files to read, in the order of their paths."""
        return sorted(self.new + self.changed + self.retried + self.coarse, key=lambda file: file.path)


def make_plan(known: Mapping[bytes, KnownFile], scan: Scan, *, retry: bool, settled_s: float = 0.0) -> Plan:
    """Compare a folder's files with those that the library knows; nothing is written.

    Parameters
    ----------
    known : mapping of bytes to KnownFile
        By path, relative to the same folder as the scan's paths.
    retry : bool
        Whether unchanged files that failed before are read again. Failures of an older version always are.
    settled_s : float
        Files that were modified in the last `settled_s` seconds are left for a later run: they may still be
        being written.
    """
    plan = Plan()
    now_ns = time.time_ns()
    for file in scan.files:
        before = known.get(file.path)
        is_known_video = before is not None and before.is_video and not before.is_outdated
        is_retried = before is not None and before.failed and (retry or before.is_outdated or before.is_video)
        if is_known_video and not scan.video and before.is_unchanged(file):
            plan.videos += 1
        elif before is not None and before.is_unchanged(file) and not is_retried:
            if before.is_coarse:
                # The full pass reads it in any case; a coarse vector of an older version is made again.
                (plan.changed if before.is_outdated else plan.coarse).append(file)
            else:
                plan.known += 1
                if before.is_outdated:
                    plan.outdated.append(file)
            plan.failed_before += before.failed
            if before.link_target != file.link_target and not before.failed:
                plan.relinked.append(file)
            if before.gone:
                plan.back.append(file.path)
        # A file whose time is in the future is read now: if a disk's clock is fast, it would wait for ever.
        elif 0 <= now_ns - file.modified_ns < settled_s * 1e9:
            plan.unsettled += 1
        elif before is None:
            plan.new.append(file)
        elif before.is_unchanged(file):
            plan.retried.append(file)
        else:
            plan.changed.append(file)
    present = {file.path for file in scan.files}
    plan.gone = [path for path in known if path not in present and scan.covers(path)]
    return plan
