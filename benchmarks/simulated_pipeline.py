"""Simulates an index run on any number of cores: decoding threads, a bounded queue, and the network.

A task is a generator that yields what it needs next: seconds of one core, seconds of one core with Python's
global lock (GIL), or seconds of all cores. Tasks that can run share the cores equally, as the scheduler of an
operating system does. So nothing here sleeps, and a run of hours takes a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from explorer.indexing.decode_ahead import QUEUED_WINDOWS, WINDOWS_PER_STEP

CORE, GIL, NETWORK, WAIT = "core", "GIL", "network", "wait"
_EPSILON_S = 1e-12

Task = Generator[tuple[str, float], None, None]


@dataclass(frozen=True)
class SongCost:
    """What a song costs, in seconds of one core.

    Attributes
    ----------
    windows : int
        Windows that the network embeds.
    before_s : float
        The decoder process, before the first sample: fingerprints and tags.
    decoder_s : float
        The decoder process, for all samples: decoding and resampling.
    thread_s : float
        The decoding thread: receiving samples, windows, log-mels.
    gil_s : float
        The part of `thread_s` during which the thread holds the GIL.
    """

    windows: int
    before_s: float
    decoder_s: float
    thread_s: float
    gil_s: float


@dataclass(frozen=True)
class Machine:
    """The computer, and the network's speed on it.

    Attributes
    ----------
    cores : int
    network_s : float
        Seconds of one core that the network computes for a window.
    check_s : float
        Seconds of one core for a window that pass before the network starts: its input is checked.
    python_s : float
        Seconds of one core with the GIL for a window, beside the network: Python starts its requests.
    batch_size : int
        Windows that the network takes at once.
    network_cores : int or None
        Let the network have so many cores for itself, beside `cores`; None lets it share `cores`.
    """

    cores: int
    network_s: float
    check_s: float
    python_s: float
    batch_size: int
    network_cores: int | None = None


@dataclass
class Outcome:
    """What a run did, from the first batch on.

    Attributes
    ----------
    seconds : float
    idle_s : float
        How long the network waited: for a batch, or for Python, which starts its requests.
    """

    seconds: float = 0.0
    idle_s: float = 0.0

    @property
    def idle(self) -> float:
        """The share of time for which the network waited."""
        return self.idle_s / self.seconds if self.seconds else 0.0


@dataclass
class _Queue:
    """The packer and the queue of `DecodeAhead`: a thread that waits for room lets no other thread pack."""

    batch_size: int
    packed: int = 0
    batches: deque[int] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.length = max(2, QUEUED_WINDOWS // self.batch_size)

    def is_blocked(self) -> bool:
        return self.packed >= self.batch_size and len(self.batches) >= self.length

    def add(self, windows: int) -> None:
        self.packed += windows
        self.move()

    def move(self) -> None:
        while self.packed >= self.batch_size and len(self.batches) < self.length:
            self.packed -= self.batch_size
            self.batches.append(self.batch_size)


@dataclass
class _Requests:
    """The windows of the network's batch that Python has not passed to it yet."""

    windows: int = 0


def simulate(songs: Sequence[SongCost], machine: Machine, *, threads: int) -> Outcome:
    """Run the pipeline.

    Parameters
    ----------
    songs : sequence of SongCost
        The songs, in order.
    machine : Machine
    threads : int
        Decoding threads, each with its decoder process.
    """
    queue, remaining = _Queue(machine.batch_size), iter(songs)
    running = [_decode(remaining, queue) for _ in range(threads)]
    outcome, requests = Outcome(), _Requests()
    network = _embed(queue, machine, sum(song.windows for song in songs), requests, outcome)
    tasks = _Tasks([*running, _start_requests(requests, machine), network], machine)
    while not tasks.has_ended(-1):
        is_idle = tasks.is_waiting(-1)
        seconds = tasks.advance()
        if outcome.seconds:
            outcome.seconds += seconds
            outcome.idle_s += seconds if is_idle else 0.0
        if all(tasks.has_ended(number) for number in range(threads)) and queue.packed:
            queue.batches.append(queue.packed)
            queue.packed = 0
        tasks.wake()
    return outcome


def _decode(songs: Iterator[SongCost], queue: _Queue) -> Task:
    for song in songs:
        yield CORE, song.before_s
        done = 0
        while done < song.windows:
            step = min(WINDOWS_PER_STEP, song.windows - done)
            share = step / song.windows
            yield CORE, song.decoder_s * share + (song.thread_s - song.gil_s) * share
            yield GIL, song.gil_s * share
            while queue.is_blocked():
                yield WAIT, 0.0
            queue.add(step)
            while queue.is_blocked():
                yield WAIT, 0.0
            done += step


def _start_requests(requests: _Requests, machine: Machine) -> Task:
    while True:
        while not requests.windows:
            yield WAIT, 0.0
        step = min(WINDOWS_PER_STEP, requests.windows)
        yield GIL, machine.python_s * step
        requests.windows -= step


def _embed(queue: _Queue, machine: Machine, missing: int, requests: _Requests, outcome: Outcome) -> Task:
    while missing:
        while not queue.batches:
            yield WAIT, 0.0
        outcome.seconds = outcome.seconds or _EPSILON_S
        windows = queue.batches.popleft()
        queue.move()
        yield CORE, machine.check_s * windows
        requests.windows = windows
        yield NETWORK, machine.network_s * windows
        while requests.windows:
            yield WAIT, 0.0
        missing -= windows


class _Tasks:
    """The tasks, what each of them does now, and the seconds of work that are left of it."""

    def __init__(self, tasks: list[Task], machine: Machine) -> None:
        self._tasks, self._machine = tasks, machine
        self._now: list[tuple[str, float] | None] = [next(task, None) for task in tasks]
        self._gil: deque[int] = deque()
        """Who holds the GIL, and who waits for it, in order."""

    def has_ended(self, number: int) -> bool:
        return self._now[number] is None

    def is_waiting(self, number: int) -> bool:
        now = self._now[number]
        return now is not None and now[0] == WAIT

    def wake(self) -> None:
        """Let the tasks that wait for the queue look again, until none of them finds a change."""
        changed = True
        while changed:
            changed = False
            for number in range(len(self._tasks)):
                if self.is_waiting(number):
                    self._step(number)
                    changed = changed or not self.is_waiting(number)

    def advance(self) -> float:
        """Compute until the first task has done its work; return the seconds that passed."""
        rates = self._rates()
        seconds = min(self._now[number][1] / rate for number, rate in rates.items())
        for number, rate in rates.items():
            kind, left = self._now[number]
            left -= rate * seconds
            self._now[number] = kind, left
            if left <= _EPSILON_S:
                if kind == GIL:
                    self._gil.popleft()
                self._step(number)
        return seconds

    def _step(self, number: int) -> None:
        self._now[number] = now = next(self._tasks[number], None)
        if now and now[0] == GIL:
            self._gil.append(number)

    def _rates(self) -> dict[int, float]:
        """Return the seconds of work that each task that can run does in one second."""
        machine = self._machine
        weights = {}
        for number, now in enumerate(self._now):
            if now is None or now[0] == WAIT or (now[0] == GIL and self._gil[0] != number):
                continue
            shares = now[0] == NETWORK and machine.network_cores is None
            weights[number] = machine.cores if shares else 0 if now[0] == NETWORK else 1
        total = sum(weights.values())
        share = min(1.0, machine.cores / total) if total else 1.0
        return {
            number: weight * share if weight else float(machine.network_cores or 1)
            for number, weight in weights.items()
        }
