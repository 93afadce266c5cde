"""Compute the embeddings of windows with OpenL3's network, in one of three engines with the same interface.

The engines use the same weights and agree within 1e-4 relative error in float32. Every engine works in two
steps, which can run in parallel: `Engine.prepare` turns windows into the network's inputs, and
`Engine.embed` runs the network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from explorer.embedding.frontend import log_mel
from explorer.embedding.model_weights import Weights
from explorer.embedding.network import EMBEDDING_SIZE, INPUT_SHAPE, build_network, forbid_tf32
from explorer.embedding.openvino_engine import (
    CALLS_AT_ONCE,
    compile_network,
    openvino_network,
    quantise,
    unpack_network,
)
from explorer.embedding.packages import import_keras_on_tensorflow, require
from explorer.embedding.window_grid import WINDOW_SAMPLES
from explorer.errors import EmbeddingError

if TYPE_CHECKING:
    import keras

PRECISIONS = {
    "openvino": ("float32", "bfloat16", "int8"),
    "tensorflow": ("float32", "bfloat16"),
    "openl3": ("float32",),
}
"""The precisions that each engine supports. The first one is exact."""

ENGINES = tuple(PRECISIONS)

BATCH_SIZE = 8
"""Windows per batch on TensorFlow. A batch of 1 is a third slower; 16 would take 200 MB more memory."""

GPU_BATCH_SIZE = 256

_Stage = Callable[[np.ndarray], np.ndarray]


class Engine:
    """A network that is ready to run; `open_engine` makes one.

    Several threads may call `prepare` at once, and up to `calls_at_once` threads `embed`.

    Attributes
    ----------
    name : str
        One of `ENGINES`.
    precision : str
        One of `PRECISIONS`.
    batch_size : int
        The fastest number of windows per `embed` call. On a CPU, calls with fewer windows take no more time
        per window.
    input_shape : tuple of int
        Shape of the network's input for one window: the shape of a log-mel spectrogram, or the window's
        own shape if the network contains a front end.
    calls_at_once : int
        How many threads may call `embed` at once. If it is more than 1, no core waits for the end of a call.
    """

    def __init__(
        self,
        infer: _Stage,
        *,
        name: str,
        precision: str,
        batch_size: int = BATCH_SIZE,
        front_end: _Stage | None = log_mel,
        calls_at_once: int = 1,
    ) -> None:
        self._infer = infer
        self._front_end = front_end
        self.name = name
        self.precision = precision
        self.batch_size = batch_size
        self.calls_at_once = calls_at_once
        self.input_shape = INPUT_SHAPE if front_end else (WINDOW_SAMPLES,)

    def prepare(self, windows: np.ndarray) -> np.ndarray:
        """Turn windows into the network's inputs.

        Parameters
        ----------
        windows : np.ndarray [shape=(n, 48000), float32]
            An array that `frontend.windows` yields.

        Returns
        -------
        np.ndarray [shape=(n, *input_shape), float32]

        Raises
        ------
        EmbeddingError
            If the shape is wrong, or the result is not finite.
        """
        if windows.ndim != 2 or windows.shape[1] != WINDOW_SAMPLES:
            raise EmbeddingError(f"Windows of shape {windows.shape} must be of shape (n, {WINDOW_SAMPLES}).")
        inputs = self._front_end(windows) if self._front_end else np.asarray(windows, dtype=np.float32)
        self._check_finite(inputs, "was given sound that is")
        return inputs

    def embed(self, inputs: np.ndarray) -> np.ndarray:
        """Compute the embeddings of windows.

        Parameters
        ----------
        inputs : np.ndarray [shape=(n, *input_shape), float32]
            Results of `prepare`, for any number of windows, even 0.

        Returns
        -------
        np.ndarray [shape=(n, 512), float32]

        Raises
        ------
        EmbeddingError
            If the shape is wrong, or an input or an embedding is not finite.
        """
        if inputs.shape[1:] != self.input_shape:
            raise EmbeddingError(
                f"Inputs of shape {inputs.shape} must be of shape (n, {str(self.input_shape)[1:]}"
                f" for the {self.name} engine."
            )
        inputs = np.asarray(inputs, dtype=np.float32)
        # The inputs are checked too, because ReLU and maximum pooling can turn NaN into a number.
        self._check_finite(inputs, "was given inputs that are")
        embeddings = np.empty((len(inputs), EMBEDDING_SIZE), np.float32)
        for start in range(0, len(inputs), self.batch_size):
            chunk = slice(start, start + self.batch_size)
            embeddings[chunk] = self._infer(inputs[chunk])
        self._check_finite(embeddings, "made embeddings that are")
        return embeddings

    def _check_finite(self, values: np.ndarray, problem: str) -> None:
        if not np.isfinite(values).all():
            raise EmbeddingError(
                f"The {self.name} engine {problem} not finite: the sound is out of range, or the"
                " weights are damaged."
            )


def open_engine(
    name: str,
    weights: Weights,
    *,
    precision: str = "float32",
    network: bytes | None = None,
    threads: int | None = None,
) -> Engine:
    """Load the network into an engine.

    Parameters
    ----------
    name : {"openvino", "tensorflow", "openl3"}
        OpenVINO is the fastest on CPUs. TensorFlow uses a GPU if it finds one. openl3 is the published
        package, which serves as the reference.
    weights : Weights
        A result of `find_weights`.
    precision : {"float32", "bfloat16", "int8"}
        The network's arithmetic: one that `PRECISIONS` lists for the engine.
    network : bytes or None
        For int8: the network that `quantised_network` made.
    threads : int or None
        Number of threads that compute; by default all cores. TensorFlow accepts it only once in a
        process, before its first computation.

    Returns
    -------
    Engine

    Raises
    ------
    EmbeddingError
        If the engine or precision does not exist, the engine's package or the int8 network is missing, or
        `threads` is less than 1 or is set too late.
    """
    _check_choice(name, precision, threads)
    if name == "openl3":
        return _open_openl3(weights, threads=threads)
    if name == "tensorflow":
        return _open_tensorflow(weights, precision=precision, threads=threads)
    if precision == "int8" and network is None:
        raise EmbeddingError("Precision int8 needs a network quantised on songs: choose --precision auto.")
    model = unpack_network(network) if precision == "int8" else openvino_network(weights)
    infer, batch_size = compile_network(model, precision=precision, threads=threads)
    options = {"batch_size": batch_size, "calls_at_once": CALLS_AT_ONCE}
    return Engine(infer, name=name, precision=precision, **options)


def quantised_network(weights: Weights, log_mels: np.ndarray) -> bytes:
    """Quantise the network to int8 for the openvino engine, calibrated on windows of real songs.

    Parameters
    ----------
    weights : Weights
    log_mels : np.ndarray [shape=(n, 256, 199, 1), float32]
        Windows in dB, from songs like those that will be embedded; 64 windows are enough.

    Returns
    -------
    bytes
        A network of 4 MB for `open_engine`. The same weights, windows and versions give the same network.

    Raises
    ------
    EmbeddingError
        If NNCF is not installed or fails.
    """
    return quantise(openvino_network(weights), log_mels)


def _check_choice(name: str, precision: str, threads: int | None) -> None:
    if name not in ENGINES:
        raise EmbeddingError(f"Engine '{name}' does not exist: choose one of {', '.join(ENGINES)}.")
    if precision not in PRECISIONS[name]:
        raise EmbeddingError(
            f"The {name} engine has no precision '{precision}': choose one of {', '.join(PRECISIONS[name])}."
        )
    if threads is not None and threads < 1:
        raise EmbeddingError(f"threads={threads} must be at least 1.")


def _open_tensorflow(weights: Weights, *, precision: str, threads: int | None) -> Engine:
    import_keras_on_tensorflow(engine="tensorflow")
    _configure_tensorflow(threads)
    import tensorflow

    if tensorflow.config.list_physical_devices("GPU"):
        from explorer.embedding.keras_frontend import build_embedder

        # The GPU computes the log-mels too: dozens of CPU cores would be needed to compute them fast enough.
        embedder = build_embedder(weights.arrays, precision=precision)
        options = {"batch_size": GPU_BATCH_SIZE, "front_end": None}
        return Engine(_in_powers_of_two(embedder), name="tensorflow", precision=precision, **options)
    network = build_network(precision=precision)
    network.set_weights(list(weights.arrays))
    return Engine(_in_powers_of_two(network), name="tensorflow", precision=precision)


def _in_powers_of_two(network: keras.Model) -> _Stage:
    """Cut batches into sizes that are powers of two, because TensorFlow traces and tunes each new size."""

    def infer(inputs: np.ndarray) -> np.ndarray:
        embeddings, start = [], 0
        while start < len(inputs):
            size = 1 << (len(inputs) - start).bit_length() - 1
            embeddings.append(network.predict_on_batch(inputs[start : start + size]))
            start += size
        return np.concatenate(embeddings)

    return infer


def _open_openl3(weights: Weights, *, threads: int | None) -> Engine:
    require("openl3", engine="openl3", requirements="requirements-openl3.txt")
    import_keras_on_tensorflow(engine="openl3")
    _configure_tensorflow(threads)
    from openl3.models import load_audio_embedding_model_from_path

    from explorer.embedding.h5_weights import write_h5

    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights.h5"
        write_h5(path, weights.arrays)
        model = load_audio_embedding_model_from_path(str(path), "mel256", EMBEDDING_SIZE)
    # The package's model contains kapre's spectrogram, so our front end is not used. kapre needs a channel
    # axis.
    return Engine(
        lambda windows: model.predict_on_batch(windows[:, np.newaxis]),
        name="openl3",
        precision="float32",
        front_end=None,
    )


def _configure_tensorflow(threads: int | None) -> None:
    import tensorflow

    forbid_tf32()
    if threads is not None:
        try:
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        except RuntimeError as error:
            raise EmbeddingError(
                f"TensorFlow cannot change to {threads} threads after its first computation: set the number"
                " of threads before that."
            ) from error
