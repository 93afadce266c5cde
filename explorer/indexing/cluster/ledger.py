"""Records which worker has which files, and which files may have killed a worker.

This module does not use Dask, so tests can run through every order of events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from explorer.indexing.outcomes import Failed
from explorer.library.music_file import ScannedFile

BATCH_FILES = 8
"""Enough to decode ahead of the network, and few enough to repeat if the worker dies."""

WORKER_BATCHES = 2
"""A worker embeds the first while the second waits there."""


@dataclass(frozen=True, eq=False)
class Job:
    """A batch of files that one worker has. A job with a suspect file is the worker's only job."""

    worker: str
    files: list[ScannedFile]
    is_suspect: bool = False


class Ledger:
    """Hands out files until each has an outcome, at most `WORKER_BATCHES` jobs per worker.

    If a worker dies, all its files become suspects. Each suspect is tried again after all other files, by a
    worker that has nothing else; if that worker dies too, the file fails.

    Attributes
    ----------
    jobs : dict of str to list of Job
        The jobs of each worker.
    """

    def __init__(self, files: Iterable[ScannedFile]) -> None:
        self.jobs: dict[str, list[Job]] = {}
        self._fresh = deque(files)
        self._suspects: deque[ScannedFile] = deque()

    @property
    def is_done(self) -> bool:
        """Whether no file is waiting, and no worker has one."""
        return not (self._fresh or self._suspects or any(self.jobs.values()))

    def add_worker(self, worker: str) -> None:
        """Add a worker that can be given files."""
        self.jobs.setdefault(worker, [])

    def hand_out(self) -> Job | None:
        """Give files to the worker that has the fewest jobs; return None if no worker can take any now."""
        worker = min(self.jobs, key=self._load, default=None)
        if worker is None or self._load(worker) >= WORKER_BATCHES:
            return None
        if self._fresh:
            # Towards the end batches become smaller, so that all workers end together.
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
        """Take a finished job from its worker. The files that it did not read are handed out next."""
        self.jobs[job.worker].remove(job)
        self._return(job, unread)

    def _return(self, job: Job, files: Iterable[ScannedFile]) -> None:
        (self._suspects if job.is_suspect else self._fresh).extendleft(reversed(list(files)))

    def remove_worker(self, worker: str, *, died: bool) -> list[Failed]:
        """Remove a worker, take its files back, and return those that fail now.

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
                failed += [Failed(file, f"{file.text} killed two workers.") for file in job.files]
            else:
                self._suspects.extend(job.files)
        return failed

    def drop_waiting(self) -> None:
        """Drop all files but those of each worker's first job, which the worker may have begun."""
        self._fresh.clear()
        self._suspects.clear()
        for jobs in self.jobs.values():
            del jobs[1:]
