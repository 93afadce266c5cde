"""Measures how many windows per second a GPU embeds, and how exact bfloat16 is.

    KERAS_BACKEND=torch python benchmarks/gpu.py [--batch-sizes 64 128 256 512]
        [--seconds 3] [--precisions bfloat16 float32] [--songs 4]

The benchmark needs Keras with PyTorch, JAX or TensorFlow, and NumPy, SciPy and h5py. It needs no download and
none of our other requirements. Without KERAS_BACKEND it uses the first installed of the three backends. For
each precision and batch size it prints the windows per second of

- the whole model, from samples in device memory to embeddings;
- the network alone, from log-mel spectrograms;
- the whole model, from float32 samples in host memory (page-locked if the backend supports it),

and which share of the chip's bfloat16 speed this is. That speed is measured with a large matrix product in
the same run. The benchmark also prints the difference between bfloat16 and float32 on synthetic songs, and
the time for 100,000 songs of 30 s. Every shape is compiled and run once before it is timed.
"""

from __future__ import annotations

import gc
import importlib.util
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from common import FLOP_PER_WINDOW, Options, print_head, print_table

from explorer.embedding import frontend, window_grid
from explorer.embedding.keras_frontend import build_embedder
from explorer.embedding.model_weights import untrained_weights
from explorer.embedding.network import import_keras

PRECISIONS = ("bfloat16", "float32")
SONGS, SONG_S, HOP_S, LIMIT_MINUTES = 100_000, 30, 0.5, 10
LOUD_DB = -50.0
"""Front ends are compared only above this level; below it, rounding of the Fourier transforms dominates."""


class Jax:
    """JAX: one XLA program for each shape."""

    def __init__(self) -> None:
        import jax

        self._jax = jax
        self.version = f"jax {jax.__version__}"
        self.has_gpu = jax.default_backend() != "cpu"
        self.device = jax.devices()[0].device_kind
        self.put = jax.device_put

    page_locked = staticmethod(lambda array: array)

    def compile(self, model, _example) -> Callable:
        """Compile a model. Weights are arguments: with constant weights, XLA would compile for minutes."""
        trainable = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]
        call = self._jax.jit(lambda *arguments: model.stateless_call(*arguments, training=False)[0])
        return partial(call, trainable, others)

    def product(self, left, right):
        """Multiply matrices in the default precision, regardless of the precision configured for float32."""
        return self._jax.numpy.matmul(left, right, precision="default")


class Torch:
    """PyTorch: a flat graph compiled by Inductor, or eager mode if compiling fails."""

    def __init__(self) -> None:
        import torch

        self._torch = torch
        self.version = f"torch {torch.__version__}"
        self.has_gpu = torch.cuda.is_available()
        self.device = torch.cuda.get_device_name(0) if self.has_gpu else "CPU"
        torch.backends.cudnn.benchmark = True
        # Each batch size is a separate compiled graph. Above the limit, Dynamo silently runs in eager mode.
        for name in ("recompile_limit", "cache_size_limit"):
            if hasattr(torch._dynamo.config, name):
                setattr(torch._dynamo.config, name, 256)

    def put(self, array):
        """Copy to the device; do not wait for the copy if the memory is page-locked."""
        tensor = self._torch.from_numpy(array) if isinstance(array, np.ndarray) else array
        return tensor.to("cuda" if self.has_gpu else "cpu", non_blocking=True)

    def page_locked(self, array: np.ndarray):
        """Copy to page-locked memory, which the device can read directly."""
        tensor = self._torch.from_numpy(array)
        return tensor.pin_memory() if self.has_gpu else tensor

    def compile(self, model, example) -> Callable:
        """Compile a model, after tracing it to ATen operations: Dynamo splits Keras's code into five graphs.

        In eager mode, Keras copies the input of every convolution to channels_first and back, and each batch
        norm and ReLU reads the memory again. Inductor makes one kernel of all operations between two
        convolutions.
        """
        from torch.fx.experimental.proxy_tensor import make_fx

        torch = self._torch
        eager = torch.inference_mode()(lambda values: model(values, training=False))

        def traced() -> Callable:
            with torch.no_grad():
                graph = make_fx(lambda values: model(values, training=False))(example)
            return torch.inference_mode()(torch.compile(graph, dynamic=False))

        return first_that_runs(traced, eager, example)


class TensorFlow:
    """TensorFlow: XLA on a GPU; a graph without XLA on a CPU, or if XLA fails."""

    def __init__(self) -> None:
        import tensorflow

        self._tf = tensorflow
        self.version = f"tensorflow {tensorflow.__version__}"
        gpus = tensorflow.config.list_physical_devices("GPU")
        self.has_gpu = bool(gpus)
        details = tensorflow.config.experimental.get_device_details(gpus[0]) if gpus else {}
        self.device = details.get("device_name", "GPU" if gpus else "CPU")
        self.put = tensorflow.convert_to_tensor

    page_locked = staticmethod(lambda array: array)

    def compile(self, model, example) -> Callable:
        """Compile a model, and run it on the example: XLA fails only when the model is called."""
        call = partial(model, training=False)
        compiled = self._tf.function(call, jit_compile=self.has_gpu)
        return first_that_runs(lambda: compiled, self._tf.function(call), example)


RUNTIMES = {"torch": Torch, "jax": Jax, "tensorflow": TensorFlow}


def first_that_runs(compile_it: Callable[[], Callable], fallback: Callable, example) -> Callable:
    """Compile, run on the example, and return the compiled function; if that fails, return the fallback."""
    try:
        compiled = compile_it()
        compiled(example)
        return compiled
    except Exception as error:
        print(f"Compiling failed, so the model runs without it: {error!r:.200}", file=sys.stderr)
        return fallback


def open_runtime() -> Jax | Torch | TensorFlow:
    """Import Keras with the backend in $KERAS_BACKEND, or with the first installed backend."""
    installed = [name for name in RUNTIMES if importlib.util.find_spec(name)]
    if not (installed and importlib.util.find_spec("keras")):
        sys.exit("gpu.py needs Keras with PyTorch, JAX or TensorFlow: pip install keras torch")
    os.environ.setdefault("KERAS_BACKEND", installed[0])
    backend = import_keras().backend.backend()
    if backend not in RUNTIMES:
        sys.exit(f"KERAS_BACKEND={backend} cannot be measured: choose one of {', '.join(RUNTIMES)}.")
    return RUNTIMES[backend]()


def to_numpy(output) -> np.ndarray:
    """Copy from the device; this waits until the device has finished."""
    return import_keras().ops.convert_to_numpy(output)


def calls_per_second(step: Callable, *, seconds: float) -> float:
    """Return the rate of a step, after two calls that compile and one that estimates the number of calls."""
    for _ in range(2):
        to_numpy(step()[:1, :1])
    started = time.perf_counter()
    to_numpy(step()[:1, :1])
    calls = math.ceil(seconds / (time.perf_counter() - started))
    started = time.perf_counter()
    for _ in range(calls):
        output = step()
    to_numpy(output[:1, :1])
    return calls / (time.perf_counter() - started)


def product_tflops(runtime, *, seconds: float) -> float:
    """Measure the chip's bfloat16 rate with a matrix product of random numbers."""
    size = 8192 if runtime.has_gpu else 512
    factors = np.random.default_rng(0).standard_normal((2, size, size), dtype=np.float32)
    ops = import_keras().ops
    left, right = (ops.cast(runtime.put(factor), "bfloat16") for factor in factors)
    product = getattr(runtime, "product", ops.matmul)
    return calls_per_second(lambda: product(left, right), seconds=seconds) * 2 * size**3 / 1e12


def synthesise_songs(count: int, seconds: float) -> np.ndarray:
    """Make songs of decaying notes and some noise; return their windows [shape=(songs, windows, 48000)]."""
    rng, rate_hz = np.random.default_rng(0), frontend.SAMPLE_RATE_HZ
    ages_s = np.arange(2 * rate_hz) / rate_hz
    songs = []
    for _ in range(count):
        samples = rng.standard_normal(int(seconds * rate_hz)) * 0.003
        for start in range(0, len(samples), rate_hz // 4):
            pitch_hz = 110 * 2 ** (rng.integers(36) / 12)
            tones = (np.sin(2 * np.pi * pitch_hz * k * ages_s) / k for k in (1, 2, 3, 5))
            note = sum(tones) * np.exp(-4 * ages_s)
            samples[start : start + len(note)] += 0.1 * note[: len(samples) - start]
        samples = (samples / max(1.0, np.abs(samples).max())).astype(np.float32)
        songs.append(next(frontend.windows([samples], hop_s=HOP_S, batch_size=10**6)))
    return np.stack(songs)


def measure_batch(runtime, embedder, batch: np.ndarray, *, seconds: float) -> dict[str, float]:
    """Measure windows per second of one model at one batch size."""
    front_end, network = embedder.get_layer("front_end"), embedder.get_layer("openl3_music_mel256_512")
    on_device, in_host = runtime.put(batch), runtime.page_locked(batch)
    whole = runtime.compile(embedder, on_device)
    log_mels = runtime.compile(front_end, on_device)(on_device)
    alone = runtime.compile(network, log_mels)
    steps = {
        "whole": lambda: whole(on_device),
        "network": lambda: alone(log_mels),
        "from_host": lambda: whole(runtime.put(in_host)),
    }
    return {name: len(batch) * calls_per_second(step, seconds=seconds) for name, step in steps.items()}


def rate_rows(runtime, embedders, songs: np.ndarray, arguments, peak: float) -> Iterator[tuple]:
    """Yield a row for each precision and batch size. If a size cannot be measured, its row has the error."""
    windows = songs.reshape(-1, songs.shape[-1])
    all_windows = SONGS * window_grid.count_windows(SONG_S * frontend.SAMPLE_RATE_HZ, hop_s=HOP_S)
    for precision in arguments.precisions:
        for size in arguments.batch_sizes:
            try:
                batch = np.ascontiguousarray(np.resize(windows, (size, windows.shape[1])))
                rates = measure_batch(runtime, embedders[precision], batch, seconds=arguments.seconds)
            except Exception as error:
                yield precision, size, f"{error!r:.200}", *[""] * 5
                # The next size needs the memory that the failed attempt still holds.
                gc.collect()
                if torch := sys.modules.get("torch"):
                    torch.cuda.empty_cache()
                continue
            tflops = rates["whole"] * FLOP_PER_WINDOW / 1e12
            minutes = f"{all_windows / rates['from_host'] / 60:,.1f} min"
            shown = (f"{rate:,.1f}" for rate in rates.values())
            yield precision, size, *shown, f"{tflops:.2f}", f"{tflops / peak:.0%}", minutes


def compare_precisions(runtime, embedders, songs: np.ndarray) -> None:
    """Print the differences between the device's and NumPy's front end, and between bfloat16 and float32."""

    def run(model, windows: np.ndarray) -> np.ndarray:
        return to_numpy(runtime.compile(model, runtime.put(windows))(runtime.put(windows)))

    expected = frontend.log_mel(songs[0])
    computed = run(embedders["float32"].get_layer("front_end"), songs[0])
    difference = np.abs(computed - expected)[expected > LOUD_DB].max()
    print(f"front end, device against NumPy, above {LOUD_DB:.0f} dB: {difference:.1e} dB at worst")
    if "bfloat16" in embedders:
        exact, rounded = (run(embedders[name], np.concatenate(songs)) for name in ("float32", "bfloat16"))
        norms = np.linalg.norm(rounded, axis=-1) * np.linalg.norm(exact, axis=-1)
        print(
            f"bfloat16 against float32, {len(exact)} windows: relative error "
            f"{np.abs(rounded - exact).max() / np.abs(exact).max():.1e}, least cosine "
            f"{((rounded * exact).sum(axis=-1) / norms).min():.6f}"
        )


def main() -> None:
    """Measure and print the table."""
    options = Options(__doc__)
    options.add("--batch-sizes", type=int, nargs="+", default=[64, 128, 256, 512], smallest=[1])
    options.add("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS, smallest=["float32"])
    options.add(
        "--seconds",
        type=float,
        default=3.0,
        smallest=0.01,
        help="Duration of the measurement for each number of the table.",
    )
    options.add("--songs", type=int, default=4, smallest=1, help="Songs for comparing bfloat16 with float32.")
    options.add("--song-seconds", type=float, default=SONG_S, smallest=0.4)
    options.add("--any-device", action="store_true", smallest=True, help="Measure also without a GPU.")
    arguments = options.parse()
    warnings.simplefilter("ignore")
    print_head()
    runtime = open_runtime()
    if not (runtime.has_gpu or arguments.any_device):
        sys.exit(f"{runtime.version} finds no GPU: add --any-device to measure without one.")
    print(f"{runtime.device}, {runtime.version}, keras {import_keras().__version__}, untrained weights")
    arrays, names = untrained_weights().arrays, {*arguments.precisions, "float32"}
    embedders = {name: build_embedder(arrays, precision=name) for name in names}
    peak = product_tflops(runtime, seconds=arguments.seconds)
    print(f"bfloat16 matrix product: {peak:.2f} TFLOP/s")
    songs = synthesise_songs(arguments.songs, arguments.song_seconds)
    compare_precisions(runtime, embedders, songs)
    head = ("", "batch", "windows/s", "network alone", "from the host", "TFLOP/s", "of the product")
    head += (f"{SONGS:,} songs of {SONG_S} s (limit: {LIMIT_MINUTES} min)",)
    print()
    print_table(head, rate_rows(runtime, embedders, songs, arguments, peak))


if __name__ == "__main__":
    main()
