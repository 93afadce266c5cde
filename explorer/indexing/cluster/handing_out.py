"""One run over a cluster, as the coordinator's event loop drives it: hands out files, takes answers in.

What Dask does by itself when a worker dies, running its tasks elsewhere over and over, is not what a file
that kills workers needs. So each task is bound to one worker, and the `Ledger` decides what becomes of it.
"""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable
from contextlib import suppress

from distributed import CancelledError, Client, Future

from explorer.errors import ClusterError
from explorer.indexing.cluster.kit import Answer, Kit, drop_kit, embed_batch, finish_batches, receive_kit
from explorer.indexing.cluster.ledger import Job, Ledger
from explorer.indexing.outcomes import Failed, Outcome
from explorer.library.records import ScannedFile

MOST_UNSTORED_BATCHES = 64
"""No more files are handed out while so many answers wait for being stored."""

LOOKING_S = 1.0
_ENDING_S = 5.0

News = list[Outcome] | str | None
"""A batch's outcomes, a sentence for the user, or the end."""


class HandingOut:
    """Drives one run; but for `news`, everything is for the event loop of its client.

    Parameters
    ----------
    sees : callable
        Tells whether this machine sees a file.
    patience_s : float
        How long there may be no worker at all.
    """

    def __init__(
        self,
        client: Client,
        kit: Kit,
        files: list[ScannedFile],
        *,
        address: str,
        sees: Callable[[ScannedFile], bool],
        patience_s: float,
    ) -> None:
        self.news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._client = client
        self._kit = kit
        self._address = address
        self._sees = sees
        self._patience_s = patience_s
        self._ledger = Ledger(files)
        self._futures: dict[Job, Future] = {}
        self._following: set[asyncio.Task] = set()
        self._greeting: set[str] = set()
        self._unfit: dict[str, str] = {}
        self._problem: ClusterError | None = None
        self._wake = asyncio.Event()
        self._finishing = False
        self._unstored = 0
        self._departures = 0
        self._look_at = 0.0
        self._last_seen = time.monotonic()

    async def go(self) -> None:
        """Have everything embedded.

        Raises
        ------
        ClusterError
            If the cluster is lost, or none of its workers can do the work.
        """
        try:
            self._client.subscribe_topic("all", self._hear)
            while not (self._ledger.is_done or (self._finishing and not self._ledger.outstanding)):
                await self._look_around()
                self._hand_out()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOKING_S)
                self._wake.clear()
                if self._problem:
                    raise self._problem
        finally:
            with suppress(Exception):
                await asyncio.wait_for(self._clean_up(), _ENDING_S)
            self.news.put(None)

    def finish(self) -> None:
        """Have the files in hand finished, and nothing else."""
        self._finishing = True
        waiting = [self._futures[job] for job in self._ledger.drop_waiting() if job in self._futures]
        self._start(self._client.cancel(waiting))
        self._start(self._client.run(finish_batches, self._kit.name, self._kit.run, on_error="ignore"))
        self._wake.set()

    def stored(self, batches: int) -> None:
        """Take note that so many batches' outcomes are stored."""
        self._unstored -= batches
        self._wake.set()

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    # Workers come and go

    def _hear(self, event: tuple[float, dict]) -> None:
        _, said = event
        if said.get("action") == "remove-worker":
            self._departures += 1
            self._greeting.discard(said["worker"])
            self._bury(said["worker"], died=not said.get("expected"))
            self._wake.set()
        elif said.get("action") == "add-worker":
            self._look_at = 0.0
            self._wake.set()

    async def _look_around(self) -> None:
        now = time.monotonic()
        if self._client.status != "running":
            raise self._lost()
        if now < self._look_at:
            return
        self._look_at = now + LOOKING_S
        departures = self._departures
        try:
            present = set(await self._client.nthreads())
        except OSError as error:
            raise self._lost() from error
        if departures != self._departures:
            # Who has gone while this was asked may be among them.
            self._look_at = 0.0
            return
        for worker in set(self._ledger.workers) - present:
            self._bury(worker, died=True)
        self._unfit = {worker: why for worker, why in self._unfit.items() if worker in present}
        for worker in present - self._unfit.keys() - set(self._ledger.workers) - self._greeting:
            self._greeting.add(worker)
            self._start(self._greet(worker))
        self._mind_absence(bool(present))

    def _mind_absence(self, anybody: bool) -> None:
        if anybody:
            self._last_seen = time.monotonic()
        elif time.monotonic() - self._last_seen > self._patience_s:
            raise ClusterError(
                f"The scheduler at {self._address} has had no worker for {self._patience_s:.0f} s: start "
                f"some by `dask worker {self._address}`, and run the same command to go on."
            )

    def _bury(self, worker: str, *, died: bool) -> None:
        if worker not in self._ledger.workers:
            return
        failed = self._ledger.leave(worker, died=died, is_done=self._is_done)
        self._forget_futures(worker)
        if failed:
            self._put(failed)
        self.news.put(f"The worker {worker} is gone; what it had is given to others.")

    async def _greet(self, worker: str) -> None:
        """Give a worker its kit; only then is it given files."""
        greeting = self._client.run(receive_kit, self._kit, workers=[worker], on_error="return")
        error = (await greeting).get(worker)
        if worker not in self._greeting:
            return
        self._greeting.discard(worker)
        if error is None:
            self._ledger.join(worker)
        elif not isinstance(error, OSError):
            self._refuse(worker, f"The worker {worker} {_complaint(error)}")
        # One that could not be reached is about to go, or is greeted again.
        self._wake.set()

    def _exclude(self, worker: str, why: str) -> None:
        """Take everything from a worker that cannot do the work."""
        if worker in self._ledger.workers:
            self._ledger.leave(worker, died=False)
            self._forget_futures(worker)
            self._refuse(worker, why)

    def _refuse(self, worker: str, why: str) -> None:
        """Give no files to a worker; without any other the run is over."""
        self._unfit[worker] = why
        if self._ledger.workers or self._greeting:
            self.news.put(f"{why} It is left out.")
        else:
            self._problem = ClusterError(why)

    def _is_done(self, job: Job) -> bool:
        return job in self._futures and self._futures[job].status == "finished"

    def _forget_futures(self, worker: str) -> None:
        mine = [self._futures.pop(job) for job in list(self._futures) if job.worker == worker]
        if mine:
            self._start(self._client.cancel(mine))

    # Batches go out, and answers come in

    def _hand_out(self) -> None:
        while not self._finishing and self._unstored < MOST_UNSTORED_BATCHES:
            job = self._ledger.hand_out()
            if job is None:
                return
            self._futures[job] = self._client.submit(
                embed_batch,
                self._kit.name,
                self._kit.run,
                job.files,
                workers=[job.worker],
                allow_other_workers=False,
                pure=False,
            )
            self._start(self._follow(job, self._futures[job]))

    async def _follow(self, job: Job, future: Future) -> None:
        """Wait for a batch's answer; one that is not expected any more is passed over."""
        try:
            answer = await future
        except CancelledError:
            if self._ledger.holds(job):
                self._problem = self._lost()
        except Exception as error:
            if self._ledger.holds(job):
                self._exclude(job.worker, f"The worker {job.worker} {_complaint(error)}")
        else:
            if self._ledger.holds(job):
                await self._take(job, answer)
        finally:
            self._futures.pop(job, None)
            self._wake.set()

    async def _take(self, job: Job, answer: Answer) -> None:
        done = {outcome.file.path for outcome in answer.outcomes}
        seen_here: list[ScannedFile] = []
        if answer.unseen:
            seen_here = await asyncio.to_thread(lambda: [file for file in answer.unseen if self._sees(file)])
            if not self._ledger.holds(job):
                return
        vanished = [file for file in answer.unseen if file not in seen_here]
        unread = [file for file in job.files if file.path not in done and file not in vanished]
        self._ledger.close(job, unread=() if self._finishing else unread)
        self._put(answer.outcomes + [_vanished(file) for file in vanished])
        if seen_here:
            self._exclude(
                job.worker,
                f"The worker {job.worker} does not see {seen_here[0].text} in {self._kit.root}, and this "
                "machine does: make the same files available there under the same name.",
            )

    def _put(self, outcomes: list[Outcome]) -> None:
        if outcomes:
            self._unstored += 1
            self.news.put(outcomes)

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"The connection to the scheduler at {self._address} is lost: what is stored stays, and the same "
            "command goes on when it is back."
        )

    async def _clean_up(self) -> None:
        self._client.unsubscribe_topic("all")
        if self._futures:
            await self._client.cancel(list(self._futures.values()))
        await self._client.run(drop_kit, self._kit.name, self._kit.run, on_error="ignore")


def _vanished(file: ScannedFile) -> Failed:
    return Failed(file, f"{file.text} cannot be read: No such file or directory.")


def _complaint(error: Exception) -> str:
    """Return the rest of a sentence about a worker whose task has failed."""
    if isinstance(error, ClusterError):
        return str(error)
    return (
        f"cannot embed ({type(error).__name__}: {error}): start it in an environment with the same version "
        "of this program."
    )
