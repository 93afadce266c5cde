"""The connection to a Dask cluster, and what the indexer asks of it: files in, outcomes out."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import platform
import queue
import threading
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from explorer.embedding.weights import Weights
from explorer.errors import ClusterError
from explorer.indexing.model import Model
from explorer.indexing.outcomes import Outcome
from explorer.library.database import Database
from explorer.library.records import ScannedFile
from explorer.library.remote import REQUIREMENTS, RemotePath, is_there
from explorer.progress import Reporter

CONNECTING_S = 10.0
PATIENCE_S = 60.0
_CLOSING_S = 10.0
_WAITING_S = 0.2
_ALIKE = ("python", "dask", "distributed")
"""What must be the same everywhere: Dask's parts speak no other version's language."""


class Cluster:
    """A Dask cluster, reached by its scheduler; use it in a `with`.

    Parameters
    ----------
    address : str
        Of the scheduler, as `tcp://host:8786`.
    patience_s : float
        How long it may have no worker.

    Raises
    ------
    ClusterError
        If `distributed` is not installed, nobody answers, or the scheduler has other versions.
    """

    def __init__(self, address: str, *, patience_s: float | None = None) -> None:
        if find_spec("distributed") is None:
            raise ClusterError(
                "--scheduler needs the package 'distributed', which is not installed: run "
                f"`pip install -r {REQUIREMENTS}`."
            )
        self._address = address
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster", daemon=True)

    def __enter__(self) -> Self:
        # Whatever happens is told by a sentence.
        for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread.start()
        try:
            self._client = self._do(self._connect())
            self._do(self._check())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        with suppress(Exception):
            self._do(self._close())
        self._end()

    def _do(self, work: Coroutine) -> object:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSING_S)

    async def _connect(self) -> object:
        from distributed import Client

        client = None
        try:
            client = Client(self._address, asynchronous=True, timeout=CONNECTING_S, set_as_default=False)
            return await client
        except (OSError, ValueError, TypeError) as error:
            if client is not None:
                await client.close()
            raise ClusterError(
                f"No Dask scheduler answers at {self._address}: start one by `dask scheduler`, or correct "
                "--scheduler."
            ) from error

    async def _close(self) -> None:
        await asyncio.wait_for(self._client.close(), _CLOSING_S)

    async def _check(self) -> None:
        """Refuse a scheduler that cannot work with us."""
        found = await self._client.get_versions()
        ours, theirs = _versions(found["client"]), _versions(found["scheduler"])
        for name in _ALIKE:
            if ours[name] != theirs[name]:
                raise ClusterError(
                    f"The scheduler at {self._address} has {name} {theirs[name]} and this machine "
                    f"{ours[name]}: install the same Python and {REQUIREMENTS} on both."
                )
        try:
            await self._client.run_on_scheduler(import_module, "explorer.indexing.cluster.kit")
        except ImportError as error:
            raise ClusterError(
                f"The scheduler at {self._address} does not know this program ({error}): start it, and the "
                "workers, in this program's folder by `python -m distributed.cli.dask_scheduler`."
            ) from error

    def embed(
        self,
        files: list[ScannedFile],
        *,
        root: Path | RemotePath,
        database: Database,
        model: Model,
        weights: Weights,
        engine: str,
        stop: threading.Event,
        reporter: Reporter,
    ) -> Iterator[list[Outcome]]:
        """Have files embedded, and yield what becomes of them, a batch at a time.

        A file is gone through by one worker at a time. Those of a worker that dies are given to others; one
        that takes two workers down fails.

        Parameters
        ----------
        root : Path or RemotePath
            What the files' paths are relative to; workers see it under the same name.
        database : Database
            Whose songs are known; nothing is written.
        model : Model
            The library's own, its precision settled.
        engine : str
            One of `engines.ENGINES`.
        stop : threading.Event
            Once it is set no other file is begun, and those in hand are finished.

        Raises
        ------
        ClusterError
            If the cluster is lost, or none of its workers can do the work. What was yielded is whole.
        """
        from explorer.indexing.cluster.handing_out import HandingOut

        kit = make_kit(root, database=database, model=model, weights=weights, engine=engine)
        run = HandingOut(
            self._client,
            kit,
            files,
            address=self._address,
            sees=lambda file: is_there(root / file.native),
            patience_s=self._patience_s,
        )
        going = asyncio.run_coroutine_threadsafe(run.go(), self._loop)
        told = False
        try:
            while True:
                if stop.is_set() and not told:
                    self._loop.call_soon_threadsafe(run.finish)
                    told = True
                batches, said, is_over = _so_far(run.news)
                for sentence in said:
                    reporter.say(sentence)
                if batches:
                    yield [outcome for batch in batches for outcome in batch]
                    self._loop.call_soon_threadsafe(run.stored, len(batches))
                if is_over:
                    break
            going.result()
        finally:
            going.cancel()


def _so_far(news: queue.SimpleQueue) -> tuple[list[list[Outcome]], list[str], bool]:
    """Wait a moment for news, and take all that there are: what came meanwhile waits for the disk but once.

    Returns
    -------
    batches : list of list of Outcome
    said : list of str
        Sentences for the user.
    is_over : bool
    """
    batches, said = [], []
    with suppress(queue.Empty):
        one = news.get(timeout=_WAITING_S)
        while one is not None:
            (said if isinstance(one, str) else batches).append(one)
            one = news.get_nowait()
        return batches, said, True
    return batches, said, False


def _versions(found: dict) -> dict[str, str]:
    python = ".".join(found["packages"]["python"].split(".")[:2])
    return {**found["packages"], "python": python}


def make_kit(
    root: Path | RemotePath, *, database: Database, model: Model, weights: Weights, engine: str
) -> object:
    """Put together what workers need: see `kit.Kit`."""
    from explorer.indexing.cluster.kit import Kit, Recipe, program_digest
    from explorer.indexing.cluster.sounds import KnownSounds
    from explorer.indexing.cluster.work import pack_weights

    recipe = Recipe(
        program_digest(),
        engine,
        model.precision,
        model.hop_s,
        model.pooling,
        pack_weights(weights),
        database.network() if model.precision == "int8" else None,
    )
    library = hashlib.sha256(f"{platform.node()} {database.path.absolute()}".encode()).hexdigest()[:16]
    return Kit(
        name=f"music-explorer-{library}",
        run=uuid.uuid4().hex,
        root=str(root),
        recipe=recipe,
        sounds=KnownSounds.pack(database.known_sounds()),
    )
