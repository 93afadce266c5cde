"""The network on OpenVINO: converted once, cached, compiled; and quantised to int8 by NNCF."""

from __future__ import annotations

import io
import logging
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.embedding.network import EMBEDDING_SIZE, INPUT_SHAPE, build_network
from explorer.embedding.packages import import_keras_on_tensorflow, import_openvino
from explorer.embedding.weights import Weights
from explorer.errors import EmbeddingError

if TYPE_CHECKING:
    import openvino

_TOPOLOGY = "network.xml"
_CONSTANTS = "network.bin"
_BROKEN = (OSError, KeyError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile)

_HINTS = {
    "float32": ("f32", "ACCURACY"),
    "bfloat16": ("bf16", "PERFORMANCE"),
    # What is not quantised, the pooling at the end, stays exact.
    "int8": ("f32", "ACCURACY"),
}

MOST_STREAMS = 8
"""Windows that are embedded at once; each takes some 30 MB. Where there are more cores, they share them."""

WINDOWS_PER_STREAM = 16

_log = logging.getLogger(__name__)


def native_precisions() -> tuple[str, ...]:
    """List the precisions that the processor computes in, by OpenVINO's word.

    Returns
    -------
    tuple of str
        "float32", and "bfloat16" and "int8" where there are instructions for them. Whether they are
        faster has to be measured.
    """
    capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    named = {"bfloat16": "BF16", "int8": "INT8"}
    return ("float32", *(name for name, capability in named.items() if capability in capabilities))


def processor_name() -> str:
    """Return what the processor calls itself."""
    return str(import_openvino().Core().get_property("CPU", "FULL_DEVICE_NAME")).strip()


def converted_network(weights: Weights, *, cache_dir: Path) -> openvino.Model:
    """Return the network in OpenVINO's representation, converted once for weights and version.

    Parameters
    ----------
    weights : Weights
    cache_dir : Path
        Where it is kept, 19 MB. float32 and bfloat16 run the same one. A broken or unwritable cache
        costs time only.

    Returns
    -------
    openvino.Model
    """
    openvino = import_openvino()
    version = re.sub(r"[^\w.-]", "_", openvino.get_version())
    cached = Path(cache_dir) / f"openvino-{version}-float32-{weights.sha256[:16]}.zip"
    model = _read_cached(cached)
    if model is None:
        model = convert(weights)
        _write_cached(model, cached)
    return model


def convert(weights: Weights) -> openvino.Model:
    """Build the Keras network and convert it: seconds, and all that OpenVINO needs TensorFlow for."""
    import_keras_on_tensorflow(engine="openvino")
    openvino = import_openvino()
    network = build_network()
    network.set_weights(list(weights.arrays))
    with warnings.catch_warnings():
        # The converter passes the input in a tuple, at which Keras wonders aloud.
        warnings.filterwarnings("ignore", message="The structure of `inputs`")
        return openvino.convert_model(network, input=[-1, *INPUT_SHAPE])


def compile_network(
    model: openvino.Model, *, precision: str, threads: int | None
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Compile a network for this processor.

    Cores work on windows of their own, in as many streams as OpenVINO finds best. Cores that share a
    window wait for the slowest of them after every layer, and one of them decodes the next song.

    Returns
    -------
    infer : callable
        From log-mel spectrograms [shape=(n, 256, 199, 1), float32] to embeddings [shape=(n, 512)].
    batch_size : int
        Windows that it is best given at a time, so that the last ones are few among them.
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
    # Twice as many, so that a stream that is done finds its next window without waiting for Python.
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
        As `converted_network` gives it; it is not changed.
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
        return _pack(quantised, zipfile.ZIP_DEFLATED)
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
        return _unpack(io.BytesIO(packed))
    except _BROKEN as error:
        raise EmbeddingError(
            f"The library's int8 network is damaged ({error}): index with --precision auto --reindex."
        ) from error


def _unpack(source: Path | io.BytesIO) -> openvino.Model:
    with zipfile.ZipFile(source) as archive:
        topology, constants = archive.read(_TOPOLOGY), archive.read(_CONSTANTS)
    return import_openvino().Core().read_model(model=topology, weights=constants)


def _pack(model: openvino.Model, compression: int) -> bytes:
    """Put both files of a network into one, whose checksums zipfile verifies on reading."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        import_openvino().save_model(model, folder / _TOPOLOGY, compress_to_fp16=False)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for part in (_TOPOLOGY, _CONSTANTS):
                # ZipInfo has a fixed date, so that the same network makes the same bytes.
                archive.writestr(zipfile.ZipInfo(part), (folder / part).read_bytes(), compression)
        return packed.getvalue()


def _read_cached(path: Path) -> openvino.Model | None:
    try:
        return _unpack(path)
    except FileNotFoundError:
        return None
    except _BROKEN as error:
        _log.warning("Converting the network again: '%s' is broken (%s).", path, error)
        return None


def _write_cached(model: openvino.Model, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".converting-") as folder:
            whole = Path(folder) / path.name
            whole.write_bytes(_pack(model, zipfile.ZIP_STORED))
            whole.replace(path)
    except (OSError, RuntimeError) as error:
        _log.warning(
            "The converted network cannot be kept as '%s' (%s): the next start is slower.", path, error
        )
