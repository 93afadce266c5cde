"""What indexing costs beyond the network: whole index runs beside the bare network, by turns.

    .venv/bin/python benchmarks/indexing.py FOLDER [--limit 20] [--hop 0.5] [--rounds 3]
        [--precision float32]

Each round indexes the same songs of FOLDER into an empty database (decoding, resampling, log-mels,
network, database; no map), then runs the network alone over as many windows. With `--precision auto`
the first round measures the precisions, which is told apart, and the others follow what it took.
Weights are untrained: the arithmetic is the same. Ratios are of medians.
"""

from __future__ import annotations

import argparse
import resource
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
from explorer.embedding.frontend import SAMPLE_RATE_HZ, count_windows  # noqa: E402
from explorer.embedding.openvino_network import processor_name  # noqa: E402
from explorer.embedding.precision import describe_choice  # noqa: E402
from explorer.embedding.weights import untrained_weights  # noqa: E402
from explorer.indexing.indexer import Summary, index_folder  # noqa: E402
from explorer.indexing.model import ModelRequest  # noqa: E402
from explorer.library.database import Database  # noqa: E402
from explorer.progress import Reporter  # noqa: E402


def time_index(
    folder: Path, place: Path, *, hop_s: float, precision: str, limit: int | None
) -> tuple[Summary, int]:
    """Index into a database without songs; return what was done and how many windows that was."""
    request = ModelRequest(
        models_dir=Settings().models, weights="untrained", hop_s=hop_s, precision=precision
    )
    with Database.open(place) as database:
        summary = index_folder(database, folder, request=request, reporter=Reporter(), limit=limit)
        durations = [song.duration_s for song in database.songs()]
    return summary, sum(count_windows(round(d * SAMPLE_RATE_HZ), hop_s=hop_s) for d in durations)


def time_network(engine: Engine, n_windows: int) -> float:
    """Return seconds for the network alone over so many windows."""
    noise = np.random.default_rng(0).normal(size=(engine.batch_size, SAMPLE_RATE_HZ))
    batch = engine.prepare(noise.astype(np.float32))
    engine.embed(batch)
    started = time.perf_counter()
    for start in range(0, n_windows, engine.batch_size):
        engine.embed(batch[: n_windows - start])
    return time.perf_counter() - started


def settle_auto(folder: Path, place: Path, arguments: argparse.Namespace) -> tuple[str, bytes | None]:
    """Let an index of one song measure the precisions on all; return what was taken."""
    started = time.perf_counter()
    options = {"hop_s": arguments.hop, "precision": arguments.precision, "limit": arguments.limit}
    time_index(folder, place, **options)
    with Database.open(place) as database:
        trial = database.precision_trial()
        if trial:
            print(f"first run, measuring included: {time.perf_counter() - started:.1f} s")
            print(describe_choice(trial))
        return database.model()["precision"], database.network()


def main() -> None:
    """Measure by turns, and print medians and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--hop", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="float32")
    arguments = parser.parse_args()
    weights = untrained_weights()
    whole, bare = [], []
    with tempfile.TemporaryDirectory() as name:
        place, precision, network = Path(name) / "songs.db", arguments.precision, None
        if precision in ("auto", "int8"):
            precision, network = settle_auto(arguments.folder, place, arguments)
        engine = open_engine("openvino", weights, precision=precision, network=network)
        for _ in range(arguments.rounds):
            with Database.open(place) as database:
                database.forget_everything()
                if network:
                    database.claim_model(model_record(precision, arguments.hop), network=network)
            summary, n_windows = time_index(
                arguments.folder, place, hop_s=arguments.hop, precision=precision, limit=arguments.limit
            )
            whole.append(summary.seconds)
            bare.append(time_network(engine, n_windows))
    index_s, network_s = statistics.median(whole), statistics.median(bare)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{processor_name()}, hop {arguments.hop:g} s, {precision}, {arguments.rounds} rounds")
    print(f"{summary.indexed} songs, {summary.audio_seconds:.0f} s of sound, {n_windows} windows")
    print(f"  network alone  {network_s:6.1f} s  {1000 * network_s / n_windows:5.1f} ms a window")
    print(f"  whole index    {index_s:6.1f} s  {1000 * index_s / n_windows:5.1f} ms a window")
    print(f"  ratio          {index_s / network_s:6.2f}")
    print(f"  peak memory    {peak_mib:6.0f} MiB")


def model_record(precision: str, hop_s: float) -> dict:
    """Return what songs.db keeps of a model with untrained weights."""
    from explorer.indexing.model import Model

    weights = untrained_weights()
    model = Model(weights.name, weights.sha256, trained=False, hop_s=hop_s, precision=precision)
    return model.record()


if __name__ == "__main__":
    main()
