"""Measures what a larger hop and a faster precision change: vectors, ten nearest neighbours, speed.

    .venv/bin/python benchmarks/hop.py [FOLDER] [--songs 60] [--seconds 10] [--openl3-python VENV/bin/python]

The benchmark embeds the first seconds of some songs of FOLDER (of synthetic songs without FOLDER) at OpenL3's
own hop of 0.1 s, in every precision. Every larger hop is a multiple of 0.1 s, so its windows are a subset of
these windows. Its vectors are pooled from that subset. All vectors are compared with those in float32 at hop
0.1 s, which are OpenL3's own. int8 is calibrated on windows of the same songs, as `index` does it.

The precisions take turns, one song after the other; the time is that of whole calls, front end included, for
the fastest song. If the published package is in this environment, or in the one whose interpreter is given,
it embeds the first song, and speeds are also relative to its fastest batch size. Weights are OpenL3's if they
are installed, otherwise untrained; the line above the table states which.
"""

from __future__ import annotations

import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from common import Options, make_music, print_head, print_table, read_samples
from embedding import PACKAGE_BATCHES, VariantProcess

from explorer.config import Settings
from explorer.embedding.engines import PRECISIONS, open_engine, quantised_network
from explorer.embedding.frontend import log_mel, windows
from explorer.embedding.h5_weights import write_h5
from explorer.embedding.model_weights import Weights, find_local_weights, find_weights
from explorer.embedding.pooling import pool
from explorer.embedding.precision import min_cosine, neighbours_lost
from explorer.embedding.window_grid import SAMPLE_RATE_HZ, count_windows
from explorer.indexing.precision_trial import CALIBRATION_WINDOWS
from explorer.library.scanning import scan_folder

SMALLEST_HOP_S = 0.1
NEIGHBOURS = 10


class Precision:
    """An engine in one precision, its vectors so far, and its fastest milliseconds per window."""

    def __init__(self, name: str, weights: Weights, calibration: np.ndarray) -> None:
        network = quantised_network(weights, calibration) if name == "int8" else None
        self.name, self.engine = name, open_engine("openvino", weights, precision=name, network=network)
        self.vectors: list[list[np.ndarray]] = []
        self.ms = np.inf

    def embed(self, rows: np.ndarray, counts: dict[int, int]) -> None:
        """Append a song's vectors, one for each hop: `counts` has the windows for each multiple."""
        started = time.perf_counter()
        frames = self.engine.embed(self.engine.prepare(rows))
        self.ms = min(self.ms, 1000 * (time.perf_counter() - started) / len(frames))
        self.vectors.append([pool(frames[::multiple][:count]) for multiple, count in counts.items()])


def read_songs(folder: Path, arguments) -> list[np.ndarray]:
    """Return the samples of songs spread over a folder."""
    files = list(scan_folder(folder))
    chosen = [files[int(i)] for i in np.linspace(0, len(files) - 1, min(arguments.songs, len(files)))]
    length = {"rate_hz": SAMPLE_RATE_HZ, "seconds": arguments.seconds}
    return [read_samples(folder / file.native, **length) for file in chosen]


def cut(samples: np.ndarray, multiples: list[int]) -> tuple[np.ndarray, dict[int, int]]:
    """Return a song's windows at `SMALLEST_HOP_S`, and the windows of each multiple of that hop."""
    # The last window of a larger hop can start after the last window of the smallest hop. Zeros are appended
    # for it.
    longest = int(max(multiples) * SMALLEST_HOP_S * SAMPLE_RATE_HZ)
    padded = np.concatenate([samples, np.zeros(longest, np.float32)])
    [rows] = windows([padded], hop_s=SMALLEST_HOP_S, batch_size=1_000_000)
    return rows, {each: count_windows(len(samples), hop_s=each * SMALLEST_HOP_S) for each in multiples}


def embed_songs(songs: list[np.ndarray], weights: Weights, arguments) -> list[Precision]:
    """Embed each song in each precision."""
    some = [cut(song, [1])[0] for song in songs[:: max(1, len(songs) // CALIBRATION_WINDOWS)]]
    calibration = log_mel(np.stack([rows[len(rows) // 2] for rows in some]))
    precisions = [Precision(name, weights, calibration) for name in arguments.precisions]
    for song in songs:
        rows, counts = cut(song, arguments.multiples)
        for precision in precisions:
            precision.embed(rows, counts)
    return precisions


def time_package(samples: np.ndarray, weights: Weights, arguments) -> float | None:
    """Return the published package's milliseconds per window at its best batch size, or None without it."""
    python = arguments.openl3_python or (sys.executable if find_spec("openl3") else None)
    if python is None:
        return None
    best = np.inf
    with tempfile.TemporaryDirectory() as name:
        np.save(Path(name) / "samples.npy", samples)
        write_h5(Path(name) / "weights.h5", weights.arrays)
        for variant in PACKAGE_BATCHES:
            process = VariantProcess(variant, Path(name), str(python))
            for _ in range(3):
                process.embed_once()
            process.stop()
            best = min(best, 1000 * min(process.seconds) / process.windows)
    return best


def main() -> None:
    """Embed the songs and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--songs", type=int, default=60, smallest=12)
    options.add("--seconds", type=float, default=10.0, smallest=0.3)
    options.add("--multiples", type=int, nargs="+", default=[1, 2, 3, 5, 10], smallest=[1, 2])
    names = PRECISIONS["openvino"]
    options.add("--precisions", nargs="+", default=names, choices=names, smallest=["float32", "int8"])
    options.add("--openl3-python", type=Path)
    arguments = options.parse()
    if arguments.precisions[0] != "float32":
        sys.exit("The first precision must be float32: the others are compared with it.")
    print_head()
    models = Settings().models
    weights = find_local_weights(None, models_dir=models) or find_weights("untrained", models_dir=models)
    sizes = {"songs": arguments.songs, "seconds": arguments.seconds}
    with tempfile.TemporaryDirectory() as temporary:
        songs = read_songs(arguments.folder or make_music(Path(temporary) / "songs", **sizes), arguments)
    precisions = embed_songs(songs, weights, arguments)
    package_ms = time_package(songs[0], weights, arguments)
    print(f"{weights.name} weights, {len(songs)} songs\n")
    exact = np.array(precisions[0].vectors)[:, 0]

    def row(precision: Precision) -> tuple:
        cells = []
        for vectors in np.array(precision.vectors).swapaxes(0, 1):
            kept = 1 - neighbours_lost(vectors, exact, sizes=[NEIGHBOURS])
            cells.append(f"{kept:.1%} ({min_cosine(vectors, exact):.4f})")
        speeds = f"{precision.ms:.1f}", f"{precisions[0].ms / precision.ms:.2f}"
        return precision.name, *speeds, f"{package_ms / precision.ms:.2f}" if package_ms else "", *cells

    hops = [f"hop {multiple * SMALLEST_HOP_S:.1f} s" for multiple in arguments.multiples]
    print_table(("", "ms a window", "times float32", "times the package", *hops), map(row, precisions))


if __name__ == "__main__":
    main()
