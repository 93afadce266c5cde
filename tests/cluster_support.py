"""Make Dask workers misbehave for tests. The workers import this module by its name."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from distributed import Client, Scheduler, Worker
from distributed.diagnostics.plugin import WorkerPlugin

from explorer.config import ROOT
from explorer.indexing.outcomes import Failed


class Poison(WorkerPlugin):
    """Notes in `log` each batch that a worker begins, and in `log`.kits each setup that it is sent.

    Parameters
    ----------
    log : str
        The file for one line per started batch. The file `log`.kits gets one line per received kit.
    begins : bytes
        Kill the worker when a batch contains a file whose name begins like this.
    seconds : float
        Wait before each batch.
    blind_to : str
        Hide paths that end like this from the worker, as if it had not mounted a network share.
    pretends : bool
        Do not embed: every file fails at once.
    """

    name = "poison"

    def __init__(
        self,
        log: str,
        *,
        begins: bytes = b"poison",
        seconds: float = 0.0,
        blind_to: str = "",
        pretends: bool = False,
    ) -> None:
        self.log = log
        self.begins = begins
        self.seconds = seconds
        self.blind_to = blind_to
        self.pretends = pretends

    def setup(self, worker: Worker) -> None:
        """Replace what embeds by what does this."""
        from explorer.indexing.cluster import worker

        self.originals = worker._embed, worker.check_setup, worker.file_exists
        embed, check, seen = self.originals

        def poisoned(setup, root, files, basis):
            note(self.log, " ".join(file.text for file in files))
            if any(file.path.startswith(self.begins) for file in files):
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(self.seconds)
            return (
                [Failed(file, "pretended") for file in files]
                if self.pretends
                else embed(setup, root, files, basis)
            )

        def noted(setup):
            note(f"{self.log}.kits", setup.run)
            check(setup)

        worker._embed, worker.check_setup = poisoned, noted
        if self.blind_to:
            worker.file_exists = lambda path: not str(path).endswith(self.blind_to) and seen(path)

    def teardown(self, worker: Worker) -> None:
        """Put back what was replaced."""
        from explorer.indexing.cluster import worker

        worker._embed, worker.check_setup, worker.file_exists = self.originals


def note(path: str, text: str) -> None:
    """Append a line to a file that several processes write."""
    with open(path, "a") as log:  # noqa: PTH123 - `path` is a string
        log.write(f"{os.getpid()} {text}\n")


def tasks_on(dask_scheduler: Scheduler) -> tuple[int, int]:
    """Return the number of a scheduler's tasks, and the size of the largest in bytes."""
    specs = [pickle.dumps(task.run_spec) for task in list(dask_scheduler.tasks.values())]
    return len(specs), max(map(len, specs), default=0)


@contextmanager
def poisoned(address: str, **options: object):
    """Install the plugin `Poison` on all workers, including those that connect later; yield a client."""
    with Client(address, set_as_default=False) as client:
        client.register_plugin(Poison(**options))
        try:
            yield client
        finally:
            client.unregister_worker_plugin(Poison.name)


@contextmanager
def started(module: str, *arguments: str):
    """Run a Dask scheduler or worker by its command line in the project's folder; yield the process."""
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
