"""What the coordinator of a cluster can keep busy: simulated workers, the real coordinator, a real songs.db.

    .venv/bin/python benchmarks/cluster.py [--folder CLIPS] [--seconds-per-song S] [--workers 1 2 4 ... 64]
        [--songs-per-worker 40]

A scheduler and the workers run in two processes of their own. The workers are Dask's, and embedding is
replaced by sleeping for as long as a song takes: what the real engine takes for a song of CLIPS on this
machine, or S. What they answer is of real size, and the coordinator stores it as it stores everything. The
last line is without sleeping: the coordinator's own limit. All share this machine's cores, so that a machine
of its own does better.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from explorer.config import Settings  # noqa: E402
from explorer.embedding.weights import untrained_weights  # noqa: E402
from explorer.indexing.cluster.coordinator import connected, make_kit  # noqa: E402
from explorer.indexing.cluster.kit import Answer, Kit  # noqa: E402
from explorer.indexing.indexer import index_folder  # noqa: E402
from explorer.indexing.model import Model, ModelRequest  # noqa: E402
from explorer.indexing.outcomes import Embedded  # noqa: E402
from explorer.indexing.storing import Storer  # noqa: E402
from explorer.indexing.summary import Summary  # noqa: E402
from explorer.library.database import Database  # noqa: E402
from explorer.library.records import ScannedFile, Song, Tags  # noqa: E402
from explorer.progress import Reporter  # noqa: E402

HOP_S = 0.5
LIMIT_WORKERS, LIMIT_SONGS = 16, 20_000
MEASURED_SONGS = 8


class Quiet(Reporter):
    """Says nothing: the table is all."""

    def say(self, text: str) -> None:
        """Say nothing."""


def measure_song(folder: Path) -> float:
    """Return how long the real engine takes for a song, decoding and all, once it is warm."""
    request = ModelRequest(Settings().models, "untrained", HOP_S, "float32")
    seconds = []
    with tempfile.TemporaryDirectory() as name, Database.open(Path(name) / "songs.db") as database:
        for limit in (1, MEASURED_SONGS):
            summary = index_folder(database, folder, request=request, reporter=Quiet(), limit=limit)
            seconds.append(summary.seconds / max(1, summary.indexed))
    return seconds[-1]


def made_up(file: ScannedFile) -> Embedded:
    """Return a song of real size."""
    rng = np.random.default_rng(file.modified_ns)
    title = f"A song of several words, number {file.modified_ns}"
    tags = Tags(title, (f"Artist {file.modified_ns % 997}",), "An album of ten", ("Rock",), "1999")
    marks = [rng.bytes(16).hex() for _ in range(2)]
    song = Song(file, tags, marks[0], "mp3/mp3", 215.4, 61.5, marks[1])
    return Embedded(song, rng.normal(size=512))


def simulate_workers(address: str, count: int, seconds_per_song: float) -> None:
    """Run workers that sleep, until the scheduler is gone: the main function of their process."""
    from distributed import Worker

    from explorer.indexing.cluster import work

    def sleep(kit: Kit, files: list[ScannedFile]) -> Answer:
        kit.stop.wait(seconds_per_song * len(files))
        return Answer([made_up(file) for file in files])

    work.embed_files = sleep
    work.check_fitness = lambda _kit: None

    async def run() -> None:
        workers = [Worker(address, nthreads=1, memory_limit=0, dashboard=False) for _ in range(count)]
        await asyncio.gather(*workers)
        await asyncio.gather(*(worker.finished() for worker in workers))

    asyncio.run(run())


@contextmanager
def cluster(workers: int, seconds_per_song: float) -> Iterator[str]:
    """Start a scheduler and its workers, each in a process; yield the scheduler's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--no-show"]
    scheduler += ["--host", "127.0.0.1", "--port", str(port)]
    simulated = [sys.executable, str(Path(__file__).resolve()), "--simulate", address, str(workers)]
    simulated += ["--seconds-per-song", str(seconds_per_song)]
    with subprocess.Popen(scheduler, **quiet) as one:
        wait_for_port(port)
        with subprocess.Popen(simulated, **quiet) as other:
            try:
                yield address
            finally:
                other.kill()
                one.kill()


def wait_for_port(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(600):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("The scheduler did not start.")


def wait_for_workers(address: str, count: int) -> None:
    """Wait until all workers have come."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=120)


def time_run(workers: int, songs: int, seconds_per_song: float) -> tuple[float, float]:
    """Return the seconds for embedding and storing so many songs, and this process's seconds of computing."""
    files = [
        ScannedFile(b"artist %03d/album %02d/%07d a song.mp3" % (i % 997, i % 10, i), 5_000_000, i)
        for i in range(songs)
    ]
    weights = untrained_weights()
    model = Model(weights.name, weights.sha256, trained=False, hop_s=HOP_S, precision="float32")
    with (
        cluster(workers, seconds_per_song) as address,
        tempfile.TemporaryDirectory() as name,
        Database.open(Path(name) / "songs.db") as database,
    ):
        wait_for_workers(address, workers)
        root = Path(name)
        root_id, _ = database.settle_root(root)
        summary = Summary()
        storer = Storer(
            database, root, root_id, summary, genres=lambda _, tags: tags.genres, previews=None, log=None
        )
        with connected(address) as dispatcher:
            began, computed = time.perf_counter(), time.process_time()
            kit = make_kit(root, database=database, model=model, weights=weights, engine="openvino")
            for some in dispatcher(kit, files, Quiet()).outcomes(threading.Event()):
                storer.store_together(some)
            seconds = time.perf_counter() - began
        if database.count_vectors() != songs:
            sys.exit(f"{songs - database.count_vectors()} songs are missing.")
        return seconds, time.process_time() - computed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("audio"))
    parser.add_argument("--seconds-per-song", type=float)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--songs-per-worker", type=int, default=40)
    parser.add_argument("--simulate", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.simulate:
        address, count = arguments.simulate
        simulate_workers(address, int(count), arguments.seconds_per_song)
        return
    seconds = arguments.seconds_per_song
    if seconds is None:
        seconds = measure_song(arguments.folder)
        print(f"the real engine takes {seconds:.2f} s for a song of {arguments.folder}")
    print(f"{os.cpu_count()} cores for everything, {seconds:.2f} s a song\n")
    print("workers   songs   songs/s   of the ideal   coordinator's share of a core")
    for workers in arguments.workers:
        songs = workers * arguments.songs_per_worker
        taken, computed = time_run(workers, songs, seconds)
        ideal = songs / (workers / seconds)
        print(f"{workers:7} {songs:7} {songs / taken:9.1f} {ideal / taken:14.0%} {computed / taken:31.0%}")
    taken, computed = time_run(LIMIT_WORKERS, LIMIT_SONGS, 0.0)
    print(f"\nthe coordinator's own limit: {LIMIT_SONGS / taken:.0f} songs/s, {LIMIT_SONGS:,} songs at once")
    print(f"{1000 * computed / LIMIT_SONGS:.2f} ms of computing a song, coordinator alone")


if __name__ == "__main__":
    main()
