"""Measures how many workers one `index --scheduler` can supply with files. The workers are simulated.

    .venv/bin/python benchmarks/cluster.py [--workers 1 4 16 64] [--songs-per-worker 40]
        [--seconds-per-song 0.25] [--limit-songs 10000]

The scheduler, the workers and the real `index` command run in separate processes. The workers are Dask
workers. They do not decode and embed: they sleep, and return songs of realistic size. The ideal speed is that
of workers that sleep all the time and never wait for files. In the last row the workers do not sleep: it
shows how many songs `index` can store at most. All processes share the cores of this machine; with several
machines, `index` is faster.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from common import ROOT, Options, print_head, print_table, run

WORKERS_WITHOUT_SLEEP = 16


def fake_result(file) -> object:
    """Return a result that embedding a file could have: tags, two fingerprints, a vector."""
    from explorer.database.records import Song
    from explorer.indexing.outcomes import Embedded
    from explorer.library.music_file import Tags

    number = int(Path(file.native).stem)
    rng = np.random.default_rng(number)
    tags = Tags(f"A song of some words, number {number}", (f"Artist {number % 997}",), "An album", ("Rock",))
    song = Song(file, tags, rng.bytes(16).hex(), "mp3/mp3", 215.4, 61.5, rng.bytes(16).hex())
    return Embedded(song, rng.normal(size=512))


def simulate_workers(address: str, count: int, seconds_per_song: float) -> None:
    """Run workers that sleep, until the scheduler ends. This is the main function of their process."""
    from distributed import Worker

    from explorer.embedding import engines
    from explorer.indexing import local

    def sleep(_root, files, *, stop, **_options):
        stop.wait(seconds_per_song * len(files))
        return ([fake_result(file)] for file in files)

    # The worker module imports these two functions, so they are replaced before its import.
    local.embed_locally = sleep
    engines.open_engine = lambda *_arguments, **_options: None
    from explorer.indexing.cluster import worker

    # The worker module uses locks so that a process embeds one batch at a time. Here one process has many
    # workers, so the locks are removed.
    for name, value in list(vars(worker).items()):
        if isinstance(value, type(threading.Lock())):
            setattr(worker, name, nullcontext())

    async def serve() -> None:
        workers = [Worker(address, nthreads=1, memory_limit=0, dashboard=False) for _ in range(count)]
        await asyncio.gather(*workers)
        await asyncio.gather(*(worker.finished() for worker in workers))

    asyncio.run(serve())


@contextmanager
def cluster(workers: int, seconds_per_song: float) -> Iterator[str]:
    """Start a scheduler in one process and all workers in another; yield the scheduler's address."""
    from distributed import Client

    with socket.socket() as free_port:
        free_port.bind(("127.0.0.1", 0))
        port = free_port.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
    scheduler_command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--no-dashboard",
        "--no-show",
    ]
    worker_command = [sys.executable, str(Path(__file__).resolve()), "--simulate", address, str(workers)]
    with (
        subprocess.Popen(
            [*scheduler_command, "--host", "127.0.0.1", "--port", str(port)], **quiet
        ) as scheduler,
        subprocess.Popen(
            [*worker_command, "--seconds-per-song", str(seconds_per_song)], **quiet
        ) as simulated,
    ):
        try:
            with Client(address, set_as_default=False, timeout=120) as client:
                client.wait_for_workers(workers, timeout=120)
            yield address
        finally:
            simulated.kill()
            scheduler.kill()


def time_index(temporary: Path, workers: int, songs: int, seconds_per_song: float) -> float:
    """Return the seconds that `index` takes for `songs` songs, after one song for each worker."""
    folder = temporary / f"{workers}-{songs}"
    folder.mkdir()
    for number in range(workers + songs):
        (folder / f"{number:07d}.mp3").write_bytes(b"%d" % number)
    database = temporary / f"{workers}-{songs}.db"
    options = ["--weights", "untrained", "--precision", "float32", "--no-map", "--no-previews", "--json"]
    with cluster(workers, seconds_per_song) as address:
        command = ("index", folder, "--db", database, "--scheduler", address, *options)
        run(*command, "--limit", workers)
        result = run(*command).result
    if result["indexed"] != songs:
        sys.exit(f"{songs - result['indexed']} of {songs} songs are missing.")
    return result["seconds"]


def main() -> None:
    """Print the table."""
    options = Options(__doc__)
    options.add("--workers", type=int, nargs="+", default=[1, 4, 16, 64], smallest=[1])
    options.add("--songs-per-worker", type=int, default=40, smallest=4)
    options.add("--seconds-per-song", type=float, default=0.25, smallest=0.01)
    options.add(
        "--limit-songs", type=int, default=10_000, smallest=0, help="Songs in the row without sleeping."
    )
    options.add(
        "--simulate",
        nargs=2,
        metavar=("ADDRESS", "COUNT"),
        help="Run the workers; only the benchmark itself uses this.",
    )
    arguments = options.parse()
    sleep_s = arguments.seconds_per_song
    if arguments.simulate:
        return simulate_workers(arguments.simulate[0], int(arguments.simulate[1]), sleep_s)

    def rows():
        for workers in arguments.workers:
            songs = workers * arguments.songs_per_worker
            seconds = time_index(Path(folder), workers, songs, sleep_s)
            yield workers, songs, f"{songs / seconds:.1f}", f"{songs * sleep_s / workers / seconds:.0%}"
        if songs := arguments.limit_songs:
            seconds = time_index(Path(folder), WORKERS_WITHOUT_SLEEP, songs, 0.0)
            yield f"{WORKERS_WITHOUT_SLEEP}, not sleeping", songs, f"{songs / seconds:.0f}", ""

    print_head()
    with tempfile.TemporaryDirectory() as folder:
        print_table(("workers", "songs", "songs/s", "of the ideal"), rows())


if __name__ == "__main__":
    main()
