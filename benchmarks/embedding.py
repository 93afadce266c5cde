"""OpenL3's published package beside each engine and precision, by turns in one run.

    .venv/bin/python benchmarks/embedding.py FOLDER [--openl3-python VENV/bin/python] [--rounds 5] [--json]

FOLDER holds real music: 48 windows of its songs are what is embedded, and up to 64 songs are what
precision `auto` is measured on. Every contender runs in a process of its own, which waits while the
others have their turn. A turn is a whole call, from samples at 48 kHz to embeddings, the front end
included and nothing overlapped. Weights are untrained: the arithmetic is the same.

The published package takes part where it is installed: in this environment, or in the one whose
interpreter is given. It is run with batches of 16, 32 and 64, and ratios are to the best of them.
The machine's peak is the best of large float32 matrix products between the turns.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

HOP_S = 0.5
WINDOWS = 48
PACKAGE_BATCHES = (16, 32, 64)
MATRIX_SIZE = 6_000
OURS = (
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
    ("openvino", "int8"),
    ("openvino", "auto"),
    ("tensorflow", "float32"),
)


# What the workers do


def serve_turns(embed, out: Path, **facts) -> None:
    """Embed once for every line on standard input, and tell how long it took; keep the last result."""
    embedding = embed()
    print(json.dumps({"windows": len(embedding), **facts}), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        embedding = embed()
        seconds = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        np.save(out, embedding)
        print(json.dumps({"seconds": seconds, "memory_mib": memory}), flush=True)


def work_as_package(place: Path, batch_size: int) -> None:
    """Be the published package: it needs nothing of ours."""
    import openl3
    from openl3.models import load_audio_embedding_model_from_path

    model = load_audio_embedding_model_from_path(str(place / "weights.h5"), "mel256", 512)
    samples = np.load(place / "samples.npy")

    def embed() -> np.ndarray:
        options = {"model": model, "hop_size": HOP_S, "batch_size": batch_size, "verbose": 0}
        return openl3.get_audio_embedding(samples, 48_000, **options)[0]

    serve_turns(embed, place / f"openl3-{batch_size}.npy")


def work_as_ours(place: Path, name: str, precision: str, folder: Path) -> None:
    """Be one of our engines."""
    from explorer.embedding.frontend import windows

    samples = np.load(place / "samples.npy")
    engine, facts = open_ours(place, name, precision, folder, samples)

    def embed() -> np.ndarray:
        batches = windows([samples], hop_s=HOP_S, batch_size=engine.batch_size)
        return np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches])

    serve_turns(embed, place / f"{name}-{precision}.npy", precision=engine.precision, **facts)


def open_ours(place: Path, name: str, precision: str, folder: Path, samples: np.ndarray):
    """Open an engine; `auto` as an index run of FOLDER would, int8 calibrated on what is embedded."""
    from explorer.config import Settings
    from explorer.embedding.engines import open_engine, quantised_network
    from explorer.embedding.frontend import log_mel, windows
    from explorer.embedding.weights import find_weights

    models = Settings().models
    weights = find_weights("untrained", models_dir=models)
    if precision == "auto":
        return settle_auto(place, name, folder, models)
    network = None
    if precision == "int8":
        [rows] = windows([samples], hop_s=HOP_S, batch_size=1_000)
        network = quantised_network(weights, log_mel(rows))
    return open_engine(name, weights, precision=precision, network=network), {}


def settle_auto(place: Path, name: str, folder: Path, models: Path):
    """Let precision `auto` decide on the songs of FOLDER."""
    from explorer.embedding.precision import describe_choice
    from explorer.indexing.model import ModelRequest, settle_model
    from explorer.indexing.precision import settle_precision
    from explorer.library.database import Database
    from explorer.library.scanning import scan_folder
    from explorer.progress import Reporter

    reporter = Reporter()
    request = ModelRequest(models_dir=models, weights="untrained", hop_s=HOP_S, engine=name)
    model, weights = settle_model(None, request, reporter=reporter)
    files = list(scan_folder(folder))
    with Database.open(place / "songs.db") as database:
        engine = settle_precision(
            database, model, weights, request, root=folder, files=files, reporter=reporter
        )
        return engine, {"choice": describe_choice(database.precision_trial())}


# What the parent does


class Contender:
    """A worker process and what it did."""

    def __init__(self, name: str, python: str, arguments: list[str], result: Path):
        self.name, self.result = name, result
        command = [python, "-W", "ignore", __file__, *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.facts = self._answer()
        self.seconds: list[float] = []
        self.memory_mib = 0.0

    def _answer(self) -> dict:
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"{self.name} ended without a word: try it alone to see why.")

    def take_turn(self) -> None:
        """Embed once."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        answer = self._answer()
        self.seconds.append(answer["seconds"])
        self.memory_mib = answer["memory_mib"]

    def stop(self) -> None:
        """Let the process end."""
        self._process.stdin.close()
        self._process.wait()

    @property
    def rate(self) -> float:
        """Windows a second, by the median turn."""
        return self.facts["windows"] / statistics.median(self.seconds)


def sound_of(folder: Path) -> np.ndarray:
    """Return as many samples at 48 kHz as make the windows, a few seconds of each of some songs."""
    from explorer.audio.decoding import open_audio
    from explorer.library.scanning import scan_folder

    needed = int((WINDOWS - 1) * HOP_S * 48_000) + 24_000
    pieces = []
    for file in list(scan_folder(folder))[::5]:
        blocks = open_audio(folder / file.native).mono(sample_rate_hz=48_000)
        pieces.append(np.concatenate([block for _, block in zip(range(8), blocks, strict=False)])[:144_000])
        if sum(map(len, pieces)) >= needed:
            return np.concatenate(pieces)[:needed]
    raise SystemExit(f"{folder} holds less music than {needed / 48_000:.0f} s.")


def flop_per_window() -> float:
    """Count two operations for every multiplication in the convolutions."""
    from explorer.embedding.network import INPUT_SHAPE, LAYER_SHAPES

    rows, columns, _ = INPUT_SHAPE
    total, convolutions = 0.0, 0
    for kind, shapes in LAYER_SHAPES:
        if kind == "conv2d":
            total += 2 * rows * columns * math.prod(shapes[0])
            convolutions += 1
            if convolutions in (2, 4, 6):
                rows, columns = rows // 2, columns // 2
    return total


class Peak:
    """The best rate of a float32 matrix product that this machine showed."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self._factors = random.random((2, MATRIX_SIZE, MATRIX_SIZE), dtype=np.float32)
        self.flop_per_s = 0.0

    def measure(self) -> None:
        """Multiply once more."""
        started = time.perf_counter()
        self._factors[0] @ self._factors[1]
        self.flop_per_s = max(self.flop_per_s, 2 * MATRIX_SIZE**3 / (time.perf_counter() - started))


def package_python(given: Path | None) -> str | None:
    """Return the interpreter that has the published package, or None."""
    if given is not None:
        return str(given)
    return sys.executable if importlib.util.find_spec("openl3") else None


def start(place: Path, folder: Path, python: str | None) -> list[Contender]:
    """Start every contender that there is."""
    contenders = []
    if python:
        for size in PACKAGE_BATCHES:
            arguments = [str(folder), "--work", str(place), "--as", f"openl3:{size}"]
            result = place / f"openl3-{size}.npy"
            contenders.append(Contender(f"openl3 package, batch {size}", python, arguments, result))
    for name, precision in OURS:
        arguments = [str(folder), "--work", str(place), "--as", f"{name}:{precision}"]
        result = place / f"{name}-{precision}.npy"
        contenders.append(Contender(f"{name} {precision}", sys.executable, arguments, result))
    return contenders


def report(contenders: list[Contender], peak: Peak) -> list[dict]:
    """Put every contender's figures together."""
    package = [contender.rate for contender in contenders if contender.name.startswith("openl3")]
    exact = next(np.load(c.result) for c in contenders if c.name == "openvino float32")
    rows = []
    for contender in contenders:
        embedding = np.load(contender.result)
        norms = np.linalg.norm(embedding, axis=1) * np.linalg.norm(exact, axis=1)
        is_exact = contender.facts.get("precision", "float32") == "float32"
        fraction = contender.rate * flop_per_window() / peak.flop_per_s
        rows.append(
            {
                "contender": contender.name,
                "ms_per_window": 1000 / contender.rate,
                "windows_per_s": contender.rate,
                "ratio_to_package": contender.rate / max(package) if package else None,
                "fraction_of_float32_peak": fraction if is_exact else None,
                "memory_mib": contender.memory_mib,
                "relative_error": float(np.abs(embedding - exact).max() / np.abs(exact).max()),
                "least_cosine": float(((embedding * exact).sum(axis=1) / norms).min()),
                "took": contender.facts.get("precision"),
            }
        )
    return rows


def print_table(rows: list[dict]) -> None:
    """Write the figures as a table for the README."""
    print(
        "| | ms a window | windows/s | times the package | of float32 peak | memory | error | least cosine |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        ratio = "" if row["ratio_to_package"] is None else f"{row['ratio_to_package']:.2f}"
        fraction = row["fraction_of_float32_peak"]
        name = row["contender"] + (f" (took {row['took']})" if row["contender"].endswith("auto") else "")
        print(
            f"| {name} | {row['ms_per_window']:.1f} | {row['windows_per_s']:.1f} | {ratio} "
            f"| {'' if fraction is None else format(fraction, '.0%')} | {row['memory_mib']:.0f} MiB "
            f"| {row['relative_error']:.1e} | {row['least_cosine']:.6f} |"
        )


def main() -> None:
    """Measure by turns and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--openl3-python", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--as", dest="role", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        name, detail = arguments.role.split(":")
        if name == "openl3":
            return work_as_package(arguments.work, int(detail))
        return work_as_ours(arguments.work, name, detail, arguments.folder)
    folder = arguments.folder.resolve()
    with tempfile.TemporaryDirectory() as name:
        rows = compete(Path(name), folder, package_python(arguments.openl3_python), arguments.rounds)
    if arguments.json:
        print(json.dumps(rows))


def compete(place: Path, folder: Path, python: str | None, rounds: int) -> list[dict]:
    """Prepare the sound and the weights, let everybody take turns, and print the figures."""
    from explorer.embedding.openvino_network import processor_name
    from explorer.embedding.weights import untrained_weights, write_h5

    np.save(place / "samples.npy", sound_of(folder))
    write_h5(place / "weights.h5", untrained_weights().arrays)
    contenders, peak = start(place, folder, python), Peak()
    for _ in range(rounds):
        peak.measure()
        for contender in contenders:
            contender.take_turn()
    for contender in contenders:
        contender.stop()
    rows = report(contenders, peak)
    print(f"{processor_name()}, {rounds} rounds of {contenders[0].facts['windows']} windows")
    print(f"float32 peak by matrix products: {peak.flop_per_s / 1e9:.0f} GFLOP/s")
    for contender in contenders:
        if "choice" in contender.facts:
            print(contender.facts["choice"])
    print_table(rows)
    return rows


if __name__ == "__main__":
    main()
