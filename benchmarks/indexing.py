"""What `index` costs beyond the network: whole index runs beside the bare network, by turns.

    .venv/bin/python benchmarks/indexing.py [FOLDER] [--limit 12] [--hop 1.0] [--rounds 2]
        [--precisions float32 bfloat16]

Each round indexes the same songs of FOLDER (made-up ones without it) into an empty database: decoding,
resampling, log-mels, network, database; no map, no previews. Then it runs the network alone over as many
windows. Precision `auto` has no network to be compared with: its row is a new library's first run, the
measuring of precisions included. Weights are untrained: the arithmetic is the same. Figures are medians.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from common import Options, make_music, print_head, print_table, run

from explorer.config import Settings
from explorer.embedding.engines import open_engine
from explorer.embedding.frontend import SAMPLE_RATE_HZ
from explorer.embedding.weights import untrained_weights


def time_network(precision: str, n_windows: int) -> float:
    """Return seconds for the network alone over so many windows."""
    engine = open_engine("openvino", untrained_weights(), precision=precision)
    noise = np.random.default_rng(0).normal(size=(engine.batch_size, SAMPLE_RATE_HZ))
    batch = engine.prepare(noise.astype(np.float32))
    engine.embed(batch)
    started = time.perf_counter()
    for start in range(0, n_windows, engine.batch_size):
        engine.embed(batch[: n_windows - start])
    return time.perf_counter() - started


def measure(folder: Path, place: Path, precision: str, *, hop_s: float, rounds: int, limit: int) -> tuple:
    """Measure one precision by turns; return its row."""
    whole, bare = [], []
    for number in range(rounds if precision != "auto" else 1):
        database = place / f"{precision}-{number}" / "songs.db"
        options = ["--weights", "untrained", "--precision", precision, "--hop", hop_s, "--limit", limit]
        done = run("index", folder, "--db", database, *options, "--no-map", "--no-previews", "--json").result
        n_windows = round(done["audio_seconds"] / hop_s)
        whole.append(done["seconds"] / n_windows)
        if precision != "auto":
            bare.append(time_network(precision, n_windows) / n_windows)
    index_s = statistics.median(whole)
    network_s = statistics.median(bare) if bare else None
    return (
        precision,
        done["indexed"],
        f"{n_windows:,}",
        f"{1000 * network_s:.1f} ms a window" if network_s else "",
        f"{1000 * index_s:.1f} ms",
        f"{index_s / network_s:.2f}" if network_s else "",
    )


def main() -> None:
    """Measure, and print a row for each precision."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--limit", type=int, default=12, smallest=2, help="Songs.")
    options.add("--hop", type=float, default=1.0)
    options.add("--rounds", type=int, default=2, smallest=1)
    choices = ["float32", "bfloat16", "auto"]
    options.add("--precisions", nargs="+", default=choices[:2], smallest=choices[:1], choices=choices)
    arguments = options.parse()
    seconds = 1.0 if arguments.smallest else 26.0
    sizes = {"hop_s": arguments.hop, "rounds": arguments.rounds, "limit": arguments.limit}
    print_head()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folder = arguments.folder or make_music(place / "songs", songs=arguments.limit, seconds=seconds)
        head = ("", "songs", "windows", "network alone", "whole index", "ratio")
        rows = (measure(folder.resolve(), place, one, **sizes) for one in arguments.precisions)
        print_table(head, rows)


if __name__ == "__main__":
    main()
