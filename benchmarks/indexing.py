"""Measures the time and memory that `index` needs beyond the network alone.

    .venv/bin/python benchmarks/indexing.py [FOLDER] [--limit 8] [--hop 0.5] [--rounds 2]
        [--precisions bfloat16 float32 int8] [--hours 3]

Each round indexes the same songs of FOLDER (synthetic songs without FOLDER) into an empty library: decoding,
resampling, log-mels, network and database, without a map and previews. Then it runs the network alone on as
many windows. bfloat16 gets twice and int8 four times as many songs as float32, so that the program's start
weighs about the same. The int8 network is calibrated once, before the rounds.

*Log-mels* and *decoding* are their processor time, including the start of the decoding process. *Least
possible* is the ratio of a run that does nothing else and keeps every core busy.

The row of precision `auto` is the first run of a new library, which includes the measurement of precisions.
It is not compared with the network alone. The last row is one very long song with a hop of 10 s. It shows the
peak memory of the process, without its decoder processes. Weights are untrained; the arithmetic is the same
as with trained weights. Times are medians.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from common import Options, Run, in_own_process, make_music, print_head, print_table, run

LONG_HOP_S = 10.0
TIMES_AS_MANY_SONGS = {"float32": 1, "bfloat16": 2, "int8": 4, "auto": 1}
HEAD = "|windows|network alone|log-mels|decoding|whole index|ratio|least possible|peak memory".split("|")


def time_network(precision: str, n_windows: int, library: Path | None) -> tuple[float, float]:
    """Return the seconds that the network alone needs, and the processor time of the log-mels."""
    from explorer.database.database import Database
    from explorer.embedding.engines import open_engine
    from explorer.embedding.model_weights import untrained_weights
    from explorer.embedding.window_grid import SAMPLE_RATE_HZ

    network = None
    if library:
        with Database.open_readonly(library) as database:
            network = database.network()
    engine = open_engine("openvino", untrained_weights(), precision=precision, network=network)
    noise = np.random.default_rng(0).normal(size=(engine.batch_size, SAMPLE_RATE_HZ)).astype(np.float32)
    # As `index` does, prepare a few windows at a time; the first ones are slower.
    engine.prepare(noise)
    started = time.process_time()
    batch = np.concatenate([engine.prepare(noise[start : start + 8]) for start in range(0, len(noise), 8)])
    log_mels_s = (time.process_time() - started) * n_windows / len(batch)
    engine.embed(batch)
    started = time.perf_counter()
    with ThreadPoolExecutor(engine.calls_at_once) as pool:
        list(pool.map(engine.embed, (batch[: n_windows - n] for n in range(0, n_windows, len(batch)))))
    return time.perf_counter() - started, log_mels_s


def time_decoding(paths: list[Path]) -> float:
    """Return the processor time of a new decoding process that decodes files."""
    from explorer.audio.decoder import Decoder
    from explorer.embedding.window_grid import SAMPLE_RATE_HZ

    with Decoder() as decoder:
        for path in paths:
            for _ in decoder.sound(path, rate_hz=SAMPLE_RATE_HZ).blocks():
                pass
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def index(
    folder: Path, database: Path, *, precision: str, hop_s: float, limit: int = 1, library: Path | None = None
) -> tuple[Run, int]:
    """Index into a new library, or into a copy of `library`; return the run and its number of windows."""
    database.unlink(missing_ok=True)
    if library:
        shutil.copy(library, database)
    options = ["--weights", "untrained", "--precision", precision, "--hop", hop_s, "--limit", limit]
    options += ["--first-look", 0, "--no-map", "--no-previews"]
    result = run("index", folder, "--db", database, *options, "--json")
    return result, round(result.result["audio_seconds"] / hop_s)


def song_files(folder: Path, database: Path, library: Path | None) -> list[Path]:
    """Return the files of the songs that `index` added to a copy of `library`."""
    from explorer.database.database import Database

    ids: list[set[str]] = []
    for path in filter(None, (database, library)):
        with Database.open_readonly(path) as opened:
            ids.append(set(opened.vectors()[0]))
    return [folder / song_id for song_id in sorted(ids[0].difference(*ids[1:]))]


def row_of(folder: Path, temporary: Path, arguments, precision: str) -> tuple:
    """Measure a precision against the network alone."""
    database, library = temporary / "songs.db", None
    options = {"precision": precision, "hop_s": arguments.hop}
    if precision == "int8":
        library = temporary / "calibrated.db"
        index(folder, library, **options)
    options |= {"limit": arguments.limit * TIMES_AS_MANY_SONGS[precision], "library": library}
    rounds = []
    for _ in range(arguments.rounds):
        indexing, windows = index(folder, database, **options)
        network_s, log_mels_s = in_own_process(time_network, precision, windows, library)
        rounds.append((indexing.result["seconds"], network_s, log_mels_s))
    whole, network, log_mels = (
        1000 * statistics.median(each) / windows for each in zip(*rounds, strict=True)
    )
    decoding = 1000 * in_own_process(time_decoding, song_files(folder, database, library)) / windows
    least = 1 + (log_mels + decoding) / (os.cpu_count() * network)
    return (
        f"{indexing.result['indexed']} songs, {precision}",
        f"{windows:,}",
        *(f"{stage:.1f} ms" for stage in (network, log_mels, decoding, whole)),
        *(f"{whole / network:.2f}", f"{least:.2f}", f"{indexing.peak_mib:.0f} MiB"),
    )


def rows_of(folder: Path, temporary: Path, arguments) -> Iterator[tuple]:
    """Measure each precision, then the long song; yield a row for each."""
    for precision in arguments.precisions:
        if precision != "auto":
            yield row_of(folder, temporary, arguments, precision)
            continue
        options = {"precision": precision, "hop_s": arguments.hop, "limit": arguments.limit}
        indexing, windows = index(folder, temporary / "songs.db", **options)
        ms = f"{1000 * indexing.result['seconds'] / windows:.1f} ms"
        name = f"{indexing.result['indexed']} songs, {precision}"
        yield name, f"{windows:,}", "", "", "", ms, "", "", f"{indexing.peak_mib:.0f} MiB"
    long = make_music(temporary / "long", songs=1, seconds=60, repeats=max(1, round(60 * arguments.hours)))
    precision = arguments.precisions[0]
    indexing, windows = index(long, temporary / "songs.db", precision=precision, hop_s=LONG_HOP_S)
    name = f"a song of {arguments.hours:g} hours, {precision}"
    yield name, f"{windows:,}", *[""] * 6, f"{indexing.peak_mib:.0f} MiB"


def main() -> None:
    """Measure, and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--limit", type=int, default=8, smallest=1, help="Number of songs in float32.")
    options.add("--hop", type=float, default=0.5)
    options.add("--rounds", type=int, default=2, smallest=1)
    precisions = ["bfloat16", "float32", "int8", "auto"]
    options.add(
        "--precisions", nargs="+", default=precisions[:3], smallest=["float32", "int8"], choices=precisions
    )
    options.add("--hours", type=float, default=3.0, smallest=0.01, help="Length of the long song.")
    arguments = options.parse()
    seconds = 1.0 if arguments.smallest else 26.0
    print_head()
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        songs = 1 + arguments.limit * max(TIMES_AS_MANY_SONGS.values())
        folder = arguments.folder or make_music(temporary / "songs", songs=songs, seconds=seconds)
        print_table(HEAD, rows_of(folder.resolve(), temporary, arguments))


if __name__ == "__main__":
    main()
