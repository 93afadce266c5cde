"""Connects to a Dask cluster, and embeds an index run's files on its workers.

Dask need not be installed: it is imported only if a cluster is used.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.database.database import Database
from explorer.embedding.model_weights import Weights
from explorer.embedding.song_windows import WindowCoder
from explorer.errors import ClusterError
from explorer.indexing.cluster.fingerprint_set import pack
from explorer.indexing.cluster.messages import WorkerSetup, program_digest
from explorer.indexing.index_run import IndexRun
from explorer.indexing.model import Model
from explorer.indexing.outcomes import Outcome
from explorer.library.music_file import ScannedFile
from explorer.library.remote import REQUIREMENTS, RemotePath

if TYPE_CHECKING:
    from distributed import Client

CONNECT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 10.0
_SAME_VERSIONS = ("python", "dask", "distributed")
"""Packages that must have the same version everywhere: Dask cannot read messages of other versions."""


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to the scheduler of a Dask cluster; yield the Dask client.

    Parameters
    ----------
    address : str
        Such as `tcp://host:8786`.

    Raises
    ------
    ClusterError
        If `distributed` is not installed, the scheduler does not answer, or its versions differ.
    """
    if find_spec("distributed") is None:
        raise ClusterError(
            "--scheduler needs the package 'distributed', which is not installed: run "
            f"`pip install -r {REQUIREMENTS}`."
        )
    from distributed import Client

    # This program reports each problem to the user in one sentence; Dask's own log would repeat it.
    for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {address}: start one by `dask scheduler`, or correct --scheduler."
        ) from error
    try:
        _check_scheduler(client, address)
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=CLOSE_TIMEOUT_S)


def _check_scheduler(client: Client, address: str) -> None:
    """Raise if the scheduler's versions differ from this machine's, or if it cannot import this program."""
    versions = client.get_versions()
    ours, theirs = _versions(versions["client"]), _versions(versions["scheduler"])
    for name in _SAME_VERSIONS:
        if ours[name] != theirs[name]:
            raise ClusterError(
                f"The scheduler at {address} has {name} {theirs[name]} and this machine {ours[name]}: "
                f"install the same Python and {REQUIREMENTS} on both."
            )
    try:
        client.run_on_scheduler(import_module, "explorer.indexing.cluster.worker_plugin")
    except ImportError as error:
        raise ClusterError(
            f"The scheduler at {address} cannot import this program ({error}): start it, and the workers, "
            "in this program's folder by `python -m distributed.cli.dask_scheduler`."
        ) from error


def _versions(host: dict) -> dict[str, str]:
    python = ".".join(host["packages"]["python"].split(".")[:2])
    return {**host["packages"], "python": python}


def embed_on_cluster(
    client: Client, run: IndexRun, stop: threading.Event, *, files: list[ScannedFile], known: set[str]
) -> Iterator[list[Outcome]]:
    """Embed files of a run on the workers of a cluster; yield the outcomes in lists.

    Parameters
    ----------
    known : set of str
        As for `embed_locally`.
    stop : threading.Event
        After it is set, the workers finish the files that they have begun, and begin no others.

    Raises
    ------
    ClusterError
        If the connection to the cluster is lost, or none of its workers can do the work.
    """
    from explorer.indexing.cluster.dispatcher import Dispatcher

    setup = make_setup(
        run.root,
        database=run.database,
        model=run.model,
        weights=run.weights,
        engine=run.request.engine,
        video=run.scan_options.video,
        known=known,
        keeps_windows=run.window_keeper is not None,
    )
    coder = run.window_keeper.coder if run.window_keeper else WindowCoder()
    return Dispatcher(client, run.scheduler, setup, files, run.reporter, coder=coder).outcomes(stop)


def make_setup(
    root: Path | RemotePath,
    *,
    database: Database,
    model: Model,
    weights: Weights,
    engine: str,
    video: bool = True,
    known: set[str] | None = None,
    keeps_windows: bool = False,
) -> WorkerSetup:
    """Collect everything that a worker needs, except the files.

    Parameters
    ----------
    root : Path or RemotePath
        Workers must see this folder under the same path.
    model : Model
        The library's own model, with its chosen precision.
    engine : str
        One of `engines.ENGINES`.
    video : bool
        Whether files may hold moving pictures.
    known : set of str, optional
        Fingerprints of the files that are not embedded; by default those of all songs of the library.
    keeps_windows : bool
        Whether the workers send the songs' windows too.
    """
    library = f"{platform.node()} {database.path.absolute()}"
    setup = WorkerSetup(
        library=hashlib.sha256(library.encode()).hexdigest(),
        run=uuid.uuid4().hex,
        root=str(root),
        program=program_digest(),
        engine=engine,
        model=model,
        # A pickled Path cannot be read on another operating system.
        weights=replace(weights, path=None),
        network=database.network() if model.precision == "int8" else None,
        known=pack(database.known_sounds() if known is None else known),
        video=video,
        keeps_windows=keeps_windows,
    )
    return replace(setup, checksum=setup.content_digest())
