"""Runs jobs in several decoding processes: the most urgent first, and the same job only once at a time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TypeVar

from explorer.audio.decoder import MESSAGE_TIMEOUT_S, Decoder
from explorer.errors import ExplorerError

IDLE_S = 300.0
"""A process that had no job for this long is ended."""

_CHECK_S = 0.1
"""How often a caller that waits is asked whether it still wants the result."""

Result = TypeVar("Result")


class BusyError(ExplorerError):
    """A job that was not done: too many wait, the pool was closed, or nobody wants its result any more."""


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of jobs, and its limits.

    Attributes
    ----------
    urgency : int
        The jobs with the lowest number are done first.
    max_running : int
        How many jobs of this kind may run at the same time. A number below that of the processes keeps one
        free for other kinds.
    max_waiting : int
        How many callers may wait for jobs of this kind, running or not.
    """

    urgency: int
    max_running: int
    max_waiting: int


@dataclass(eq=False)
class _Job:
    kind: Kind
    key: Hashable
    work: Callable[[Decoder], object]
    n_callers: int = 0
    result: Future = field(default_factory=Future)


class DecoderPool:
    """Decoding processes that start when they are needed, and end when they have been idle for some time.

    Its methods may be called from several threads at once.

    Parameters
    ----------
    n_processes : int
        The highest number of processes. Each has a thread of its own.
    niceness : int
        The niceness of the processes: see `Decoder`.
    message_timeout_s : float
        The time limit of a job that sends no message: see `Decoder`.
    """

    def __init__(
        self,
        n_processes: int,
        *,
        niceness: int = 0,
        message_timeout_s: float = MESSAGE_TIMEOUT_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._n_processes = n_processes
        self._niceness = niceness
        self._message_timeout_s = message_timeout_s
        self._idle_s = idle_s
        self._changed = threading.Condition()
        """Guards all that follows; notified when a job comes or ends."""
        self._queue: list[_Job] = []
        self._jobs: dict[Hashable, _Job] = {}
        self._running: Counter[Kind] = Counter()
        self._waiting: Counter[Kind] = Counter()
        self._decoders: set[Decoder] = set()
        self._n_idle = 0
        self._is_closed = False

    def run(
        self,
        kind: Kind,
        key: Hashable,
        work: Callable[[Decoder], Result],
        *,
        is_bounded: bool = True,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Result:
        """Do a job and return its result; wait for it.

        Parameters
        ----------
        key : hashable
            Identifies the job. If a job with this key waits or runs, its result is returned.
        work : callable
            Does the job with the decoder that it is given, in another thread.
        is_bounded : bool
            Whether `kind.max_waiting` limits this call too.
        is_wanted : callable
            Asked repeatedly. A job that was not begun is dropped if no caller wants its result any more.

        Raises
        ------
        BusyError
            If too many callers wait, the result is not wanted any more, or the pool was closed. Exceptions of
            the job are not caught.
        """
        job = self._join(kind, key, work, is_bounded=is_bounded)
        try:
            while not job.result.done():
                if not is_wanted():
                    raise BusyError("Nobody waits for this answer any more.")
                wait([job.result], timeout=_CHECK_S)
            return job.result.result()
        finally:
            self._leave(job)

    def close(self) -> None:
        """End the processes, even during a job. Jobs that wait, and all later ones, fail."""
        with self._changed:
            self._is_closed = True
            for job in self._queue:
                job.result.set_exception(BusyError("The server is being stopped."))
            self._queue.clear()
            decoders = list(self._decoders)
            self._changed.notify_all()
        for decoder in decoders:
            decoder.interrupt()
            decoder.close()

    def _join(self, kind: Kind, key: Hashable, work: Callable, *, is_bounded: bool) -> _Job:
        """Return the job with a key; put a new one into the queue if there is none."""
        with self._changed:
            if self._is_closed:
                raise BusyError("The server is being stopped.")
            if is_bounded and self._waiting[kind] >= kind.max_waiting:
                raise BusyError("The server is busy with other songs: try again in a moment.")
            job = self._jobs.get(key)
            if job is None:
                if len(self._queue) >= self._n_idle and len(self._decoders) < self._n_processes:
                    self._start_thread()
                job = self._jobs[key] = _Job(kind, key, work)
                self._queue.append(job)
                self._changed.notify()
            job.n_callers += 1
            self._waiting[job.kind] += 1
            return job

    def _leave(self, job: _Job) -> None:
        with self._changed:
            job.n_callers -= 1
            self._waiting[job.kind] -= 1
            if not job.n_callers and job in self._queue:
                self._queue.remove(job)
                del self._jobs[job.key]

    def _start_thread(self) -> None:
        decoder = Decoder(message_timeout_s=self._message_timeout_s, niceness=self._niceness)
        try:
            threading.Thread(target=self._work, args=(decoder,), name="decoder", daemon=True).start()
        except RuntimeError as error:  # The machine has no thread left. Another one of the pool does the job.
            if not self._decoders:
                raise BusyError("This machine cannot start more threads: try again in a moment.") from error
        else:
            self._decoders.add(decoder)

    def _work(self, decoder: Decoder) -> None:
        """Do jobs until none came for some time; the work of a thread."""
        try:
            while (job := self._next_job(decoder)) is not None:
                try:
                    job.result.set_result(job.work(decoder))
                except BaseException as error:
                    job.result.set_exception(error)
                finally:
                    with self._changed:
                        self._running[job.kind] -= 1
                        del self._jobs[job.key]
                        self._changed.notify_all()
                job = None  # A finished job must not keep its result in memory.
        finally:
            decoder.close()

    def _next_job(self, decoder: Decoder) -> _Job | None:
        """Wait for a job and return the most urgent one that may run; None if the thread must end."""
        with self._changed:
            while True:
                allowed = [job for job in self._queue if self._running[job.kind] < job.kind.max_running]
                if allowed:
                    job = min(allowed, key=lambda job: job.kind.urgency)
                    self._queue.remove(job)
                    self._running[job.kind] += 1
                    return job
                self._n_idle += 1
                is_notified = not self._is_closed and self._changed.wait(self._idle_s)
                self._n_idle -= 1
                # A job may have come just when the wait ended: nobody else would do it.
                if self._is_closed or not (is_notified or self._queue):
                    self._decoders.discard(decoder)
                    return None
