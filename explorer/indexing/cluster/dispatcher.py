"""Hands out a run's files to the workers of a Dask cluster, and collects their answers.

Dask can itself repeat a dead worker's tasks elsewhere. But its limit `allowed-failures` is a setting of the
scheduler and not of a run, it kills four workers for each bad file by default, and it also counts tasks that
were only waiting on the dead worker. So each task is bound to one worker, and the `Ledger` decides what
happens to its files.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from distributed import CancelledError, Client, Future, KilledWorker, as_completed

from explorer.embedding.song_windows import WindowCoder
from explorer.errors import ClusterError
from explorer.indexing.cluster.ledger import Job, Ledger
from explorer.indexing.cluster.messages import BatchResult, WorkerSetup
from explorer.indexing.cluster.worker_plugin import drop_setup, embed_batch, receive_setup
from explorer.indexing.outcomes import Failed, Outcome
from explorer.library.music_file import ScannedFile
from explorer.library.remote import as_root, file_exists
from explorer.util.progress import Reporter

NO_WORKER_TIMEOUT_S = 60.0
"""How long the cluster may have no worker before the run ends."""

_WORKER_CHECK_S = 1.0
"""How often the scheduler is asked for its workers."""

_MAX_OUTCOMES = 32
"""How many outcomes are yielded to the caller at once, before more answers of the workers are collected."""

_WAIT_S = 0.2
_END_TIMEOUT_S = 5.0


class Dispatcher:
    """Embeds the files of one run on a cluster. The thread that iterates over `outcomes` does all the work.

    A file is given to only one worker at a time. Each worker has at most `ledger.WORKER_BATCHES` tasks, and
    no task is added while the caller is busy. So the memory of this process and of the scheduler does not
    grow with the number of files.

    Parameters
    ----------
    address : str
        The scheduler's address, for messages.
    coder : WindowCoder
        Has the basis of the windows as soon as the caller has fitted it.
    """

    def __init__(
        self,
        client: Client,
        address: str,
        setup: WorkerSetup,
        files: list[ScannedFile],
        reporter: Reporter,
        *,
        coder: WindowCoder,
    ) -> None:
        self._coder = coder
        self._client = client
        self._setup = setup
        self._address = address
        self._say = reporter.say
        self._ledger = Ledger(files)
        self._jobs: dict[Future, Job] = {}
        self._completed = as_completed(loop=client.loop, with_results=True)
        self._outcomes: list[Outcome] = []
        self._finishing = False
        # Workers are listed and set up in threads; these queues bring the results back.
        self._listed: queue.SimpleQueue[set[str] | None] = queue.SimpleQueue()
        self._set_up: queue.SimpleQueue[dict[str, Exception | None]] = queue.SimpleQueue()
        self._being_set_up: set[str] = set()
        self._refused: dict[str, str] = {}
        self._next_list_at = 0.0
        self._last_worker_at = time.monotonic()

    def outcomes(self, stop: threading.Event) -> Iterator[list[Outcome]]:
        """Embed all files, and yield their outcomes in lists.

        Parameters
        ----------
        stop : threading.Event
            After it is set, the workers finish the files that they have begun, and begin no others.

        Raises
        ------
        ClusterError
            If the connection to the cluster is lost, or none of its workers can do the work. Yielded outcomes
            remain valid.
        """
        try:
            while self._outcomes or not self._is_over():
                if stop.is_set() and not self._finishing:
                    self._finish()
                self._update_workers()
                with self._completed.thread_condition:
                    if not (self._outcomes or self._completed.has_ready()):
                        self._completed.thread_condition.wait(_WAIT_S)
                self._collect_answers()
                # The workers get their next files now, and embed them while the caller stores the outcomes.
                self._hand_out()
                if self._outcomes:
                    yield self._outcomes[:_MAX_OUTCOMES]
                    del self._outcomes[:_MAX_OUTCOMES]
        except (OSError, ClusterError) as error:
            # Yield what is complete, so that it need not be embedded again.
            if self._outcomes:
                yield self._outcomes
            if isinstance(error, ClusterError):
                raise
            raise self._connection_lost() from error
        finally:
            if self._client.status == "running":
                self._client.cancel(list(self._jobs))
                self._drop_setups().join(_END_TIMEOUT_S)

    def _is_over(self) -> bool:
        return self._ledger.is_done or (self._finishing and not any(self._ledger.jobs.values()))

    def _finish(self) -> None:
        """Let the workers finish the files that they have begun, and hand out no others."""
        self._finishing = True
        self._ledger.drop_waiting()
        self._cancel_dropped_jobs()
        self._drop_setups()

    def _drop_setups(self) -> threading.Thread:
        library, run = self._setup.library, self._setup.run
        return _in_thread(lambda: self._client.run(drop_setup, library, run, on_error="ignore"))

    def _cancel_dropped_jobs(self) -> None:
        """Cancel the tasks whose jobs the ledger has taken from their workers."""
        held = {job for jobs in self._ledger.jobs.values() for job in jobs}
        dropped = [future for future, job in self._jobs.items() if job not in held]
        for future in dropped:
            del self._jobs[future]
        self._client.cancel(dropped)

    def _connection_lost(self) -> ClusterError:
        return ClusterError(
            f"The connection to the scheduler at {self._address} is lost. The songs stored so far are kept: "
            "run the same command again when the scheduler is back."
        )

    # Adding and removing workers

    def _update_workers(self) -> None:
        """Start a thread that lists the workers, and handle the results of such threads."""
        if self._client.status != "running":
            raise self._connection_lost()
        if time.monotonic() >= self._next_list_at:
            self._next_list_at = math.inf
            _in_thread(self._list_workers)
        with suppress(queue.Empty):
            workers = self._listed.get_nowait()
            self._next_list_at = time.monotonic() + _WORKER_CHECK_S
            if workers is not None:
                self._apply_worker_list(workers)
        with suppress(queue.Empty):
            while answers := self._set_up.get_nowait():
                for worker, error in answers.items():
                    self._add_worker(worker, error)
        if self._refused and not (self._ledger.jobs or self._being_set_up):
            raise ClusterError(list(self._refused.values())[-1])

    def _list_workers(self) -> None:
        """Ask the scheduler for its workers. This takes a while if the scheduler is busy."""
        workers = None
        try:
            workers = set(self._client.nthreads())
        finally:
            self._listed.put(workers)

    def _apply_worker_list(self, workers: set[str]) -> None:
        """Remove the workers that are gone, and set up those that are new."""
        # Collect the answers first: an answer is valid even if its worker died after sending it.
        self._collect_answers()
        for worker in self._ledger.jobs.keys() - workers:
            self._remove_dead_worker(worker)
        self._refused = {worker: why for worker, why in self._refused.items() if worker in workers}
        new = workers - self._refused.keys() - self._being_set_up - self._ledger.jobs.keys()
        if new:
            self._being_set_up |= new
            _in_thread(lambda: self._send_setup(new))
        if workers:
            self._last_worker_at = time.monotonic()
        elif time.monotonic() - self._last_worker_at > NO_WORKER_TIMEOUT_S:
            raise ClusterError(
                f"The scheduler at {self._address} has had no worker for {NO_WORKER_TIMEOUT_S:.0f} s: start "
                f"some by `dask worker {self._address}`, and run the same command to go on."
            )

    def _send_setup(self, workers: set[str]) -> None:
        """Send the setup to workers. This takes a while."""
        answers: dict = dict.fromkeys(workers, ConnectionError())
        try:
            answers |= self._client.run(receive_setup, self._setup, workers=list(workers), on_error="return")
        finally:
            self._set_up.put(answers)

    def _add_worker(self, worker: str, error: Exception | None) -> None:
        """Add a worker that has received its setup. After an OSError, the next worker list sends it again."""
        self._being_set_up.discard(worker)
        if error is None:
            self._ledger.add_worker(worker)
        elif not isinstance(error, OSError):
            self._refuse(worker, error)

    def _refuse(self, worker: str, error: Exception) -> None:
        """Take all files from a worker that cannot do the work, and give it no others."""
        why = (
            error
            if isinstance(error, ClusterError)
            else f"cannot embed ({type(error).__name__}: {error}): start it in an environment with the same "
            "version of this program."
        )
        self._refused[worker] = f"The worker {worker} {why}"
        self._ledger.remove_worker(worker, died=False)
        self._cancel_dropped_jobs()
        if self._ledger.jobs or self._being_set_up:
            self._say(f"{self._refused[worker]} The run goes on without it.")

    def _remove_dead_worker(self, worker: str) -> None:
        """Take all files from a worker that is gone. They become suspects if it died unexpectedly."""
        events = [event for _, event in self._client.get_events("all") if event.get("worker") == worker]
        expected = [event["expected"] for event in events if event["action"] == "remove-worker"]
        self._outcomes += self._ledger.remove_worker(worker, died=not (expected and expected[-1]))
        self._cancel_dropped_jobs()
        self._say(f"The worker {worker} is gone; other workers get its files.")

    # Handing out files and collecting answers

    def _hand_out(self) -> None:
        while not self._finishing and (job := self._ledger.hand_out()):
            future = self._client.submit(
                embed_batch,
                self._setup.library,
                self._setup.run,
                job.files,
                self._coder.basis,
                workers=[job.worker],
                allow_other_workers=False,
                pure=False,
            )
            self._jobs[future] = job
            self._completed.add(future)

    def _collect_answers(self) -> None:
        """Collect all answers that have arrived."""
        for future, answer in self._completed.next_batch(block=False):
            job = self._jobs.pop(future, None)
            if job is None:
                continue
            if isinstance(answer, CancelledError):
                raise self._connection_lost()
            error = answer[1] if isinstance(answer, tuple) else None
            if isinstance(answer, BatchResult):
                self._add_result(job, answer)
            elif error is None and self._finishing:
                # The worker dropped its setup before it began this job.
                self._ledger.close(job)
            elif error is None or isinstance(error, KilledWorker):
                self._remove_dead_worker(job.worker)
            else:
                self._refuse(job.worker, error)

    def _add_result(self, job: Job, result: BatchResult) -> None:
        """Add a job's outcomes. Files that this machine sees but the worker does not go to other workers."""
        root = as_root(self._setup.root)
        seen_here = [file for file in result.missing if file_exists(root / file.native)]
        gone = [file for file in result.missing if file not in seen_here]
        done = {outcome.file.path for outcome in result.outcomes} | {file.path for file in gone}
        left = [] if self._finishing else [file for file in job.files if file.path not in done]
        self._ledger.close(job, unread=left)
        self._outcomes += result.outcomes
        self._outcomes += [
            Failed(file, f"{file.text} cannot be read: No such file or directory.") for file in gone
        ]
        if seen_here:
            error = ClusterError(
                f"does not see {seen_here[0].text} in {self._setup.root}, but this machine does: make the "
                "same files available there under the same path."
            )
            self._refuse(job.worker, error)


def _in_thread(work: Callable[[], object]) -> threading.Thread:
    """Run a function in a daemon thread: the program can end even if it hangs. Errors are ignored."""

    def run() -> None:
        with suppress(Exception):
            work()

    thread = threading.Thread(target=run, name="cluster", daemon=True)
    thread.start()
    return thread
