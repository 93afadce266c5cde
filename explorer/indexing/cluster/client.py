"""Connects to a Dask cluster, and puts together what its workers need.

Dask is imported only where somebody uses a cluster: it need not be installed.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.database.database import Database
from explorer.embedding.model_weights import Weights
from explorer.errors import ClusterError
from explorer.indexing.model import Model
from explorer.library.remote import REQUIREMENTS, RemotePath

if TYPE_CHECKING:
    from distributed import Client

    from explorer.indexing.cluster.dispatcher import Dispatcher
    from explorer.indexing.cluster.worker_plugin import Kit

CONNECTING_S = 10.0
_CLOSING_S = 10.0
_SAME_EVERYWHERE = ("python", "dask", "distributed")
"""Packages whose versions must be equal: Dask's parts understand no other version's messages."""


@contextmanager
def connected(address: str) -> Iterator[Callable[..., Dispatcher]]:
    """Connect to the scheduler of a Dask cluster.

    Yields what makes a run's `Dispatcher` of a kit, files and a reporter.

    Parameters
    ----------
    address : str
        As `tcp://host:8786`.

    Raises
    ------
    ClusterError
        If `distributed` is not installed, nobody answers, or the scheduler has other versions.
    """
    if find_spec("distributed") is None:
        raise ClusterError(
            "--scheduler needs the package 'distributed', which is not installed: run "
            f"`pip install -r {REQUIREMENTS}`."
        )
    from distributed import Client

    from explorer.indexing.cluster.dispatcher import Dispatcher

    # The user gets one sentence about each problem, and not Dask's log beside it.
    for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECTING_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {address}: start one by `dask scheduler`, or correct --scheduler."
        ) from error
    try:
        _check(client, address)
        yield partial(Dispatcher, client, address)
    finally:
        with suppress(Exception):
            client.close(timeout=_CLOSING_S)


def _check(client: Client, address: str) -> None:
    """Refuse a scheduler with other versions than ours, or without this program."""
    found = client.get_versions()
    ours, theirs = _versions(found["client"]), _versions(found["scheduler"])
    for name in _SAME_EVERYWHERE:
        if ours[name] != theirs[name]:
            raise ClusterError(
                f"The scheduler at {address} has {name} {theirs[name]} and this machine {ours[name]}: "
                f"install the same Python and {REQUIREMENTS} on both."
            )
    try:
        client.run_on_scheduler(import_module, "explorer.indexing.cluster.worker_plugin")
    except ImportError as error:
        raise ClusterError(
            f"The scheduler at {address} does not know this program ({error}): start it, and the workers, "
            "in this program's folder by `python -m distributed.cli.dask_scheduler`."
        ) from error


def _versions(found: dict) -> dict[str, str]:
    python = ".".join(found["packages"]["python"].split(".")[:2])
    return {**found["packages"], "python": python}


def make_kit(
    root: Path | RemotePath, *, database: Database, model: Model, weights: Weights, engine: str
) -> Kit:
    """Put together what each worker needs.

    Parameters
    ----------
    root : Path or RemotePath
        Workers see it under the same name.
    model : Model
        The library's own, its precision settled.
    engine : str
        One of `engines.ENGINES`.
    """
    from explorer.indexing.cluster.fingerprint_set import pack
    from explorer.indexing.cluster.worker_plugin import Kit, program_digest

    library = f"{platform.node()} {database.path.absolute()}"
    kit = Kit(
        library=hashlib.sha256(library.encode()).hexdigest(),
        run=uuid.uuid4().hex,
        root=str(root),
        program=program_digest(),
        engine=engine,
        model=model,
        # Another system may not know this one's kind of path.
        weights=replace(weights, path=None),
        network=database.network() if model.precision == "int8" else None,
        sounds=pack(database.known_sounds()),
    )
    return replace(kit, checksum=kit.content_digest())
