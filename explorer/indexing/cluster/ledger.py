"""Which worker has which files, and which files are suspected of killing workers.

Nothing here knows Dask, so tests can play through everything that may happen in a run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from explorer.indexing.outcomes import Failed
from explorer.library.music_file import ScannedFile

BATCH_FILES = 8
"""Enough to keep decoding ahead of the network, and no more than may be lost with a worker."""

WORKER_BATCHES = 2
"""A worker runs the first while it has the second waiting."""


@dataclass(frozen=True, eq=False)
class Job:
    """A batch of files that a worker has, or a suspect: the worker has nothing else then."""

    worker: str
    files: list[ScannedFile]
    is_suspect: bool = False


class Ledger:
    """Hands out files until each has an outcome, at most `WORKER_BATCHES` jobs a worker.

    All files of a worker that dies become suspects: each is tried again after all others, by a worker that
    has nothing else, and fails if that worker dies too.

    Attributes
    ----------
    jobs : dict of str to list of Job
        What each worker has.
    """

    def __init__(self, files: Iterable[ScannedFile]) -> None:
        self.jobs: dict[str, list[Job]] = {}
        self._fresh = deque(files)
        self._suspects: deque[ScannedFile] = deque()

    @property
    def is_done(self) -> bool:
        """Whether no file is waiting, and no worker has one."""
        return not (self._fresh or self._suspects or any(self.jobs.values()))

    def join(self, worker: str) -> None:
        """Add a worker that may be given files."""
        self.jobs.setdefault(worker, [])

    def hand_out(self) -> Job | None:
        """Give files to the worker that has the fewest jobs; return None if they must wait."""
        worker = min(self.jobs, key=self._load, default=None)
        if worker is None or self._load(worker) >= WORKER_BATCHES:
            return None
        if self._fresh:
            # Smaller batches towards the end, so that all workers end together.
            share = len(self._fresh) // (WORKER_BATCHES * len(self.jobs))
            job = Job(worker, [self._fresh.popleft() for _ in range(max(1, min(BATCH_FILES, share)))])
        elif self._suspects and not self.jobs[worker]:
            job = Job(worker, [self._suspects.popleft()], is_suspect=True)
        else:
            return None
        self.jobs[worker].append(job)
        return job

    def _load(self, worker: str) -> int:
        return sum(WORKER_BATCHES if job.is_suspect else 1 for job in self.jobs[worker])

    def close(self, job: Job, *, unread: Iterable[ScannedFile] = ()) -> None:
        """Take a job from its worker. Files that it has not read wait again, before the others."""
        self.jobs[job.worker].remove(job)
        self._return(job, unread)

    def _return(self, job: Job, files: Iterable[ScannedFile]) -> None:
        (self._suspects if job.is_suspect else self._fresh).extendleft(reversed(list(files)))

    def leave(self, worker: str, *, died: bool) -> list[Failed]:
        """Take everything from a worker; return the files that are not tried again.

        Parameters
        ----------
        died : bool
            Whether one of its files may have killed it.
        """
        failed = []
        for job in reversed(self.jobs.pop(worker, [])):
            if not died:
                self._return(job, job.files)
            elif job.is_suspect:
                failed += [Failed(file, f"{file.text} took two workers down with it.") for file in job.files]
            else:
                self._suspects.extend(job.files)
        return failed

    def drop_waiting(self) -> None:
        """Forget everything but each worker's first job, which it may have begun."""
        self._fresh.clear()
        self._suspects.clear()
        for jobs in self.jobs.values():
            del jobs[1:]
