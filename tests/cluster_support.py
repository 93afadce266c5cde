"""What tests have Dask's workers do beside their work; workers import it by this name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from distributed import Client, Worker
from distributed.diagnostics.plugin import WorkerPlugin

from explorer.config import ROOT


class Poison(WorkerPlugin):
    """Kills each worker that begins a batch with a file whose name begins so, and notes every batch.

    Or it makes workers blind to what is called so, as one is that has no share mounted.
    """

    name = "poison"

    def __init__(
        self, log: str, *, begins: bytes = b"poison", seconds: float = 0.0, blind_to: str = ""
    ) -> None:
        self.log = log
        self.begins = begins
        self.seconds = seconds
        self.blind_to = blind_to

    def setup(self, worker: Worker) -> None:
        """Stand in the way of embedding."""
        from explorer.indexing.cluster import work

        embed = getattr(work, "_embed_unpoisoned", work._embed)
        work._embed_unpoisoned = embed

        def poisoned(engine, kit, root, files, stop):
            with open(self.log, "a") as log:  # noqa: PTH123 - of another process
                log.write(f"{os.getpid()} {' '.join(file.text for file in files)}\n")
            if any(file.path.startswith(self.begins) for file in files):
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(self.seconds)
            return embed(engine, kit, root, files, stop)

        work._embed = poisoned
        if self.blind_to:
            seen = work._seen_unpoisoned = getattr(work, "_seen_unpoisoned", work.is_there)
            work.is_there = lambda path: not str(path).endswith(self.blind_to) and seen(path)

    def teardown(self, worker: Worker) -> None:
        """Let everything be as it was."""
        from explorer.indexing.cluster import work

        work._embed = work._embed_unpoisoned
        work.is_there = getattr(work, "_seen_unpoisoned", work.is_there)


@contextmanager
def poisoned(address: str, **options: object):
    """Have all workers, also those that come later, carry the poison."""
    with Client(address, set_as_default=False) as client:
        client.register_plugin(Poison(**options))
        try:
            yield client
        finally:
            client.unregister_worker_plugin(Poison.name)


@contextmanager
def started(module: str, *arguments: str):
    """Start a scheduler or worker as a user does, in the program's folder."""
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **quiet) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
