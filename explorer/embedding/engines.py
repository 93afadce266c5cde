"""What runs the network: log-mel spectrograms in, embeddings out.

Both engines run the same Keras network with the same weights and agree within 1e-4 relative error.
"""

from __future__ import annotations

import logging
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.embedding.network import EMBEDDING_SIZE, INPUT_SHAPE, build_network, import_keras
from explorer.embedding.weights import Weights
from explorer.errors import EmbeddingError

if TYPE_CHECKING:
    import keras
    import openvino

ENGINES = ("openvino", "tensorflow")
PRECISIONS = ("float32",)

BATCH_SIZE = 8
"""Windows at a time. Two cores are as fast with 1 to 16, TensorFlow a third slower with 1; 16 would
take 200 MB more memory."""

_TOPOLOGY = "network.xml"
_CONSTANTS = "network.bin"

_log = logging.getLogger(__name__)

_Infer = Callable[[np.ndarray], np.ndarray]


class Engine:
    """A network ready to run; get one from `open_engine`. For one thread at a time.

    Attributes
    ----------
    name : str
        One of `ENGINES`.
    precision : str
        One of `PRECISIONS`.
    batch_size : int
        The number of windows that it is best given at a time. Fewer cost no more per window.
    """

    def __init__(self, infer: _Infer, *, name: str, precision: str, batch_size: int) -> None:
        self._infer = infer
        self.name = name
        self.precision = precision
        self.batch_size = batch_size

    def embed(self, log_mels: np.ndarray) -> np.ndarray:
        """Compute the embeddings of windows.

        Parameters
        ----------
        log_mels : np.ndarray [shape=(n, 256, 199, 1), float32]
            As `frontend.log_mel` makes them, dB; any number of windows, or none.

        Returns
        -------
        np.ndarray [shape=(n, 512), float32]

        Raises
        ------
        EmbeddingError
            If the shape is another, or a spectrogram or embedding is not finite.
        """
        if log_mels.shape[1:] != INPUT_SHAPE:
            raise EmbeddingError(
                f"Log-mel spectrograms of shape {log_mels.shape} must be of shape (n, 256, 199, 1)."
            )
        log_mels = np.asarray(log_mels, dtype=np.float32)
        # Checked before too, because ReLU and maximum pooling can turn NaN into a number.
        self._check_finite(log_mels, "was given spectrograms")
        embeddings = np.empty((len(log_mels), EMBEDDING_SIZE), np.float32)
        for chunk in _chunks(len(log_mels), self.batch_size):
            embeddings[chunk] = self._infer(log_mels[chunk])
        self._check_finite(embeddings, "made embeddings")
        return embeddings

    def _check_finite(self, values: np.ndarray, what: str) -> None:
        if not np.isfinite(values).all():
            raise EmbeddingError(
                f"The {self.name} engine {what} that are not finite: the sound is out of range, or the"
                " weights are damaged."
            )


def _chunks(count: int, batch_size: int) -> Iterator[slice]:
    """Cut a count into powers of two, so that an engine prepares for a handful of shapes only."""
    start = 0
    while start < count:
        size = min(batch_size, 1 << ((count - start).bit_length() - 1))
        yield slice(start, start + size)
        start += size


def open_engine(
    name: str,
    weights: Weights,
    *,
    cache_dir: Path,
    precision: str = "float32",
    threads: int | None = None,
) -> Engine:
    """Prepare the network for running.

    Parameters
    ----------
    name : {"openvino", "tensorflow"}
        OpenVINO is the fastest on CPUs; TensorFlow uses a GPU where it finds one.
    weights : Weights
        As `find_weights` gives them.
    cache_dir : Path
        Where OpenVINO's converted network is kept, 19 MB for each set of weights and version of
        OpenVINO. Only converting it needs TensorFlow. A broken or unwritable cache costs time only.
    precision : {"float32"}
        Arithmetic of the network.
    threads : int or None
        Threads to compute with; by default all cores. TensorFlow can be told only once in a
        process, before it has computed anything.

    Returns
    -------
    Engine

    Raises
    ------
    EmbeddingError
        If there is no such engine or precision, its package is missing, or `threads` is less than 1
        or comes too late.
    """
    if name not in ENGINES:
        raise EmbeddingError(f"Engine '{name}' does not exist: choose one of {', '.join(ENGINES)}.")
    if precision not in PRECISIONS:
        raise EmbeddingError(
            f"Precision '{precision}' does not exist: choose one of {', '.join(PRECISIONS)}."
        )
    if threads is not None and threads < 1:
        raise EmbeddingError(f"threads={threads} must be at least 1.")
    if name == "openvino":
        infer = _open_openvino(weights, cache_dir=Path(cache_dir), precision=precision, threads=threads)
    else:
        infer = _open_tensorflow(weights, threads=threads)
    return Engine(infer, name=name, precision=precision, batch_size=BATCH_SIZE)


def _open_tensorflow(weights: Weights, *, threads: int | None) -> _Infer:
    _import_keras_on_tensorflow(engine="tensorflow")
    import tensorflow

    # Without this, GPUs since Ampere multiply with 10 bits of mantissa and miss the 1e-4.
    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    if threads is not None:
        try:
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        except RuntimeError as error:
            raise EmbeddingError(
                f"TensorFlow cannot change to {threads} threads once it has computed: set them first."
            ) from error
    return _network_with(weights).predict_on_batch


def _open_openvino(weights: Weights, *, cache_dir: Path, precision: str, threads: int | None) -> _Infer:
    _require("openvino", engine="openvino")
    import openvino

    core = openvino.Core()
    version = re.sub(r"[^\w.-]", "_", openvino.get_version())
    cached = cache_dir / f"openvino-{version}-{precision}-{weights.sha256[:16]}.zip"
    model = _read_cached(core, cached)
    if model is None:
        model = _convert(weights)
        _write_cached(model, cached)
    properties = {
        "PERFORMANCE_HINT": "LATENCY",
        "EXECUTION_MODE_HINT": "ACCURACY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    if threads is not None:
        properties["INFERENCE_NUM_THREADS"] = str(threads)
    request = core.compile_model(model, "CPU", properties).create_infer_request()
    return lambda log_mels: request.infer([log_mels], share_inputs=True)[0]


def _convert(weights: Weights) -> openvino.Model:
    _import_keras_on_tensorflow(engine="openvino")
    import openvino

    with warnings.catch_warnings():
        # The converter passes the input in a tuple, at which Keras wonders aloud.
        warnings.filterwarnings("ignore", message="The structure of `inputs`")
        return openvino.convert_model(_network_with(weights), input=[-1, *INPUT_SHAPE])


def _read_cached(core: openvino.Core, path: Path) -> openvino.Model | None:
    try:
        with zipfile.ZipFile(path) as archive:
            topology, constants = archive.read(_TOPOLOGY), archive.read(_CONSTANTS)
        return core.read_model(model=topology, weights=constants)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("Converting the network again: '%s' is broken (%s).", path, error)
        return None


def _write_cached(model: openvino.Model, path: Path) -> None:
    """Keep both files of a converted network in one, whose checksums zipfile verifies on reading."""
    import openvino

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".converting-") as name:
            folder = Path(name)
            openvino.save_model(model, folder / _TOPOLOGY, compress_to_fp16=False)
            with zipfile.ZipFile(folder / path.name, "w") as archive:
                for part in (_TOPOLOGY, _CONSTANTS):
                    archive.write(folder / part, part)
            (folder / path.name).replace(path)
    except (OSError, RuntimeError) as error:
        _log.warning(
            "The converted network cannot be kept as '%s' (%s): the next start is slower.", path, error
        )


def _import_keras_on_tensorflow(*, engine: str) -> None:
    _require("keras", "tensorflow", engine=engine)
    backend = import_keras().backend.backend()
    if backend != "tensorflow":
        raise EmbeddingError(
            f"The {engine} engine needs Keras on TensorFlow, but KERAS_BACKEND is '{backend}': unset it."
        )


def _network_with(weights: Weights) -> keras.Model:
    network = build_network()
    network.set_weights(list(weights.arrays))
    return network


def _require(*packages: str, engine: str) -> None:
    for package in packages:
        try:
            is_there = find_spec(package) is not None
        except (ImportError, ValueError):
            is_there = False
        if not is_there:
            raise EmbeddingError(
                f"The {engine} engine needs the package '{package}', which is not installed: install"
                " requirements.txt or choose another engine."
            )
