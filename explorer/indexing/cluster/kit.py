"""What workers are given once a run, and the one task that they do: a batch of files.

The scheduler loads this module too, so that it imports little; what embeds is imported where it runs.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Worker, get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from explorer.errors import ClusterError
from explorer.indexing.cluster.sounds import KnownSounds
from explorer.indexing.outcomes import Outcome
from explorer.library.records import ScannedFile


@dataclass(frozen=True)
class PackedWeights:
    """Weights on their way.

    Attributes
    ----------
    sha256 : str
        As `Weights.sha256`.
    file_name : str
        Of the file that they were read from; empty for untrained ones, which are made anew.
    content : bytes
        The file, as it is.
    """

    sha256: str
    file_name: str = ""
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Recipe:
    """What two workers must have in common to make the same vectors.

    Attributes
    ----------
    program : str
        As `program_digest` gives it.
    engine : str
        One of `engines.ENGINES`.
    network : bytes or None
        For int8: what was quantised on the library's songs.
    """

    program: str
    engine: str
    precision: str
    hop_s: float
    pooling: str
    weights: PackedWeights
    network: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """What became of a batch.

    Attributes
    ----------
    outcomes : list of Outcome
        Of the files that were done: all of them, unless the run is being ended.
    unseen : list of ScannedFile
        Files that are not there as this worker sees the folder.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    unseen: list[ScannedFile] = field(default_factory=list)


class Kit(WorkerPlugin):
    """Everything that a worker needs beside the files, sent to each once, when it is greeted.

    Dask could hand plugins to workers that come later by itself. But one that cannot load it, for want of
    this program, would end at once and be started again for ever.

    Parameters
    ----------
    name : str
        The library's among those of other libraries on the same cluster.
    run : str
        This run's among the library's.
    root : str
        The folder or URL that the files' paths are relative to.
    sounds : bytes
        The library's fingerprints, as `KnownSounds.pack` gives them.
    """

    def __init__(self, *, name: str, run: str, root: str, recipe: Recipe, sounds: bytes) -> None:
        self.name = name
        self.run = run
        self.root = root
        self.recipe = recipe
        self.sounds = sounds

    def setup(self, worker: Worker) -> None:
        """Get ready on a worker: nothing that takes time, because its loop waits for it."""
        self.known = KnownSounds(self.sounds)
        self._stops: dict[str, threading.Event] = {}
        self._finishing = False

    def begin(self, key: str) -> threading.Event:
        """Take note of a batch, and return what is set when no other file of it is to be begun."""
        stop = self._stops[key] = threading.Event()
        if self._finishing:
            stop.set()
        return stop

    def end(self, key: str) -> None:
        """Forget a batch."""
        self._stops.pop(key, None)

    def finish(self) -> None:
        """Let no batch begin another file."""
        self._finishing = True
        for stop in list(self._stops.values()):
            stop.set()

    def transition(self, key: str, start: str, finish: str, **_: object) -> None:
        """Stop a batch that nobody waits for any more."""
        stop = self._stops.get(key)
        if stop and finish in ("cancelled", "released", "forgotten"):
            stop.set()

    def teardown(self, worker: Worker) -> None:
        """Make way for the next run."""
        self.finish()


def embed_batch(name: str, run: str, files: list[ScannedFile]) -> Answer:
    """Embed a batch of files: what runs as a task.

    Raises
    ------
    ClusterError
        If this worker cannot do the work: the rest of a sentence that begins with its name.
    """
    from explorer.indexing.cluster.work import embed_files

    kit = _kit(get_worker(), name, run)
    key = get_worker().get_current_task()
    stop = kit.begin(key)
    try:
        return embed_files(kit, files, stop)
    finally:
        kit.end(key)


async def receive_kit(kit: Kit, dask_worker: Worker) -> None:
    """Take a kit on a worker, unless that cannot do the work.

    Raises
    ------
    ClusterError
        If it cannot: the rest of a sentence that begins with its name.
    """
    from explorer.indexing.cluster.work import check_fitness

    await asyncio.to_thread(check_fitness, kit)
    await dask_worker.plugin_add(kit, name=kit.name)


async def drop_kit(name: str, run: str, dask_worker: Worker) -> None:
    """Forget a kit on a worker."""
    _kit(dask_worker, name, run)
    await dask_worker.plugin_remove(name)


def finish_batches(name: str, run: str, dask_worker: Worker) -> None:
    """End a run on a worker after the files in hand."""
    _kit(dask_worker, name, run).finish()


def _kit(worker: Worker, name: str, run: str) -> Kit:
    kit = worker.plugins.get(name)
    if kit is None or kit.run != run:
        raise ClusterError(
            "has got nothing to embed with, or another run's: is a second run of this library going on?"
        )
    return kit


def program_digest() -> str:
    """Return the SHA-256 of the code that makes vectors out of files."""
    import hashlib

    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[2]
    for folder in ("audio", "embedding"):
        for path in sorted((package / folder).glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
