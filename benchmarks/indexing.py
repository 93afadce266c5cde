"""What `index` costs beyond the network, in time and in memory: whole runs beside the bare network, by turns.

    .venv/bin/python benchmarks/indexing.py [FOLDER] [--limit 8] [--hop 1.0] [--rounds 2]
        [--precisions float32 bfloat16] [--hours 3]

Each round indexes the same songs of FOLDER (made-up ones without it) into an empty database: decoding,
resampling, log-mels, network, database; no map, no previews. Then it runs the network alone over as many
windows. Precision `auto` has no network to be compared with: its row is a new library's first run, the
measuring of precisions included. The last row is one very long song with a hop of 10 s, for its memory: the
process's peak, its decoders not included. Weights are untrained: the arithmetic is the same. Times are
medians.
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
    """Return seconds for the network alone over so many windows."""
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
    choices = ["--weights", "untrained", "--precision", precision, "--hop", hop_s, "--limit", limit]
    with tempfile.TemporaryDirectory() as place:
        database = Path(place) / "songs.db"
        done = run("index", folder, "--db", database, *choices, "--no-map", "--no-previews", "--json")
    return done, round(done.result["audio_seconds"] / hop_s)


def rows_of(folder: Path, place: Path, arguments) -> Iterator[tuple]:
    """Measure each precision by turns, then the long song; yield a row for each."""
    for precision in arguments.precisions:
        whole, bare = [], []
        for _ in range(arguments.rounds if precision != "auto" else 1):
            done, windows = index(folder, precision=precision, hop_s=arguments.hop, limit=arguments.limit)
            whole.append(1000 * done.result["seconds"] / windows)
            if precision != "auto":
                bare.append(1000 * in_own_process(time_network, precision, windows) / windows)
        index_ms, network_ms = statistics.median(whole), statistics.median(bare or [0])
        ratio = f"{index_ms / network_ms:.2f}" if bare else ""
        network = f"{network_ms:.1f} ms a window" if bare else ""
        sizes = f"{done.result['indexed']} songs, {precision}", f"{windows:,}"
        yield *sizes, network, f"{index_ms:.1f} ms a window", ratio, f"{done.peak_mib:.0f} MiB"
    long = make_music(place / "long", songs=1, seconds=60, repeats=max(1, round(60 * arguments.hours)))
    done, windows = index(long, precision=arguments.precisions[0], hop_s=LONG_HOP_S)
    name = f"a song of {arguments.hours:g} hours, {arguments.precisions[0]}"
    yield name, f"{windows:,}", "", "", "", f"{done.peak_mib:.0f} MiB"


def main() -> None:
    """Measure, and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--limit", type=int, default=8, smallest=2, help="Songs.")
    options.add("--hop", type=float, default=1.0)
    options.add("--rounds", type=int, default=2, smallest=1)
    choices = ["bfloat16", "float32", "auto"]
    options.add("--precisions", nargs="+", default=choices[:2], smallest=choices[1:2], choices=choices)
    options.add("--hours", type=float, default=3.0, smallest=0.01, help="Of the long song.")
    arguments = options.parse()
    seconds = 1.0 if arguments.smallest else 26.0
    print_head()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folder = arguments.folder or make_music(place / "songs", songs=arguments.limit, seconds=seconds)
        head = ("", "windows", "network alone", "whole index", "ratio", "peak memory")
        print_table(head, rows_of(folder.resolve(), place, arguments))


if __name__ == "__main__":
    main()
