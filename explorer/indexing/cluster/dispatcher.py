"""Hands out a run's files to the workers of a Dask cluster, and takes in their answers.

Dask can run a dead worker's tasks elsewhere by itself. But its `allowed-failures` belongs to the scheduler
and not to a run, costs four workers for each such file by default, and also counts tasks that only waited
on the dead worker. So each task is bound to one worker, and the `Ledger` decides what becomes of its files.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from distributed import CancelledError, Client, Future, KilledWorker, as_completed

from explorer.errors import ClusterError
from explorer.indexing.cluster.ledger import Job, Ledger
from explorer.indexing.cluster.worker_plugin import Answer, Kit, drop_kit, embed_batch, receive_kit
from explorer.indexing.outcomes import Failed, Outcome
from explorer.library.music_file import ScannedFile
from explorer.library.remote import as_root, is_there
from explorer.util.progress import Reporter

PATIENCE_S = 60.0
"""How long there may be no worker at all."""

_LOOKING_S = 1.0
"""How often the scheduler is asked for its workers."""

_TOGETHER = 32
"""How many outcomes the caller stores at once, before it asks what the workers have done meanwhile."""

_WAITING_S = 0.2
_ENDING_S = 5.0


class Dispatcher:
    """One run over a cluster, driven by the thread that asks for its outcomes.

    One worker at a time has a file. At most `ledger.WORKER_BATCHES` tasks a worker exist at any time, and no
    new ones while the caller is busy: the memory of this process and of the scheduler does not grow with the
    number of files.

    Parameters
    ----------
    address : str
        The scheduler's, for messages.
    """

    def __init__(
        self, client: Client, address: str, kit: Kit, files: list[ScannedFile], reporter: Reporter
    ) -> None:
        self._client = client
        self._kit = kit
        self._address = address
        self._say = reporter.say
        self._ledger = Ledger(files)
        self._jobs: dict[Future, Job] = {}
        self._completed = as_completed(loop=client.loop, with_results=True)
        self._present: queue.SimpleQueue[set[str] | None] = queue.SimpleQueue()
        self._greeting: set[str] = set()
        self._greeted: queue.SimpleQueue[dict[str, Exception | None]] = queue.SimpleQueue()
        self._unfit: dict[str, str] = {}
        self._outcomes: list[Outcome] = []
        self._finishing = False
        self._look_at = 0.0
        self._last_seen = time.monotonic()

    def outcomes(self, stop: threading.Event) -> Iterator[list[Outcome]]:
        """Have everything embedded; yield what becomes of the files, some at a time.

        Parameters
        ----------
        stop : threading.Event
            Once it is set no other file is begun, and those in hand are finished.

        Raises
        ------
        ClusterError
            If the cluster is lost, or none of its workers can do the work. What was yielded is whole.
        """
        try:
            while self._outcomes or not self._is_over():
                if stop.is_set() and not self._finishing:
                    self._finish()
                self._look_around()
                with self._completed.thread_condition:
                    if not (self._outcomes or self._completed.has_ready()):
                        self._completed.thread_condition.wait(_WAITING_S)
                self._take_answers()
                # The workers have the next files while the caller stores these.
                self._hand_out()
                if self._outcomes:
                    yield self._outcomes[:_TOGETHER]
                    del self._outcomes[:_TOGETHER]
        except (OSError, ClusterError) as error:
            # What has been answered is not embedded again.
            if self._outcomes:
                yield self._outcomes
            if isinstance(error, ClusterError):
                raise
            raise self._lost() from error
        finally:
            if self._client.status == "running":
                self._client.cancel(list(self._jobs))
                self._drop_kits().join(_ENDING_S)

    def _is_over(self) -> bool:
        return self._ledger.is_done or (self._finishing and not any(self._ledger.jobs.values()))

    def _finish(self) -> None:
        """Have the files in hand finished, and nothing else."""
        self._finishing = True
        self._ledger.drop_waiting()
        self._cancel_what_nobody_has()
        self._drop_kits()

    def _drop_kits(self) -> threading.Thread:
        library, run = self._kit.library, self._kit.run
        return _aside(lambda: self._client.run(drop_kit, library, run, on_error="ignore"))

    def _cancel_what_nobody_has(self) -> None:
        held = {job for jobs in self._ledger.jobs.values() for job in jobs}
        gone = [future for future, job in self._jobs.items() if job not in held]
        for future in gone:
            del self._jobs[future]
        self._client.cancel(gone)

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"The connection to the scheduler at {self._address} is lost: what is stored stays, and the same "
            "command goes on when it is back."
        )

    # Workers come and go

    def _look_around(self) -> None:
        if self._client.status != "running":
            raise self._lost()
        if time.monotonic() >= self._look_at:
            self._look_at = math.inf
            _aside(self._look)
        with suppress(queue.Empty):
            present = self._present.get_nowait()
            self._look_at = time.monotonic() + _LOOKING_S
            if present is not None:
                self._compare(present)
        with suppress(queue.Empty):
            while answers := self._greeted.get_nowait():
                for worker, error in answers.items():
                    self._admit(worker, error)
        if self._unfit and not (self._ledger.jobs or self._greeting):
            raise ClusterError(list(self._unfit.values())[-1])

    def _look(self) -> None:
        """Ask the scheduler for its workers, which takes a while if it has much to do."""
        present = None
        try:
            present = set(self._client.nthreads())
        finally:
            self._present.put(present)

    def _compare(self, present: set[str]) -> None:
        """Note which workers have gone, and greet those that have come."""
        # What a worker answered before it died counts.
        self._take_answers()
        for worker in self._ledger.jobs.keys() - present:
            self._bury(worker)
        self._unfit = {worker: why for worker, why in self._unfit.items() if worker in present}
        new = present - self._unfit.keys() - self._greeting - self._ledger.jobs.keys()
        if new:
            self._greeting |= new
            _aside(lambda: self._greet(new))
        if present:
            self._last_seen = time.monotonic()
        elif time.monotonic() - self._last_seen > PATIENCE_S:
            raise ClusterError(
                f"The scheduler at {self._address} has had no worker for {PATIENCE_S:.0f} s: start some by "
                f"`dask worker {self._address}`, and run the same command to go on."
            )

    def _greet(self, workers: set[str]) -> None:
        """Send the kit to workers; this may take a while."""
        answers: dict = dict.fromkeys(workers, ConnectionError())
        try:
            answers |= self._client.run(receive_kit, self._kit, workers=list(workers), on_error="return")
        finally:
            self._greeted.put(answers)

    def _admit(self, worker: str, error: Exception | None) -> None:
        """Count on a worker that has its kit. One that could not be reached is greeted again, or gone."""
        self._greeting.discard(worker)
        if error is None:
            self._ledger.join(worker)
        elif not isinstance(error, OSError):
            self._refuse(worker, error)

    def _refuse(self, worker: str, error: Exception) -> None:
        """Take everything from a worker that cannot do the work, and give it no more."""
        why = (
            error
            if isinstance(error, ClusterError)
            else f"cannot embed ({type(error).__name__}: {error}): start it in an environment with the same "
            "version of this program."
        )
        self._unfit[worker] = f"The worker {worker} {why}"
        self._ledger.leave(worker, died=False)
        self._cancel_what_nobody_has()
        if self._ledger.jobs or self._greeting:
            self._say(f"{self._unfit[worker]} It is left out.")

    def _bury(self, worker: str) -> None:
        """Take everything from a worker that is gone."""
        events = [event for _, event in self._client.get_events("all") if event.get("worker") == worker]
        left = [event["expected"] for event in events if event["action"] == "remove-worker"]
        self._outcomes += self._ledger.leave(worker, died=not (left and left[-1]))
        self._cancel_what_nobody_has()
        self._say(f"The worker {worker} is gone; its files are given to others.")

    # Files go out, and answers come in

    def _hand_out(self) -> None:
        while not self._finishing and (job := self._ledger.hand_out()):
            future = self._client.submit(
                embed_batch,
                self._kit.library,
                self._kit.run,
                job.files,
                workers=[job.worker],
                allow_other_workers=False,
                pure=False,
            )
            self._jobs[future] = job
            self._completed.add(future)

    def _take_answers(self) -> None:
        """Take all answers that have come."""
        for future, answer in self._completed.next_batch(block=False):
            job = self._jobs.pop(future, None)
            if job is None:
                continue
            if isinstance(answer, CancelledError):
                raise self._lost()
            error = answer[1] if isinstance(answer, tuple) else None
            if isinstance(answer, Answer):
                self._take(job, answer)
            elif error is None and self._finishing:
                # It had not begun when its kit was dropped.
                self._ledger.close(job)
            elif error is None or isinstance(error, KilledWorker):
                self._bury(job.worker)
            else:
                self._refuse(job.worker, error)

    def _take(self, job: Job, answer: Answer) -> None:
        root = as_root(self._kit.root)
        seen_here = [file for file in answer.unseen if is_there(root / file.native)]
        gone = [file for file in answer.unseen if file not in seen_here]
        done = {outcome.file.path for outcome in answer.outcomes} | {file.path for file in gone}
        unread = [] if self._finishing else [file for file in job.files if file.path not in done]
        self._ledger.close(job, unread=unread)
        self._outcomes += answer.outcomes
        self._outcomes += [
            Failed(file, f"{file.text} cannot be read: No such file or directory.") for file in gone
        ]
        if seen_here:
            unseen = ClusterError(
                f"does not see {seen_here[0].text} in {self._kit.root}, and this machine does: make the same "
                "files available there under the same name."
            )
            self._refuse(job.worker, unseen)


def _aside(work: Callable[[], object]) -> threading.Thread:
    """Do something in a thread that may hang: the program's end does not wait for it."""

    def run() -> None:
        with suppress(Exception):
            work()

    thread = threading.Thread(target=run, name="cluster", daemon=True)
    thread.start()
    return thread
