"""What indexing costs beyond the network: whole index runs beside the bare network, by turns.

    .venv/bin/python benchmarks/indexing.py FOLDER [--limit 20] [--hop 1.0] [--rounds 3]

Each round indexes the same songs of FOLDER into an empty database (decoding, resampling, log-mels,
network, database; no map), then runs the network alone over as many windows. Weights are untrained:
the arithmetic is the same. The last line is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from explorer.config import Settings  # noqa: E402
from explorer.embedding.engines import Engine, open_engine  # noqa: E402
from explorer.embedding.frontend import SAMPLE_RATE_HZ, count_windows, log_mel  # noqa: E402
from explorer.embedding.weights import find_weights  # noqa: E402
from explorer.indexing.indexer import Summary, index_folder  # noqa: E402
from explorer.indexing.model import ModelRequest  # noqa: E402
from explorer.library.database import Database  # noqa: E402
from explorer.progress import Reporter  # noqa: E402


def time_index(folder: Path, *, hop_s: float, limit: int) -> tuple[Summary, int]:
    """Index into an empty database; return what was done and how many windows that was."""
    request = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=hop_s)
    with tempfile.TemporaryDirectory() as place, Database.open(Path(place) / "songs.db") as database:
        summary = index_folder(database, folder, request=request, reporter=Reporter(), limit=limit)
        durations = [song.duration_s for song in database.songs()]
    return summary, sum(count_windows(round(d * SAMPLE_RATE_HZ), hop_s=hop_s) for d in durations)


def time_network(engine: Engine, n_windows: int) -> float:
    """Return seconds for the network alone over so many windows."""
    rng = np.random.default_rng(0)
    batch = log_mel(rng.normal(size=(engine.batch_size, SAMPLE_RATE_HZ)).astype(np.float32))
    engine.embed(batch)
    started = time.perf_counter()
    for start in range(0, n_windows, engine.batch_size):
        engine.embed(batch[: n_windows - start])
    return time.perf_counter() - started


def main() -> None:
    """Measure by turns, and print medians and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--hop", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    models = Settings().models
    engine = open_engine("openvino", find_weights("untrained", models_dir=models), cache_dir=models)
    whole, bare = [], []
    for _ in range(arguments.rounds):
        summary, n_windows = time_index(arguments.folder, hop_s=arguments.hop, limit=arguments.limit)
        whole.append(summary.seconds)
        bare.append(time_network(engine, n_windows))
    index_s, network_s = statistics.median(whole), statistics.median(bare)
    print(f"{summary.indexed} songs, {summary.audio_seconds:.0f} s of sound, {n_windows} windows")
    print(f"  network alone  {network_s:6.1f} s  {1000 * network_s / n_windows:5.1f} ms a window")
    print(f"  whole index    {index_s:6.1f} s  {1000 * index_s / n_windows:5.1f} ms a window")
    print(f"  ratio          {index_s / network_s:6.2f}")


if __name__ == "__main__":
    main()
