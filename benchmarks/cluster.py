"""How many workers of a cluster one coordinator can keep busy: `index --scheduler` with simulated workers.

    .venv/bin/python benchmarks/cluster.py [--workers 1 4 16 64] [--songs-per-worker 40]
        [--seconds-per-song 0.25] [--limit-songs 10000]

The scheduler, the workers and the real `index` run in processes of their own. The workers are Dask's; instead
of decoding and embedding they sleep, and answer with songs of real size. The last row is without sleeping:
what the coordinator can store at most. All share this machine's cores: several machines do better.
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

LIMIT_WORKERS = 16


def made_up(file) -> object:
    """Return what embedding a file might give: tags, two fingerprints, a vector."""
    from explorer.database.records import Song
    from explorer.indexing.outcomes import Embedded
    from explorer.library.music_file import Tags

    number = int(Path(file.native).stem)
    rng = np.random.default_rng(number)
    tags = Tags(f"A song of some words, number {number}", (f"Artist {number % 997}",), "An album", ("Rock",))
    song = Song(file, tags, rng.bytes(16).hex(), "mp3/mp3", 215.4, 61.5, rng.bytes(16).hex())
    return Embedded(song, rng.normal(size=512))


def simulate_workers(address: str, count: int, seconds_per_song: float) -> None:
    """Run workers that sleep, until the scheduler is gone: the main function of their process."""
    from distributed import Worker

    from explorer.embedding import engines
    from explorer.indexing import local

    def sleep(_root, files, *, stop, **_choices):
        stop.wait(seconds_per_song * len(files))
        return (made_up(file) for file in files)

    # Before the workers' own module is imported, which takes these two functions from here.
    local.embed_here = sleep
    engines.open_engine = lambda *_arguments, **_choices: None
    from explorer.indexing.cluster import worker

    # The batches of a process wait for one another; here a process is many workers.
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
    """Start a scheduler and its workers, each in a process; yield the scheduler's address."""
    from distributed import Client

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--no-show"]
    simulated = [sys.executable, str(Path(__file__).resolve()), "--simulate", address, str(workers)]
    with (
        subprocess.Popen([*scheduler, "--host", "127.0.0.1", "--port", str(port)], **quiet) as one,
        subprocess.Popen([*simulated, "--seconds-per-song", str(seconds_per_song)], **quiet) as other,
    ):
        try:
            with Client(address, set_as_default=False, timeout=120) as client:
                client.wait_for_workers(workers, timeout=120)
            yield address
        finally:
            other.kill()
            one.kill()


def time_index(place: Path, workers: int, songs: int, seconds_per_song: float) -> float:
    """Return the seconds that `index` takes with so many workers, once each of them has had a song."""
    folder = place / f"{workers}-{songs}"
    folder.mkdir()
    for number in range(workers + songs):
        (folder / f"{number:07d}.mp3").write_bytes(b"%d" % number)
    database = place / f"{workers}-{songs}.db"
    options = ["--weights", "untrained", "--precision", "float32", "--no-map", "--no-previews", "--json"]
    with cluster(workers, seconds_per_song) as address:
        command = ("index", folder, "--db", database, "--scheduler", address, *options)
        run(*command, "--limit", workers)
        done = run(*command).result
    if done["indexed"] != songs:
        sys.exit(f"{songs - done['indexed']} of {songs} songs are missing.")
    return done["seconds"]


def main() -> None:
    """Print the table."""
    options = Options(__doc__)
    options.add("--workers", type=int, nargs="+", default=[1, 4, 16, 64], smallest=[1])
    options.add("--songs-per-worker", type=int, default=40, smallest=4)
    options.add("--seconds-per-song", type=float, default=0.25, smallest=0.01)
    options.add("--limit-songs", type=int, default=10_000, smallest=0, help="In the row without sleeping.")
    options.add("--simulate", nargs=2, metavar=("ADDRESS", "COUNT"), help="Be the workers: for itself.")
    arguments = options.parse()
    pause = arguments.seconds_per_song
    if arguments.simulate:
        return simulate_workers(arguments.simulate[0], int(arguments.simulate[1]), pause)

    def rows():
        for workers in arguments.workers:
            songs = workers * arguments.songs_per_worker
            taken = time_index(Path(place), workers, songs, pause)
            yield workers, songs, f"{songs / taken:.1f}", f"{songs * pause / workers / taken:.0%}"
        if songs := arguments.limit_songs:
            taken = time_index(Path(place), LIMIT_WORKERS, songs, 0.0)
            yield f"{LIMIT_WORKERS}, not sleeping", songs, f"{songs / taken:.0f}", ""

    print_head()
    with tempfile.TemporaryDirectory() as place:
        print_table(("workers", "songs", "songs/s", "of the ideal"), rows())


if __name__ == "__main__":
    main()
