"""Compares the speed and exactness of all engines and precisions with OpenL3's published package.

    .venv/bin/python benchmarks/embedding.py [FOLDER] [--openl3-python VENV/bin/python] [--rounds 5]

The benchmark embeds windows of some songs of FOLDER (of synthetic songs without FOLDER). Each variant, an
engine with a precision, runs in its own process. In each round, all variants embed the windows, one after the
other. The time is that of one whole call, from samples at 48 kHz to embeddings, including the front end.
Weights are untrained; the arithmetic is the same as with trained weights.

The published package is measured if it is installed in this environment, or in the one whose interpreter is
given. It runs with batches of 16, 32 and 64; ratios are relative to the fastest of them. If TensorFlow is not
installed, its engine is left out. The machine's float32 peak is the speed of the fastest matrix product of
NumPy and OpenVINO; they are measured at the start of each round.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from common import FLOP_PER_WINDOW, Options, make_music, print_head, print_table, read_samples

HOP_S, RATE_HZ = 0.5, 48_000
SONG_S = 3.0
ENGINES = ("openvino:float32", "openvino:bfloat16", "openvino:int8", "tensorflow:float32")
PACKAGE_BATCHES = ("openl3:16", "openl3:32", "openl3:64")
HEAD = "|ms a window|windows/s|times the package|of float32 peak|memory|error|least cosine".split("|")


def run_variant(folder: Path, variant: str) -> None:
    """Embed once for every line on standard input and print the duration; save the last result."""
    name, detail = variant.split(":")
    samples = np.load(folder / "samples.npy")
    embed = open_package(folder, int(detail)) if name == "openl3" else open_ours(name, detail, samples)
    print(json.dumps({"windows": len(embed(samples))}), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        embedding = embed(samples)
        seconds = time.perf_counter() - started
        memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        np.save(folder / f"{variant}.npy", embedding)
        print(json.dumps({"seconds": seconds, "memory_mib": memory_mib}), flush=True)


def open_package(folder: Path, batch_size: int):
    """Return a function that embeds with the published package; it uses none of our modules."""
    import openl3
    from openl3.models import load_audio_embedding_model_from_path

    model = load_audio_embedding_model_from_path(str(folder / "weights.h5"), "mel256", 512)
    options = {"model": model, "hop_size": HOP_S, "batch_size": batch_size, "verbose": 0}
    return lambda samples: openl3.get_audio_embedding(samples, RATE_HZ, **options)[0]


def open_ours(name: str, precision: str, samples: np.ndarray):
    """Return a function that embeds with one of our engines; int8 is calibrated on the same samples."""
    from explorer.embedding.engines import open_engine, quantised_network
    from explorer.embedding.frontend import log_mel, windows
    from explorer.embedding.model_weights import untrained_weights

    weights, network = untrained_weights(), None
    if precision == "int8":
        [rows] = windows([samples], hop_s=HOP_S, batch_size=1_000)
        network = quantised_network(weights, log_mel(rows))
    engine = open_engine(name, weights, precision=precision, network=network)

    def embed(samples: np.ndarray) -> np.ndarray:
        batches = windows([samples], hop_s=HOP_S, batch_size=engine.batch_size)
        return np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches])

    return embed


class VariantProcess:
    """A process that embeds with one variant, and the durations of its calls."""

    def __init__(self, variant: str, folder: Path, python: str) -> None:
        self.variant, self.result = variant, folder / f"{variant}.npy"
        command = [python, "-W", "ignore", __file__, "--work", str(folder), "--as", variant]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, text=True, **pipes)
        self.windows = self._read_answer()["windows"]
        self.seconds: list[float] = []
        self.memory_mib = 0.0

    def _read_answer(self) -> dict:
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        sys.exit(f"The process of {self.variant} ended too early: run this engine alone to see the error.")

    def embed_once(self) -> None:
        """Embed all windows once, and store the duration."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        answer = self._read_answer()
        self.seconds.append(answer["seconds"])
        self.memory_mib = answer["memory_mib"]

    def stop(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()

    @property
    def rate(self) -> float:
        """Windows per second of the median call."""
        return self.windows / statistics.median(self.seconds)


def matrix_products(size: int) -> list:
    """Return two functions that multiply two random float32 matrices: with NumPy and with OpenVINO."""
    import openvino
    from openvino import opset13

    left, right = np.random.default_rng(0).random((2, size, size), dtype=np.float32)
    parameter = opset13.parameter([size, size], np.float32)
    model = openvino.Model([opset13.matmul(parameter, opset13.constant(right), False, False)], [parameter])
    exact = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(model, "CPU", exact).create_infer_request()
    return [lambda: left @ right, lambda: request.infer([left])]


def flop_per_s(products: list, size: int) -> float:
    """Call each product three times; return the floating-point operations per second of the fastest call."""
    seconds = []
    for product in products * 3:
        started = time.perf_counter()
        product()
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds)


def read_sound(folder: Path, seconds: float) -> np.ndarray:
    """Join the first `SONG_S` seconds of songs until the sound is `seconds` long."""
    from explorer.library.scanning import scan_folder

    pieces, missing = [], int(seconds * RATE_HZ)
    for file in scan_folder(folder):
        piece = read_samples(folder / file.native, rate_hz=RATE_HZ, seconds=SONG_S)[:missing]
        pieces.append(piece)
        missing -= len(piece)
        if not missing:
            return np.concatenate(pieces)
    sys.exit(f"{folder} has less than {seconds:.0f} s of music, with {SONG_S:g} s of each song.")


def rows_of(processes: list[VariantProcess], peak: float):
    """Yield a row of figures for each variant; errors are relative to OpenVINO in float32."""
    package = [process.rate for process in processes if process.variant.startswith("openl3")]
    exact = np.load(next(each.result for each in processes if each.variant == "openvino:float32"))
    for process in processes:
        embedding = np.load(process.result)
        norms = np.linalg.norm(embedding, axis=1) * np.linalg.norm(exact, axis=1)
        is_float32 = not process.variant.endswith(("bfloat16", "int8"))
        yield (
            process.variant.replace(":", " batch " if process.variant.startswith("openl3") else " "),
            f"{1000 / process.rate:.1f}",
            f"{process.rate:.1f}",
            f"{process.rate / max(package):.2f}" if package else "",
            f"{process.rate * FLOP_PER_WINDOW / peak:.0%}" if is_float32 else "",
            f"{process.memory_mib:.0f} MiB",
            f"{np.abs(embedding - exact).max() / np.abs(exact).max():.1e}",
            f"{((embedding * exact).sum(axis=1) / norms).min():.6f}",
        )


def compare(temporary: Path, arguments) -> None:
    """Write the sound and the weights, measure all variants, and print the table."""
    from explorer.embedding.h5_weights import write_h5
    from explorer.embedding.model_weights import untrained_weights

    seconds = (arguments.windows - 1) * HOP_S + 0.5
    folder = arguments.folder or make_music(
        temporary / "songs", songs=1 + int(seconds / SONG_S), seconds=SONG_S
    )
    np.save(temporary / "samples.npy", read_sound(folder, seconds))
    write_h5(temporary / "weights.h5", untrained_weights().arrays)
    variants = [variant for variant in arguments.engines if find_spec(variant.partition(":")[0])]
    python = arguments.openl3_python or (sys.executable if find_spec("openl3") else None)
    processes = [VariantProcess(variant, temporary, str(python)) for variant in PACKAGE_BATCHES if python]
    processes += [VariantProcess(variant, temporary, sys.executable) for variant in variants]
    products, peak = matrix_products(arguments.matrix), 0.0
    for _ in range(arguments.rounds):
        peak = max(peak, flop_per_s(products, arguments.matrix))
        for process in processes:
            process.embed_once()
    for process in processes:
        process.stop()
    print(f"{arguments.rounds} rounds of {arguments.windows} windows each, peak {peak / 1e9:.0f} GFLOP/s\n")
    print_table(HEAD, rows_of(processes, peak))


def main() -> None:
    """Measure and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--openl3-python", type=Path)
    options.add("--rounds", type=int, default=5, smallest=1)
    options.add("--windows", type=int, default=48, smallest=2)
    options.add("--matrix", type=int, default=3_000, smallest=100, help="Rows of the multiplied matrices.")
    options.add("--engines", nargs="+", choices=ENGINES, default=ENGINES, smallest=ENGINES[:3:2])
    options.add("--work", type=Path, help="Only for the processes that the benchmark starts, like --as.")
    options.add("--as", dest="variant")
    arguments = options.parse()
    if arguments.work:
        return run_variant(arguments.work, arguments.variant)
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        compare(Path(temporary), arguments)


if __name__ == "__main__":
    main()
