"""The network on OpenVINO: built from its operations, compiled, and quantised to int8 by NNCF."""

from __future__ import annotations

import io
import logging
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
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
    # What is not quantised, the pooling at the end, stays exact.
    "int8": ("f32", "ACCURACY"),
}

MOST_STREAMS = 8
"""Most windows that are embedded at the same time; each takes about 30 MB."""

WINDOWS_PER_STREAM = 16


def native_precisions() -> tuple[str, ...]:
    """List the precisions that the processor has instructions for, as OpenVINO reports them.

    Returns
    -------
    tuple of str
        "float32", and "bfloat16" and "int8" where there are instructions for them. Only a measurement
        tells whether they are faster.
    """
    capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    named = {"bfloat16": "BF16", "int8": "INT8"}
    return ("float32", *(name for name, capability in named.items() if capability in capabilities))


def openvino_network(weights: Weights) -> openvino.Model:
    """Build the network from OpenVINO's own operations; it takes half a second and needs no Keras.

    The layers are those of `network.build_network`. OpenVINO computes on (n, channels, rows, columns),
    so the input is transposed and each kernel, (rows, columns, in, out) in Keras, is turned to
    (out, in, rows, columns).

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
        # The operation has two outputs, values and where they were found; the first one is wanted.
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

    Each core computes a window of its own, in as many streams as OpenVINO finds best. Cores that share
    one window would wait for the slowest of them after every layer.

    Parameters
    ----------
    model : openvino.Model
        As `openvino_network` or `unpack_network` gives it.
    precision : {"float32", "bfloat16", "int8"}
    threads : int or None
        Threads to compute with; by default all cores.

    Returns
    -------
    infer : callable
        From log-mel spectrograms [shape=(n, 256, 199, 1), float32] to embeddings [shape=(n, 512)].
    batch_size : int
        Windows to give it at a time: so many that every stream is busy most of the time.
    """
    openvino = import_openvino()
    hint, mode = _HINTS[precision]
    properties = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "PERFORMANCE_HINT_NUM_REQUESTS": str(MOST_STREAMS),
        "EXECUTION_MODE_HINT": mode,
        "INFERENCE_PRECISION_HINT": hint,
    }
    if threads is not None:
        properties["INFERENCE_NUM_THREADS"] = str(threads)
    compiled = openvino.Core().compile_model(model, "CPU", properties)
    streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    # Two requests a stream: when one ends, the next one is waiting already.
    jobs = openvino.AsyncInferQueue(compiled, 2 * streams)

    def infer(log_mels: np.ndarray) -> np.ndarray:
        embeddings = np.empty((len(log_mels), EMBEDDING_SIZE), np.float32)

        def keep(request: openvino.InferRequest, index: int) -> None:
            embeddings[index] = request.get_output_tensor().data[0]

        jobs.set_callback(keep)
        for index, log_mel in enumerate(log_mels):
            jobs.start_async([log_mel[np.newaxis]], index, share_inputs=True)
        jobs.wait_all()
        return embeddings

    return infer, WINDOWS_PER_STREAM * streams


def quantise(model: openvino.Model, log_mels: np.ndarray) -> bytes:
    """Quantise a network to int8: weights per filter, activations by their ranges on real sound.

    NNCF's post-training quantisation (Nagel et al., "A White Paper on Neural Network Quantization",
    2021, describes the method). The same network and windows give the same result.

    Parameters
    ----------
    model : openvino.Model
        As `openvino_network` gives it; it is not changed.
    log_mels : np.ndarray [shape=(n, 256, 199, 1), float32]
        Windows to calibrate on; 64 of a user's own songs are enough.

    Returns
    -------
    bytes
        For `unpack_network`, 4 MB.

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
            "Precision int8 needs the package 'nncf', which is not installed: install requirements.txt or"
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
    """Read a network that `quantise` made.

    Raises
    ------
    EmbeddingError
        If the bytes are damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            topology, constants = archive.read(_TOPOLOGY), archive.read(_CONSTANTS)
        return import_openvino().Core().read_model(model=topology, weights=constants)
    except (OSError, KeyError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise EmbeddingError(
            f"The library's int8 network is damaged ({error}): index with --precision auto --reindex."
        ) from error


def _pack(model: openvino.Model) -> bytes:
    """Put both files of a network into one zip archive; zipfile verifies its checksums on reading."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        import_openvino().save_model(model, folder / _TOPOLOGY, compress_to_fp16=False)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for part in (_TOPOLOGY, _CONSTANTS):
                # ZipInfo has a fixed date, so that the same network makes the same bytes.
                archive.writestr(zipfile.ZipInfo(part), (folder / part).read_bytes(), zipfile.ZIP_DEFLATED)
        return packed.getvalue()
