"""How many windows a second the front end and the network take on a GPU, and how true bfloat16 stays.

    KERAS_BACKEND=torch python benchmarks/gpu.py [--weights W] [--batch-sizes 64,128,256,512]
        [--seconds 3] [--precisions bfloat16 float32] [--songs 4] [--json] [--any-device]

It needs Keras with PyTorch, JAX or TensorFlow, NumPy, SciPy and h5py, no download and none of our
other requirements; without KERAS_BACKEND it takes the first of the three that is installed. For both
precisions and every batch size it prints windows per second of

- everything, from samples that lie on the device to embeddings;
- the network alone, from log-mel spectrograms;
- everything, from float32 samples in host memory (page-locked where the backend lets us),

then the part of the chip's bfloat16 rate that this is, taking a large matrix product of the same run
for the rate; what bfloat16 changes against float32 on synthetic songs; and how long 100,000 songs
of 30 s would take. Every shape is compiled and run before the clock starts.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from explorer.embedding import frontend  # noqa: E402
from explorer.embedding.keras_frontend import build_embedder  # noqa: E402
from explorer.embedding.network import import_keras  # noqa: E402
from explorer.embedding.weights import find_weights  # noqa: E402

FLOP_PER_WINDOW = 20.4e9
PRECISIONS = ("bfloat16", "float32")
SONGS, SONG_S, HOP_S, BAR_MINUTES = 100_000, 30, 0.5, 10
DATA_SHEET_TFLOPS = {"H200": 989, "H100": 989, "A100": 312}
"""Dense bfloat16 of the SXM parts, by NVIDIA's data sheets."""

LOUD_DB = -50.0
"""Above this the front ends differ by their arithmetic, not by the Fourier transforms' rounding."""


class Jax:
    """JAX's side of it: one XLA program a shape."""

    def __init__(self) -> None:
        import jax

        self._jax = jax
        self.version = f"jax {jax.__version__}"
        self.has_gpu = jax.default_backend() != "cpu"
        self.device = jax.devices()[0].device_kind

    def put(self, array: np.ndarray):
        """Copy to the device."""
        return self._jax.device_put(array)

    page_locked = staticmethod(lambda array: array)

    def compile(self, model, example) -> Callable:
        """Weights are arguments: as constants they would be folded for minutes."""
        trainable = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]
        call = self._jax.jit(lambda *arguments: model.stateless_call(*arguments, training=False)[0])
        return partial(call, trainable, others)

    def compile_product(self) -> Callable:
        """Compile a matrix product, free of what float32 is told."""
        return self._jax.jit(partial(self._jax.numpy.matmul, precision="default"))


class Torch:
    """PyTorch's side of it: a flat graph through Inductor, or eager where that fails."""

    def __init__(self) -> None:
        import torch

        self._torch = torch
        self.version = f"torch {torch.__version__}"
        self.has_gpu = torch.cuda.is_available()
        self.device = torch.cuda.get_device_name(0) if self.has_gpu else "CPU"
        self._target = "cuda" if self.has_gpu else "cpu"
        torch.backends.cudnn.benchmark = True
        # Every batch size is a graph of its own; beyond the limit Dynamo would run eagerly, silently.
        for name in ("recompile_limit", "cache_size_limit"):
            if hasattr(torch._dynamo.config, name):
                setattr(torch._dynamo.config, name, 256)

    def put(self, array):
        """Copy to the device, without waiting if the memory is page-locked."""
        tensor = self._torch.from_numpy(array) if isinstance(array, np.ndarray) else array
        return tensor.to(self._target, non_blocking=True)

    def page_locked(self, array: np.ndarray):
        """Copy to memory that the device can read by itself."""
        tensor = self._torch.from_numpy(array)
        return tensor.pin_memory() if self.has_gpu else tensor

    def compile(self, model, example) -> Callable:
        """Trace to operations of ATen first: Dynamo breaks Keras's own code into five graphs.

        Run eagerly, Keras copies the input of every convolution to channels_first and back, and
        batch norms and ReLUs go over the memory one by one; Inductor makes one kernel of all that
        between two convolutions (as its code for CPUs shows).
        """
        from torch.fx.experimental.proxy_tensor import make_fx

        torch = self._torch
        eager = torch.inference_mode()(lambda values: model(values, training=False))
        try:
            with torch.no_grad():
                graph = make_fx(lambda values: model(values, training=False))(example)
            compiled = torch.inference_mode()(torch.compile(graph, dynamic=False))
            compiled(example)
            return compiled
        except Exception as error:
            if is_out_of_memory(error):
                raise
            print(f"  torch.compile failed, so eager: {first_line(error)}", file=sys.stderr)
            return eager

    def compile_product(self) -> Callable:
        """Return the matrix product, which is one kernel anyway."""
        return self._torch.inference_mode()(self._torch.matmul)


class TensorFlow:
    """TensorFlow's side of it: XLA, or a graph without it where that fails."""

    def __init__(self) -> None:
        import tensorflow

        self._tf = tensorflow
        self.version = f"tensorflow {tensorflow.__version__}"
        gpus = tensorflow.config.list_physical_devices("GPU")
        self.has_gpu = bool(gpus)
        details = tensorflow.config.experimental.get_device_details(gpus[0]) if gpus else {}
        self.device = details.get("device_name", "GPU" if gpus else "CPU")

    def put(self, array: np.ndarray):
        """Copy to the device, where TensorFlow places constants."""
        return self._tf.convert_to_tensor(array)

    page_locked = staticmethod(lambda array: array)

    def compile(self, model, example) -> Callable:
        """Try XLA on the example, because it fails only when it is called."""

        def call(values):
            return model(values, training=False)

        try:
            compiled = self._tf.function(call, jit_compile=True)
            compiled(example)
            return compiled
        except Exception as error:
            if is_out_of_memory(error):
                raise
            print(f"  XLA failed, so a graph without it: {first_line(error)}", file=sys.stderr)
            return self._tf.function(call)

    def compile_product(self) -> Callable:
        """Compile a matrix product."""
        return self._tf.function(self._tf.matmul, jit_compile=self.has_gpu)


RUNTIMES = {"torch": Torch, "jax": Jax, "tensorflow": TensorFlow}


def first_line(error: Exception) -> str:
    """Shorten what went wrong to a line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"


def is_out_of_memory(error: Exception) -> bool:
    """Tell a full device from everything else, in the words of all three."""
    text = f"{type(error).__name__} {error}".lower()
    return any(words in text for words in ("out of memory", "outofmemory", "resource_exhausted", "oom when"))


def wait_for(output) -> None:
    """Return when the device has finished: its value is needed to copy a corner of it."""
    import_keras().ops.convert_to_numpy(output[:1, :1])


def calls_per_second(step: Callable, *, seconds: float) -> float:
    """Run again and again, after two calls that compile and one that says how often."""
    wait_for(step())
    wait_for(step())
    started = time.perf_counter()
    wait_for(step())
    calls = max(2, math.ceil(seconds / (time.perf_counter() - started)))
    started = time.perf_counter()
    for _ in range(calls):
        output = step()
    wait_for(output)
    return calls / (time.perf_counter() - started)


def product_tflops(runtime, *, seconds: float) -> float:
    """Measure the chip's bfloat16 rate by a matrix product of random numbers."""
    ops = import_keras().ops
    size = 8192 if runtime.has_gpu else 512
    random = np.random.default_rng(0)
    left, right = (
        ops.cast(runtime.put(random.standard_normal((size, size), dtype=np.float32)), "bfloat16")
        for _ in range(2)
    )
    product = runtime.compile_product()
    return calls_per_second(lambda: product(left, right), seconds=seconds) * 2 * size**3 / 1e12


def synthesise_song(seed: int) -> np.ndarray:
    """Make 30 s of decaying notes with overtones over a little noise, float32, within -1 to 1."""
    random = np.random.default_rng(seed)
    rate_hz = frontend.SAMPLE_RATE_HZ
    samples = random.standard_normal(SONG_S * rate_hz) * 0.003
    ages_s = np.arange(2 * rate_hz) / rate_hz
    envelope = np.exp(-4 * ages_s)
    for start_s in np.arange(0, SONG_S, 0.25):
        pitch_hz = 110 * 2 ** (random.integers(36) / 12)
        note = sum(np.sin(2 * np.pi * pitch_hz * k * ages_s) / k for k in (1, 2, 3, 5)) * envelope
        start = int(start_s * rate_hz)
        samples[start : start + len(note)] += 0.1 * note[: len(samples) - start]
    return (samples / max(1.0, np.abs(samples).max())).astype(np.float32)


def synthesise_windows(n_songs: int) -> np.ndarray:
    """Cut songs into their windows [shape=(songs, 60, 48000)]."""
    count = frontend.count_windows(SONG_S * frontend.SAMPLE_RATE_HZ, hop_s=HOP_S)
    songs = (synthesise_song(seed) for seed in range(n_songs))
    return np.stack([next(frontend.windows([song], hop_s=HOP_S, batch_size=count)) for song in songs])


def measure_batch(runtime, embedder, batch: np.ndarray, *, seconds: float) -> dict[str, float]:
    """Measure windows per second of one model at one batch size."""
    front_end, network = embedder.get_layer("front_end"), embedder.get_layer("openl3_music_mel256_512")
    on_device, in_host = runtime.put(batch), runtime.page_locked(batch)
    whole = runtime.compile(embedder, on_device)
    rates = {
        "whole": calls_per_second(lambda: whole(on_device), seconds=seconds),
        "from_host": calls_per_second(lambda: whole(runtime.put(in_host)), seconds=seconds),
    }
    log_mels = runtime.compile(front_end, on_device)(on_device)
    alone = runtime.compile(network, log_mels)
    rates["network"] = calls_per_second(lambda: alone(log_mels), seconds=seconds)
    return {"batch_size": len(batch), **{name: rate * len(batch) for name, rate in rates.items()}}


def measure_precision(runtime, embedder, songs, arguments, say) -> list[dict[str, float]]:
    """Measure all batch sizes, going on where one is too large."""
    say(f"  {'batch':>7} {'windows/s':>10} {'network alone':>14} {'from the host':>14} {'TFLOP/s':>8}")
    windows = songs.reshape(-1, songs.shape[-1])
    rows = []
    for batch_size in arguments.batch_sizes:
        try:
            batch = np.ascontiguousarray(np.resize(windows, (batch_size, windows.shape[1])))
            row = measure_batch(runtime, embedder, batch, seconds=arguments.seconds)
        except Exception as error:
            say(f"  {batch_size:7} {'out of memory' if is_out_of_memory(error) else first_line(error)}")
            release_memory()
            continue
        row["tflops"] = row["whole"] * FLOP_PER_WINDOW / 1e12
        rows.append(row)
        say(
            f"  {batch_size:7} {row['whole']:10,.1f} {row['network']:14,.1f} {row['from_host']:14,.1f}"
            f" {row['tflops']:8.2f}"
        )
    return rows


def release_memory() -> None:
    """Give back what a failed attempt has left, where the backend keeps it."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def embed_songs(runtime, embedder, songs: np.ndarray) -> np.ndarray:
    """Compute the embeddings [shape=(songs, 60, 512)], a song at a time."""
    embed = runtime.compile(embedder, runtime.put(songs[0]))
    return np.stack([import_keras().ops.convert_to_numpy(embed(runtime.put(song))) for song in songs])


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compute the cosine of each pair of vectors in the last axis."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    return (one * other).sum(-1) / (np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1))


def check_front_end(runtime, embedder, windows: np.ndarray) -> float:
    """Return how far the device's log-mel spectrograms are from NumPy's where it is loud, in dB."""
    expected = frontend.log_mel(windows)
    on_device = runtime.put(windows)
    computed = runtime.compile(embedder.get_layer("front_end"), on_device)(on_device)
    difference = np.abs(import_keras().ops.convert_to_numpy(computed) - expected)
    return float(difference[expected > LOUD_DB].max())


def check_bfloat16(runtime, embedders, songs: np.ndarray, say) -> dict[str, float]:
    """Compare both precisions on all songs."""
    exact, rounded = (embed_songs(runtime, embedders[name], songs) for name in ("float32", "bfloat16"))
    errors = {
        "front_end_db": check_front_end(runtime, embedders["float32"], songs[0]),
        "relative_error": float(np.abs(rounded - exact).max() / np.abs(exact).max()),
        "least_window_cosine": float(cosines(rounded, exact).min()),
        "least_pooled_cosine": float(cosines(rounded.max(axis=1), exact.max(axis=1)).min()),
    }
    say(f"front end, device against NumPy, above {LOUD_DB:.0f} dB: {errors['front_end_db']:.1e} dB at worst")
    say(
        f"bfloat16 against float32, {len(songs)} songs of {songs.shape[1]} windows:"
        f" relative error {errors['relative_error']:.1e},"
        f" least cosine {errors['least_window_cosine']:.6f} of a window,"
        f" {errors['least_pooled_cosine']:.6f} of a song's maximum"
    )
    return errors


def summarise(precision: str, rows, peak: float, device: str, say) -> dict[str, float]:
    """Say the best rate, its part of the chip's bfloat16 rate, and the time for all songs."""
    best = max(rows, key=lambda row: row["whole"])
    windows = SONGS * frontend.count_windows(SONG_S * frontend.SAMPLE_RATE_HZ, hop_s=HOP_S)
    minutes = {name: windows / best[name] / 60 for name in ("whole", "from_host")}
    data_sheet = next((rate for chip, rate in DATA_SHEET_TFLOPS.items() if chip in device), None)
    sheet = f", {best['tflops'] / data_sheet:.1%} of the data sheet's {data_sheet}" if data_sheet else ""
    say(
        f"{precision}: best at batch {best['batch_size']}: {best['whole']:,.1f} windows/s,"
        f" {best['tflops']:.2f} TFLOP/s, {best['tflops'] / peak:.1%} of the product's {peak:.2f}{sheet}"
    )
    say(
        f"  {SONGS:,} songs of {SONG_S} s at hop {HOP_S} s ({windows:,} windows): {minutes['whole']:,.1f}"
        f" minutes, {minutes['from_host']:,.1f} with the samples' way to the device;"
        f" the bar is {BAR_MINUTES}"
    )
    return {**best, "minutes": minutes["whole"], "minutes_from_host": minutes["from_host"]}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", default="untrained", help="an .h5 file, 'openl3' or 'untrained'")
    parser.add_argument("--batch-sizes", default="64,128,256,512", help="windows at a time")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each number of the tables")
    parser.add_argument("--songs", type=int, default=4, help="to compare bfloat16 with float32 on")
    parser.add_argument("--json", action="store_true", help="a line of JSON at the end; the rest to stderr")
    parser.add_argument("--any-device", action="store_true", help="measure without a GPU, too")
    arguments = parser.parse_args()
    arguments.batch_sizes = [int(size) for size in arguments.batch_sizes.split(",")]
    return arguments


def open_runtime() -> Jax | Torch | TensorFlow:
    """Import Keras on the backend that is asked for, or else on the first that is there."""
    installed = [name for name in RUNTIMES if importlib.util.find_spec(name) is not None]
    if installed:
        os.environ.setdefault("KERAS_BACKEND", installed[0])
    backend = import_keras().backend.backend()
    if backend not in RUNTIMES:
        raise SystemExit(f"KERAS_BACKEND={backend} cannot be measured: choose one of {', '.join(RUNTIMES)}.")
    return RUNTIMES[backend]()


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    say = partial(print, file=sys.stderr if arguments.json else sys.stdout, flush=True)
    warnings.simplefilter("ignore")
    runtime = open_runtime()
    if not (runtime.has_gpu or arguments.any_device):
        raise SystemExit(f"{runtime.version} finds no GPU: nothing is measured without --any-device.")
    weights = find_weights(arguments.weights, models_dir=ROOT / "metadata" / "models", download=False)
    say(f"{runtime.device}, {runtime.version}, keras {import_keras().__version__}, weights {weights.name}")
    embedders = {name: build_embedder(weights.arrays, precision=name) for name in PRECISIONS}
    peak = product_tflops(runtime, seconds=arguments.seconds)
    say(f"bfloat16 matrix product: {peak:.2f} TFLOP/s")
    songs = synthesise_windows(arguments.songs)
    result = {"device": runtime.device, "backend": runtime.version, "product_tflops": peak}
    result["errors"] = check_bfloat16(runtime, embedders, songs, say)
    for precision in arguments.precisions:
        say(precision)
        rows = measure_precision(runtime, embedders[precision], songs, arguments, say)
        result[precision] = {"batches": rows}
        if rows:
            result[precision]["best"] = summarise(precision, rows, peak, runtime.device, say)
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
