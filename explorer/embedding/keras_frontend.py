"""The front end in Keras operations, which computes log-mel spectrograms on the network's device.

`frontend.log_mel` is the definition, and CPUs use it. This module computes the same in float32 on any Keras
backend, so that a GPU can turn samples into embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from explorer.embedding import frontend
from explorer.embedding.network import build_network, forbid_tf32, import_keras

if TYPE_CHECKING:
    import keras

_HOP = frontend.FRAME_HOP_SAMPLES
_HOPS_PER_FRAME = -(-frontend.FRAME_SAMPLES // _HOP)
_HOPS_PER_WINDOW = frontend.FRAMES - 1 + _HOPS_PER_FRAME


def build_front_end() -> keras.Model:
    """Build the front end, a model from windows to log-mel spectrograms.

    The arithmetic is that of `frontend.log_mel`. It is always float32, even if Keras's global dtype policy
    is another. The two agree within 0.01 dB down to -50 dB. Below that, a band of a pure tone holds mainly
    the rounding errors of the float32 Fourier transform, which differ between libraries.

    Returns
    -------
    keras.Model
        Input [shape=(n, 48000), float32], output [shape=(n, 256, 199, 1), float32, dB]. Its weights
        are the Hann window and the mel filters, and none of them is trainable.
    """
    keras = import_keras()
    # A window's bands differ by up to 80 dB. With TF32's rounding, only the upper 33 dB would be correct.
    forbid_tf32()
    inputs = keras.layers.Input((frontend.WINDOW_SAMPLES,), dtype="float32", name="windows")
    return keras.Model(inputs, _log_mel_class()(dtype="float32", name="log_mel")(inputs), name="front_end")


def build_embedder(arrays: Sequence[np.ndarray], *, precision: str = "float32") -> keras.Model:
    """Build the front end and the network as one model, from windows to embeddings.

    Parameters
    ----------
    arrays : sequence of np.ndarray [float32]
        The network's weights: `Weights.arrays`.
    precision : {"float32", "bfloat16"}
        The network's precision. The front end always computes in float32.

    Returns
    -------
    keras.Model
        Input [shape=(n, 48000), float32], output [shape=(n, 512), float32].

    Raises
    ------
    EmbeddingError
        If the precision does not exist.
    """
    network = build_network(precision=precision)
    network.set_weights(list(arrays))
    keras = import_keras()
    inputs = keras.layers.Input((frontend.WINDOW_SAMPLES,), dtype="float32", name="windows")
    return keras.Model(inputs, network(build_front_end()(inputs)), name="embedder")


@cache
def _log_mel_class() -> type[keras.layers.Layer]:
    # The class is defined on first use, because importing its base class takes seconds.
    keras = import_keras()
    ops = keras.ops

    class LogMel(keras.layers.Layer):
        """Turns windows into log-mel spectrograms."""

        def build(self, input_shape: tuple[int | None, int]) -> None:
            # Weights, not constants, so that they stay on the device.
            self.hann = self._constant(frontend.hann_window(), "hann")
            self.mel_filters = self._constant(frontend.mel_filters().T, "mel_filters")

        def call(self, windows):
            real, imaginary = ops.rfft(_frames(ops, windows) * self.hann)
            magnitudes = ops.sqrt(real * real + imaginary * imaginary)
            mel = ops.transpose(ops.matmul(magnitudes, self.mel_filters), (0, 2, 1))
            mel = ops.maximum(mel, frontend.MAGNITUDE_FLOOR)
            # Divide by the maximum before the logarithm. If a logarithm were subtracted from the other
            # instead, a compiler could round equal logarithms differently, and silence would not be 0 dB.
            decibels = 10 * ops.log10(mel / ops.max(mel, axis=(1, 2), keepdims=True))
            return ops.expand_dims(ops.maximum(decibels, -frontend.DYNAMIC_RANGE_DB), -1)

        def compute_output_shape(self, input_shape: tuple[int | None, int]) -> tuple[int | None, ...]:
            return (input_shape[0], frontend.MEL_BANDS, frontend.FRAMES, 1)

        def _constant(self, values: np.ndarray, name: str):
            return self.add_weight(
                shape=values.shape,
                initializer=lambda shape, dtype=None: ops.convert_to_tensor(values, dtype),
                trainable=False,
                name=name,
            )

    return LogMel


def _frames(ops, windows):
    """Cut windows [shape=(n, 48000)] into frames [shape=(n, 199, 2048)], padded with zeros at the end.

    A frame consists of 9 consecutive hops; the last hop is shortened. Slices and a concatenation are fast on
    every backend. On JAX, `keras.ops.extract_sequences` is a convolution with 2,048 filters, and
    `keras.ops.stft` depends on SciPy's scaling.
    """
    n_zeros = _HOPS_PER_WINDOW * _HOP - frontend.WINDOW_SAMPLES
    hops = ops.reshape(ops.pad(windows, ((0, 0), (0, n_zeros))), (-1, _HOPS_PER_WINDOW, _HOP))
    parts = [hops[:, first : first + frontend.FRAMES] for first in range(_HOPS_PER_FRAME)]
    surplus = _HOPS_PER_FRAME * _HOP - frontend.FRAME_SAMPLES
    parts[-1] = parts[-1][:, :, : _HOP - surplus]
    return ops.concatenate(parts, axis=-1)
