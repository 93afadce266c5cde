"""The functions that an index run calls on the workers of a Dask cluster.

The scheduler imports this module too, and its environment may lack the engines. So each function imports
`worker`, which needs the engines, only when it runs on a worker.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from explorer.errors import ClusterError
from explorer.indexing.cluster.messages import BatchResult, WorkerSetup
from explorer.library.music_file import ScannedFile

if TYPE_CHECKING:
    from explorer.embedding.song_windows import WindowBasis

CHECK_TIMEOUT_S = 60.0
"""How long a worker may take to check its setup: a network drive that hangs would block it for ever."""


def embed_batch(
    library: str, run: str, files: list[ScannedFile], basis: WindowBasis | None = None
) -> BatchResult | None:
    """Embed a batch of files: the only task that is submitted.

    Parameters
    ----------
    basis : WindowBasis, optional
        The library's final basis of the windows, if it has one.

    Returns
    -------
    BatchResult or None
        None if this worker has no setup for the run: the worker was restarted under the same address.

    Raises
    ------
    ClusterError
        If this worker cannot do the work. The message is the end of a sentence: the caller puts
        `The worker ADDRESS` before it.
    """
    from explorer.indexing.cluster.worker import embed_files, setups

    setup = setups.get(library)
    return embed_files(setup, files, basis) if setup and setup.run == run else None


async def receive_setup(setup: WorkerSetup) -> None:
    """Check a setup on a worker and store it; it replaces the setup of an earlier run.

    Raises
    ------
    ClusterError
        If this worker cannot do the work. The message is the end of a sentence: the caller puts
        `The worker ADDRESS` before it.
    """
    from explorer.indexing.cluster.worker import check_setup, setups

    try:
        await asyncio.wait_for(asyncio.to_thread(check_setup, setup), CHECK_TIMEOUT_S)
    except TimeoutError as error:
        raise ClusterError(f"gets no answer from {setup.root}: check that folder on this worker.") from error
    previous = setups.get(setup.library)
    if previous is None or previous.run != setup.run:
        setup.stop = threading.Event()
        setups[setup.library] = setup
        if previous:
            # The earlier run did not drop its setup: its program was killed.
            previous.stop.set()


def drop_setup(library: str, run: str) -> None:
    """Delete a run's setup on a worker. A batch that the worker has begun ends after its current file."""
    from explorer.indexing.cluster.worker import setups

    if (setup := setups.get(library)) and setup.run == run:
        setup.stop.set()
        del setups[library]
