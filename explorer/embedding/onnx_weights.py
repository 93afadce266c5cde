"""Read the network's weights from an ONNX file, such as the one that Essentia publishes.

Only the constants of convolutions and of the operations right after them are read, by order and shape. The
file is parsed here, because other parsers open every file that an ONNX file names, and trust its sizes. An
ONNX file is a message of Protocol Buffers; the numbers of its fields are those of ``onnx.proto``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from explorer.embedding.network import BATCH_NORM_EPSILON, LAYER_SHAPES, check_weight_shapes
from explorer.errors import WeightsError

ONNX_START = b"\x08"
"""The first byte of ONNX files: the key of the field `ir_version`."""

_KERNEL_SHAPES = [shapes[0] for kind, shapes in LAYER_SHAPES if kind == "conv2d"]
_MAX_FIELDS = 100_000
"""Limit for all fields of a file; OpenL3's network needs a few hundred."""

_DATA_TYPES = {1: "<f4", 10: "<f2", 11: "<f8"}
_DEFAULT_EPSILON = 1e-5

_Fields = dict[int, list]
"""A message's values by the number of their field: an int, or the bytes of a text or of another message."""


def read_onnx(content: bytes, where: str) -> tuple[np.ndarray, ...]:
    """Read the weights of an ONNX file, whose batch norms may be folded into the convolutions.

    The arrays give the same output as the file's network, but they are not those that were trained: whatever
    scales or shifts a convolution's output is multiplied into its kernel and added to its bias, and all batch
    norms become the identity, except for the input's. That one cannot be folded, because the first
    convolution pads its input with zeros.

    Parameters
    ----------
    content : bytes
        The file.
    where : str
        Its name, for messages.

    Returns
    -------
    tuple of np.ndarray [float32]
        Arrays with the shapes `network.WEIGHT_SHAPES`.

    Raises
    ------
    WeightsError
        If the file is damaged or holds another network.
    """
    try:
        with np.errstate(all="ignore"):
            arrays = _in_keras_order(_affine_layers(*_graph(content)))
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as error:
        reason = error if isinstance(error, ValueError) else "something is missing or out of place"
        raise WeightsError(
            f"Weights {where} are not an ONNX file of OpenL3's network ({reason}): replace or delete it."
        ) from error
    check_weight_shapes([array.shape for array in arrays], where)
    return tuple(np.ascontiguousarray(array, dtype=np.float32) for array in arrays)


@dataclass
class _Layer:
    """A convolution with the scale and shift that follow it, or those of the network's input."""

    kernel: np.ndarray
    scale: np.ndarray = field(default_factory=lambda: np.ones(1))
    shift: np.ndarray = field(default_factory=lambda: np.zeros(1))

    def vector(self, constant: np.ndarray) -> np.ndarray:
        """Return one number per channel, whose axis depends on the file, or one number for all channels."""
        if constant.size not in (1, len(self.kernel)):
            raise ValueError(f"a constant has the shape {constant.shape} instead of one number per channel")
        return constant.reshape(-1).astype(np.float64)

    def then(self, scale: np.ndarray | float, shift: np.ndarray | float) -> None:
        self.scale, self.shift = self.scale * scale, self.shift * scale + shift


def _affine_layers(nodes: list[_Fields], constants: dict[bytes, np.ndarray]) -> list[_Layer]:
    """Follow the operations, which ONNX stores in the order of their computation."""
    layers, is_open = [_Layer(np.ones(1))], True
    for node in nodes:
        operation, operands = _text(node, 4), [constants.get(_as_text(name)) for name in node.get(1, ())]
        if operation == b"Conv":
            layers.append(_Layer(_checked_kernel(operands[1], number=len(layers))))
            if len(operands) > 2:
                layers[-1].then(1.0, layers[-1].vector(operands[2]))
            is_open = True
        elif operation in (b"Relu", b"MaxPool"):
            is_open = False
        elif operation in _SCALE_AND_SHIFT and any(operand is not None for operand in operands):
            if not is_open:
                raise ValueError(f"{operation.decode()} is in an unexpected place")
            layers[-1].then(*_SCALE_AND_SHIFT[operation](layers[-1], operands, node))
    return layers


def _checked_kernel(kernel: np.ndarray | None, *, number: int) -> np.ndarray:
    if (
        kernel is None
        or number > len(_KERNEL_SHAPES)
        or _to_keras(kernel).shape != _KERNEL_SHAPES[number - 1]
    ):
        raise ValueError(f"convolution {number} belongs to another network")
    return kernel


def _to_keras(kernel: np.ndarray) -> np.ndarray:
    """Transpose a kernel: (filters, channels in, rows, columns) to (rows, columns, channels in, filters)."""
    return kernel.transpose(2, 3, 1, 0)


def _batch_norm(layer: _Layer, operands: list, node: _Fields) -> tuple:
    gamma, beta, mean, variance = (layer.vector(operand) for operand in operands[1:5])
    stored = _attribute(node, b"epsilon").get(2)
    epsilon = struct.unpack("<f", stored[0])[0] if stored else _DEFAULT_EPSILON
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, beta - mean * scale


def _multiply(layer: _Layer, operands: list, _node: _Fields) -> tuple:
    return layer.vector(operands[0] if operands[1] is None else operands[1]), 0.0


def _add(layer: _Layer, operands: list, _node: _Fields) -> tuple:
    return 1.0, layer.vector(operands[0] if operands[1] is None else operands[1])


_SCALE_AND_SHIFT = {
    b"BatchNormalization": _batch_norm,
    b"Mul": _multiply,
    b"Add": _add,
    b"Sub": lambda layer, operands, node: (1.0, -layer.vector(operands[1])),
    b"Div": lambda layer, operands, node: (1 / layer.vector(operands[1]), 0.0),
}


def _in_keras_order(layers: list[_Layer]) -> list[np.ndarray]:
    def batch_norm(scale: np.ndarray, shift: np.ndarray) -> list[np.ndarray]:
        return [scale, shift, np.zeros(len(scale)), np.full(len(scale), 1 - BATCH_NORM_EPSILON)]

    arrays = batch_norm(layers[0].scale, layers[0].shift)
    for layer in layers[1:]:
        filters = len(layer.kernel)
        arrays += [_to_keras(layer.kernel) * layer.scale, np.broadcast_to(layer.shift, filters)]
        arrays += batch_norm(np.ones(filters), np.zeros(filters))
    # No batch norm follows the last convolution.
    return arrays[:-4]


def _graph(content: bytes) -> tuple[list[_Fields], dict[bytes, np.ndarray]]:
    """Return the graph's nodes, and its floating point constants by name."""
    budget = iter(range(_MAX_FIELDS))
    graph = _fields(_last(_fields(memoryview(content), budget), 7), budget)
    nodes = [_fields(node, budget) for node in graph[1]]
    tensors = {}
    for tensor in (_fields(initializer, budget) for initializer in graph.get(5, ())):
        tensors[_text(tensor, 8)] = tensor
    for node in nodes:
        node[5] = [_fields(attribute, budget) for attribute in node.get(5, ())]
        if _text(node, 4) == b"Constant":
            tensors[_text(node, 2)] = _fields(_last(_attribute(node, b"value"), 5), budget)
    return nodes, {name: _array(tensor) for name, tensor in tensors.items() if tensor[2][-1] in _DATA_TYPES}


def _attribute(node: _Fields, name: bytes) -> _Fields:
    return next((attribute for attribute in node[5] if _text(attribute, 1) == name), {})


def _array(tensor: _Fields) -> np.ndarray:
    """Return the array of a `TensorProto`. One whose data are in another file has no data here."""
    data = _last(tensor, 9) if 9 in tensor else b"".join(tensor.get(4, ()))
    return np.frombuffer(data, _DATA_TYPES[tensor[2][-1]]).reshape(tensor.get(1, ()))


def _fields(message: memoryview, budget: Iterator[int]) -> _Fields:
    """Parse the fields of a message, at most as many as the budget allows."""
    fields: _Fields = {}
    position = 0
    while position < len(message):
        if next(budget, None) is None:
            raise ValueError("it has too many parts")
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(message, position)
        elif kind in (1, 2, 5):
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, position = _varint(message, position)
            value, position = message[position : position + size], position + size
        else:
            raise ValueError("it is damaged")
        fields.setdefault(key >> 3, []).append(value)
    if position > len(message):
        raise ValueError("its end is missing")
    return fields


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("it is damaged")


def _last(fields: _Fields, number: int) -> memoryview | int:
    """Return the value of a field that is not repeated: the last one counts."""
    return fields[number][-1]


def _text(fields: _Fields, number: int) -> bytes:
    return _as_text(fields[number][-1]) if number in fields else b""


def _as_text(value: memoryview | int) -> bytes:
    # Not `bytes(value)`: of an int that would make as many zeros.
    if isinstance(value, int):
        raise ValueError("it is damaged")
    return value.tobytes()
