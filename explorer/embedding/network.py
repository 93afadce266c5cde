"""OpenL3's audio network (music, mel256, 512 values): its shapes, and its definition in Keras.

The architecture is that of Cramer, Wu, Salamon and Bello, "Look, Listen and Learn More" (ICASSP
2019), as the published openl3 0.4.2 builds it: 20.4 GFLOP per window, 4,689,860 parameters.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import EmbeddingError, WeightsError

if TYPE_CHECKING:
    import keras

INPUT_SHAPE = (256, 199, 1)
"""Mel bands, frames and channels of one window's log-mel spectrogram."""

EMBEDDING_SIZE = 512
"""Values per window's embedding."""

BATCH_NORM_EPSILON = 1e-3

NETWORK_PRECISIONS = ("float32", "bfloat16")
"""The precisions that `build_network` supports."""

BLOCK_FILTERS = (64, 128, 256, 512)
POOL_AFTER_BLOCK = (2, 2)
POOL_AT_END = (32, 24)


def _batch_norm_shapes(channels: int) -> tuple[tuple[int, ...], ...]:
    return ((channels,),) * 4


def _layer_shapes() -> tuple[tuple[str, tuple[tuple[int, ...], ...]], ...]:
    layers = [("batch_normalization", _batch_norm_shapes(1))]
    channels = 1
    convolutions = [filters for filters in BLOCK_FILTERS for _ in range(2)]
    for number, filters in enumerate(convolutions, start=1):
        layers.append(("conv2d", ((3, 3, channels, filters), (filters,))))
        if number < len(convolutions):
            layers.append(("batch_normalization", _batch_norm_shapes(filters)))
        channels = filters
    return tuple(layers)


LAYER_SHAPES = _layer_shapes()
"""The 16 layers with weights, in topological order: (kind, shapes of its arrays).

The arrays of a convolution are its kernel (rows, columns, channels in, filters) and its bias. Those of a
batch norm are gamma, beta, moving mean and moving variance. The first layer is the batch norm of the input.
"""

WEIGHT_SHAPES = tuple(chain.from_iterable(shapes for _, shapes in LAYER_SHAPES))
"""Shapes of the 48 arrays, in the order in which ``build_network().set_weights`` takes them."""


def check_weight_shapes(shapes: Sequence[tuple[int, ...]], where: str) -> None:
    """Raise if arrays with these shapes are not the network's weights.

    Parameters
    ----------
    shapes : sequence of tuple of int
    where : str
        The arrays' source, for the message.

    Raises
    ------
    WeightsError
        If the shapes are not `WEIGHT_SHAPES`.
    """
    if len(shapes) != len(WEIGHT_SHAPES):
        raise WeightsError(
            f"Weights {where} belong to another network: {len(shapes)} arrays instead of {len(WEIGHT_SHAPES)}"
            " (OpenL3 music, mel256)."
        )
    for number, (shape, expected) in enumerate(zip(shapes, WEIGHT_SHAPES, strict=True), start=1):
        if shape != expected:
            raise WeightsError(
                f"Weights {where} belong to another network: array {number} has the shape {shape} instead of"
                f" {expected} (OpenL3 music, mel256)."
            )


def import_keras():
    """Import Keras without log output, on TensorFlow unless the environment names another backend.

    Returns
    -------
    module
        ``keras``. The import takes seconds, so no module of this package imports Keras at its top.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" in sys.modules:
        return sys.modules["keras"]
    with _native_stderr_hidden():
        import keras

    return keras


@contextmanager
def _native_stderr_hidden() -> Iterator[None]:
    # The C++ code of TensorFlow 2.21 logs that oneDNN is on before it reads TF_CPP_MIN_LOG_LEVEL, so that
    # variable cannot suppress the message.
    try:
        saved_stderr = os.dup(2)
    except OSError:
        yield
        return
    try:
        with Path(os.devnull).open("wb") as null:
            os.dup2(null.fileno(), 2)
        yield
    finally:
        os.dup2(saved_stderr, 2)
        os.close(saved_stderr)


def forbid_tf32() -> None:
    """Make every GPU compute float32 convolutions and matrix products in full float32.

    NVIDIA GPUs since Ampere can multiply float32 values with 10 bits of mantissa (TF32). Keras's backends
    allow that by default in some or all operations, and embeddings would then have errors above 1e-4. This
    setting applies to the whole process, but not to operations whose inputs are bfloat16.
    """
    backend = import_keras().backend.backend()
    if backend == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    elif backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
    elif backend == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


def build_network(*, precision: str = "float32") -> keras.Model:
    """Build the network in Keras, from log-mel spectrograms to embeddings, with Keras's initial weights.

    The layers are: batch norm; four blocks of two 3x3 convolutions; a final (32, 24) max pooling. Every
    convolution except the last one is followed by batch norm and ReLU. The first three blocks end with 2x2
    max pooling. The final pooling covers the whole remaining feature map. No ReLU follows the last
    convolution, so an embedding may hold negative values.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        The data type of the layers' inputs, outputs and products. With bfloat16 (Keras's policy
        "mixed_bfloat16") the weights stay in float32 and are cast for every batch. All batch norms,
        including the first one, which reads dB, compute in float32, and GPUs sum a convolution's products
        in float32. bfloat16 is meant for chips with bfloat16 matrix units; on others it is slower.
        With float32, TF32 is never used. Keras's own OpenVINO backend, which no engine uses, is an exception:
        it computes in the chip's fastest precision.

    Returns
    -------
    keras.Model
        Input [shape=(n, 256, 199, 1), float32, dB], output [shape=(n, 512), float32]. Call
        ``set_weights`` with the arrays in the order of `WEIGHT_SHAPES`.

    Raises
    ------
    EmbeddingError
        If the precision does not exist.
    """
    if precision not in NETWORK_PRECISIONS:
        raise EmbeddingError(
            f"Precision '{precision}' does not exist: choose one of {', '.join(NETWORK_PRECISIONS)}."
        )
    keras = import_keras()
    forbid_tf32()
    layers = keras.layers
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    inputs = values = layers.Input(INPUT_SHAPE, dtype="float32", name="log_mel")
    # bfloat16 would round -60 dB to a quarter of a dB, so values become bfloat16 only after this batch norm
    # has subtracted the mean.
    values = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, dtype="float32")(values)
    for block, filters in enumerate(BLOCK_FILTERS, start=1):
        is_last = block == len(BLOCK_FILTERS)
        values = layers.Conv2D(filters, 3, padding="same", dtype=policy)(values)
        values = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, dtype=policy)(values)
        values = layers.ReLU(dtype=policy)(values)
        values = layers.Conv2D(filters, 3, padding="same", dtype=policy)(values)
        if not is_last:
            values = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, dtype=policy)(values)
            values = layers.ReLU(dtype=policy)(values)
            values = layers.MaxPooling2D(POOL_AFTER_BLOCK, dtype=policy)(values)
    values = layers.MaxPooling2D(POOL_AT_END, dtype=policy)(values)
    outputs = layers.Flatten(dtype="float32", name="embedding")(values)
    return keras.Model(inputs, outputs, name="openl3_music_mel256_512")
