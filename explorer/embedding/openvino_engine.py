"""Build OpenL3's network from OpenVINO operations, compile it, and quantise it to int8 with NNCF."""

from __future__ import annotations

import io
import logging
import queue
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.embedding.model_weights import Weights
from explorer.embedding.network import (
    BATCH_NORM_EPSILON,
    BLOCK_FILTERS,
    EMBEDDING_SIZE,
    INPUT_SHAPE,
    POOL_AFTER_BLOCK,
    POOL_AT_END,
)
from explorer.embedding.packages import import_openvino
from explorer.errors import EmbeddingError

if TYPE_CHECKING:
    import openvino

_TOPOLOGY = "network.xml"
_CONSTANTS = "network.bin"

_HINTS = {
    "float32": ("f32", "ACCURACY"),
    "bfloat16": ("bf16", "PERFORMANCE"),
    # For layers that int8 quantisation leaves unchanged: the final pooling stays exact.
    "int8": ("f32", "ACCURACY"),
}

MAX_STREAMS = 8
"""Maximum number of windows that are embedded in parallel; each takes about 30 MB."""

WINDOWS_PER_STREAM = 16

CALLS_AT_ONCE = 2
"""How many threads may run a network at once: the streams work on the next batch while one batch ends."""


@cache
def _core() -> openvino.Core:
    """Return the one `Core` of this process, which is never deleted.

    OpenVINO's CPU plugin gives the thread that loads it a stack for signal handlers, and frees that stack
    when the plugin is unloaded. With several `Core` objects, the thread could keep a stack that is freed:
    then Ctrl-C would end the process by a segmentation fault.
    """
    return import_openvino().Core()


def native_precisions() -> tuple[str, ...]:
    """List the precisions that are worth measuring on this processor.

    Returns
    -------
    tuple of str
        "float32" and "int8", which every processor can compute, and "bfloat16" if the processor has
        instructions for it. int8 is also faster without instructions of its own: with AVX2 alone, twice as
        fast as float32. Only a measurement shows by how much.
    """
    capabilities = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("float32", "bfloat16", "int8") if "BF16" in capabilities else ("float32", "int8")


def openvino_network(weights: Weights) -> openvino.Model:
    """Build the network from OpenVINO operations, in half a second and without Keras.

    The layers are those of `network.build_network`. OpenVINO's order of axes is (n, channels, rows,
    columns). So the input is transposed, and each kernel is transposed from Keras's (rows, columns, in, out)
    to (out, in, rows, columns).

    Parameters
    ----------
    weights : Weights

    Returns
    -------
    openvino.Model
        Input [shape=(n, 256, 199, 1), float32, dB], output [shape=(n, 512), float32].
    """
    openvino = import_openvino()
    from openvino import opset13 as ops

    arrays = iter(weights.arrays)

    def batch_norm(values: openvino.Node) -> openvino.Node:
        gamma, beta, mean, variance = (next(arrays) for _ in range(4))
        return ops.batch_norm_inference(values, gamma, beta, mean, variance, BATCH_NORM_EPSILON)

    def convolution(values: openvino.Node) -> openvino.Node:
        kernel, bias = next(arrays), next(arrays)
        kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        values = ops.convolution(values, kernel, [1, 1], [0, 0], [0, 0], [1, 1], auto_pad="same_upper")
        return ops.add(values, bias.reshape(1, -1, 1, 1))

    def max_pool(values: openvino.Node, size: tuple[int, int]) -> openvino.Output:
        # The operation has two outputs: the maxima and their positions.
        return ops.max_pool(values, size, [1, 1], [0, 0], [0, 0], size, "floor").output(0)

    log_mel = ops.parameter([-1, *INPUT_SHAPE], np.float32, name="log_mel")
    values = batch_norm(ops.transpose(log_mel, [0, 3, 1, 2]))
    for block in range(1, len(BLOCK_FILTERS) + 1):
        values = convolution(ops.relu(batch_norm(convolution(values))))
        if block < len(BLOCK_FILTERS):
            values = max_pool(ops.relu(batch_norm(values)), POOL_AFTER_BLOCK)
    embedding = ops.reshape(max_pool(values, POOL_AT_END), [-1, EMBEDDING_SIZE], special_zero=False)
    return openvino.Model([embedding], [log_mel], "openl3_music_mel256_512")


def compile_network(
    model: openvino.Model, *, precision: str, threads: int | None
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Compile a network for this processor.

    Several streams run in parallel, and each embeds another window; OpenVINO chooses their number. If all
    cores computed the same window, they would wait for the slowest core after every layer. A call returns
    after its last window, when most streams have nothing to do; a second call from another thread keeps them
    busy.

    Parameters
    ----------
    model : openvino.Model
        A result of `openvino_network` or `unpack_network`.
    precision : {"float32", "bfloat16", "int8"}
    threads : int or None
        Number of threads that compute; by default all cores.

    Returns
    -------
    infer : callable
        From log-mel spectrograms [shape=(n, 256, 199, 1), float32] to embeddings [shape=(n, 512)].
        `CALLS_AT_ONCE` threads may call it at once, and others wait.
    batch_size : int
        Windows per call: enough to keep every stream busy most of the time.
    """
    openvino = import_openvino()
    hint, mode = _HINTS[precision]
    properties = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "PERFORMANCE_HINT_NUM_REQUESTS": str(MAX_STREAMS),
        "EXECUTION_MODE_HINT": mode,
        "INFERENCE_PRECISION_HINT": hint,
    }
    if threads is not None:
        properties["INFERENCE_NUM_THREADS"] = str(threads)
    compiled = _core().compile_model(model, "CPU", properties)
    streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    idle: queue.SimpleQueue[openvino.AsyncInferQueue] = queue.SimpleQueue()
    for _ in range(CALLS_AT_ONCE):
        # Two requests per stream: when a stream ends one, the next one is already in the queue.
        idle.put(openvino.AsyncInferQueue(compiled, 2 * streams))

    def infer(log_mels: np.ndarray) -> np.ndarray:
        embeddings = np.empty((len(log_mels), EMBEDDING_SIZE), np.float32)

        def store(request: openvino.InferRequest, index: int) -> None:
            embeddings[index] = request.get_output_tensor().data[0]

        requests = idle.get()
        try:
            requests.set_callback(store)
            for index, log_mel in enumerate(log_mels):
                requests.start_async([log_mel[np.newaxis]], index, share_inputs=True)
            requests.wait_all()
        finally:
            idle.put(requests)
        return embeddings

    return infer, WINDOWS_PER_STREAM * streams


def quantise(model: openvino.Model, log_mels: np.ndarray) -> bytes:
    """Quantise a network to int8: weights with a scale per filter, activations by their range on real sound.

    NNCF does it by post-training quantisation, which Nagel et al. describe in "A White Paper on Neural
    Network Quantization" (2021). The same network and windows give the same result.

    Parameters
    ----------
    model : openvino.Model
        A result of `openvino_network`; it is not changed.
    log_mels : np.ndarray [shape=(n, 256, 199, 1), float32]
        Windows for the calibration; 64 windows of a user's own songs are enough.

    Returns
    -------
    bytes
        A packed network of 4 MB for `unpack_network`.

    Raises
    ------
    EmbeddingError
        If NNCF is not installed or fails.
    """
    import_openvino()
    try:
        import nncf
    except ImportError as error:
        raise EmbeddingError(
            "Precision int8 needs the package 'nncf', which is not installed: install requirements.lock or"
            " choose another precision."
        ) from error
    nncf.set_log_level(logging.ERROR)
    dataset = nncf.Dataset(list(log_mels[:, np.newaxis]))
    try:
        with redirect_stdout(io.StringIO()):
            quantised = nncf.quantize(model.clone(), dataset, subset_size=len(log_mels))
        return _pack(quantised)
    except Exception as error:
        raise EmbeddingError(
            f"The network could not be quantised to int8 ({type(error).__name__}: {error}): choose another"
            " precision."
        ) from error


def unpack_network(packed: bytes) -> openvino.Model:
    """Load a network that `quantise` made.

    Raises
    ------
    EmbeddingError
        If the bytes are damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            topology, constants = archive.read(_TOPOLOGY), archive.read(_CONSTANTS)
        return _core().read_model(model=topology, weights=constants)
    except (OSError, KeyError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise EmbeddingError(
            f"The library's int8 network is damaged ({error}): run index with --precision auto --reindex."
        ) from error


def _pack(model: openvino.Model) -> bytes:
    """Put both files of a network into one zip archive, whose checksums `zipfile` verifies on reading."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        import_openvino().save_model(model, folder / _TOPOLOGY, compress_to_fp16=False)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for part in (_TOPOLOGY, _CONSTANTS):
                # ZipInfo has a fixed date, so that the same network gives the same bytes.
                archive.writestr(zipfile.ZipInfo(part), (folder / part).read_bytes(), zipfile.ZIP_DEFLATED)
        return packed.getvalue()
