"""Who has which files: batches, workers that come and go, and files that are suspected of killing them.

Nothing here knows Dask, so that every turn that a run may take can be played through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable

from explorer.indexing.outcomes import Failed
from explorer.library.records import ScannedFile

BATCH_FILES = 8
"""Enough to keep decoding ahead of the network, and no more than may be lost with a worker."""

OUTSTANDING_BATCHES = 2
"""A worker runs the first while the second waits beside it."""


class Job:
    """A batch of files in the hands of one worker."""

    def __init__(self, worker: str, files: list[ScannedFile]) -> None:
        self.worker = worker
        self.files = files


class Ledger:
    """Hands out files in batches and keeps account of them until each has an outcome.

    Each worker has at most `OUTSTANDING_BATCHES`. What a worker was running when it died is suspected: each
    of its files is tried again alone, after all others, and given up when it takes a second worker along.

    Parameters
    ----------
    files : iterable of ScannedFile
        What is to be done, in this order.
    """

    def __init__(self, files: Iterable[ScannedFile]) -> None:
        self._fresh = deque(files)
        self._suspects: deque[ScannedFile] = deque()
        self._accused: set[bytes] = set()
        self._workers: dict[str, list[Job]] = {}

    @property
    def workers(self) -> Collection[str]:
        """The workers that may be given files."""
        return self._workers.keys()

    @property
    def outstanding(self) -> int:
        """How many batches are in workers' hands."""
        return sum(map(len, self._workers.values()))

    @property
    def is_done(self) -> bool:
        """Whether no file is waiting, nor in a worker's hands."""
        return not (self._fresh or self._suspects or self.outstanding)

    def join(self, worker: str) -> None:
        """Take note of a worker."""
        self._workers.setdefault(worker, [])

    def hand_out(self) -> Job | None:
        """Give a batch to the worker that has the fewest, or None where there is no file or no free hand."""
        worker = min(self._workers, key=lambda name: len(self._workers[name]), default=None)
        if worker is None or len(self._workers[worker]) >= OUTSTANDING_BATCHES:
            return None
        if self._fresh:
            files = [self._fresh.popleft() for _ in range(self._size())]
        elif self._suspects:
            files = [self._suspects.popleft()]
        else:
            return None
        job = Job(worker, files)
        self._workers[worker].append(job)
        return job

    def _size(self) -> int:
        """Return how many files to give at once: fewer towards the end, so that all workers end together."""
        share = len(self._fresh) // (OUTSTANDING_BATCHES * len(self._workers))
        return max(1, min(BATCH_FILES, share))

    def holds(self, job: Job) -> bool:
        """Tell whether a batch is still expected: it was not taken from its worker."""
        return job in self._workers.get(job.worker, ())

    def close(self, job: Job, *, unread: Iterable[ScannedFile] = ()) -> None:
        """Take note that a batch is done, but for some of its files, which are given to others."""
        self._workers[job.worker].remove(job)
        self._return(unread)

    def leave(
        self, worker: str, *, died: bool, is_done: Callable[[Job], bool] = lambda _: False
    ) -> list[Failed]:
        """Take everything back from a worker that is gone.

        Parameters
        ----------
        died : bool
            Whether what it was running may have killed it.
        is_done : callable
            Tells whether it had finished a batch, of which only the answer was lost.

        Returns
        -------
        list of Failed
            Files that have taken two workers down, and are not tried again.
        """
        jobs = self._workers.pop(worker, [])
        running = next((job for job in jobs if not is_done(job)), None) if died else None
        failed = []
        for job in reversed(jobs):
            if job is not running:
                self._return(job.files)
        for file in running.files if running else ():
            if file.path in self._accused and len(running.files) == 1:
                failed.append(Failed(file, f"{file.text} took two workers down with it."))
            else:
                self._accused.add(file.path)
                self._suspects.append(file)
        return failed

    def _return(self, files: Iterable[ScannedFile]) -> None:
        """Put files back where they came from, before the others."""
        for file in reversed(list(files)):
            (self._suspects if file.path in self._accused else self._fresh).appendleft(file)

    def drop_waiting(self) -> list[Job]:
        """Forget what no worker runs, and return the batches that are to be taken from them unbegun."""
        self._fresh.clear()
        self._suspects.clear()
        waiting = [job for jobs in self._workers.values() for job in jobs[1:]]
        for jobs in self._workers.values():
            del jobs[1:]
        return waiting
