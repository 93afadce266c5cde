"""The functions that an index run calls on the workers of a Dask cluster.

The scheduler imports this module too, and may lack the engines. So each function imports `worker`, which
embeds, only when it runs on a worker.
"""

from __future__ import annotations

import asyncio
import threading

from explorer.errors import ClusterError
from explorer.indexing.cluster.messages import BatchResult, WorkerSetup
from explorer.library.music_file import ScannedFile

CHECK_TIMEOUT_S = 60.0
"""How long a worker may take to check its setup: a network drive that hangs would block it for ever."""


def embed_batch(library: str, run: str, files: list[ScannedFile]) -> BatchResult | None:
    """Embed a batch of files: the only task that is submitted.

    Returns
    -------
    BatchResult or None
        None if this worker has no setup for the run: the worker was restarted under the same address.

    Raises
    ------
    ClusterError
        If this worker cannot do the work. The message continues a sentence that begins with its name.
    """
    from explorer.indexing.cluster.worker import embed_files, setups

    setup = setups.get(library)
    return embed_files(setup, files) if setup and setup.run == run else None


async def receive_setup(setup: WorkerSetup) -> None:
    """Check a setup on a worker and keep it; it replaces the setup of an earlier run.

    Raises
    ------
    ClusterError
        If this worker cannot do the work. The message continues a sentence that begins with its name.
    """
    from explorer.indexing.cluster.worker import check_setup, setups

    try:
        await asyncio.wait_for(asyncio.to_thread(check_setup, setup), CHECK_TIMEOUT_S)
    except TimeoutError as error:
        raise ClusterError(f"gets no answer from {setup.root}: check that folder there.") from error
    previous = setups.get(setup.library)
    if previous is None or previous.run != setup.run:
        setup.stop = threading.Event()
        setups[setup.library] = setup
        if previous:
            # The program that ran it was killed.
            previous.stop.set()


def drop_setup(library: str, run: str) -> None:
    """Delete a run's setup on a worker. A batch that the worker has begun ends after the present file."""
    from explorer.indexing.cluster.worker import setups

    if (setup := setups.get(library)) and setup.run == run:
        setup.stop.set()
        del setups[library]
