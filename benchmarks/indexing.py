"""Measures the time and memory that `index` needs beyond the network alone.

    .venv/bin/python benchmarks/indexing.py [FOLDER] [--limit 8] [--hop 1.0] [--rounds 2]
        [--precisions float32 bfloat16] [--hours 3]

Each round indexes the same songs of FOLDER (synthetic songs without FOLDER) into an empty database: decoding,
resampling, log-mels, network and database, without a map and previews. Then it runs the network alone on as
many windows. The row of precision `auto` is the first run of a new library, which includes the measurement of
precisions. It is not compared with the network alone. The last row is one very long song with a hop of 10 s.
It shows the peak memory of the process, without its decoder processes. Weights are untrained; the arithmetic
is the same as with trained weights. Times are medians.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from common import Options, Run, in_own_process, make_music, print_head, print_table, run

LONG_HOP_S = 10.0


def time_network(precision: str, n_windows: int) -> float:
    """Return the seconds that the network alone needs for `n_windows` windows."""
    from explorer.embedding.engines import open_engine
    from explorer.embedding.frontend import SAMPLE_RATE_HZ
    from explorer.embedding.model_weights import untrained_weights

    engine = open_engine("openvino", untrained_weights(), precision=precision)
    noise = np.random.default_rng(0).normal(size=(engine.batch_size, SAMPLE_RATE_HZ))
    batch = engine.prepare(noise.astype(np.float32))
    engine.embed(batch)
    started = time.perf_counter()
    for start in range(0, n_windows, engine.batch_size):
        engine.embed(batch[: n_windows - start])
    return time.perf_counter() - started


def index(folder: Path, *, precision: str, hop_s: float, limit: int = 1) -> tuple[Run, int]:
    """Index into an empty database; return the run and its number of windows."""
    options = ["--weights", "untrained", "--precision", precision, "--hop", hop_s, "--limit", limit]
    with tempfile.TemporaryDirectory() as temporary:
        database = Path(temporary) / "songs.db"
        result = run("index", folder, "--db", database, *options, "--no-map", "--no-previews", "--json")
    return result, round(result.result["audio_seconds"] / hop_s)


def rows_of(folder: Path, temporary: Path, arguments) -> Iterator[tuple]:
    """Measure each precision, then the long song; yield a row for each."""
    for precision in arguments.precisions:
        whole_ms, network_alone_ms = [], []
        for _ in range(arguments.rounds if precision != "auto" else 1):
            indexing, windows = index(folder, precision=precision, hop_s=arguments.hop, limit=arguments.limit)
            whole_ms.append(1000 * indexing.result["seconds"] / windows)
            if precision != "auto":
                seconds = in_own_process(time_network, precision, windows)
                network_alone_ms.append(1000 * seconds / windows)
        index_ms = statistics.median(whole_ms)
        ratio = network = ""
        if network_alone_ms:
            network_ms = statistics.median(network_alone_ms)
            ratio, network = f"{index_ms / network_ms:.2f}", f"{network_ms:.1f} ms a window"
        sizes = f"{indexing.result['indexed']} songs, {precision}", f"{windows:,}"
        yield *sizes, network, f"{index_ms:.1f} ms a window", ratio, f"{indexing.peak_mib:.0f} MiB"
    long = make_music(temporary / "long", songs=1, seconds=60, repeats=max(1, round(60 * arguments.hours)))
    indexing, windows = index(long, precision=arguments.precisions[0], hop_s=LONG_HOP_S)
    name = f"a song of {arguments.hours:g} hours, {arguments.precisions[0]}"
    yield name, f"{windows:,}", "", "", "", f"{indexing.peak_mib:.0f} MiB"


def main() -> None:
    """Measure, and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--limit", type=int, default=8, smallest=2, help="Number of songs.")
    options.add("--hop", type=float, default=1.0)
    options.add("--rounds", type=int, default=2, smallest=1)
    precisions = ["bfloat16", "float32", "auto"]
    options.add("--precisions", nargs="+", default=precisions[:2], smallest=["float32"], choices=precisions)
    options.add("--hours", type=float, default=3.0, smallest=0.01, help="Length of the long song.")
    arguments = options.parse()
    seconds = 1.0 if arguments.smallest else 26.0
    print_head()
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        folder = arguments.folder or make_music(temporary / "songs", songs=arguments.limit, seconds=seconds)
        head = ("", "windows", "network alone", "whole index", "ratio", "peak memory")
        print_table(head, rows_of(folder.resolve(), temporary, arguments))


if __name__ == "__main__":
    main()
