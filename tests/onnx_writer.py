"""Write OpenL3's network as an ONNX file, in the layout of converters from TensorFlow."""

import struct

import numpy as np

from explorer.embedding.network import BATCH_NORM_EPSILON, LAYER_SHAPES

IR_VERSION, PRODUCER, GRAPH, OPSET = 1, 2, 7, 8
NODE, GRAPH_NAME, INITIALIZER, INPUT, OUTPUT = 1, 2, 5, 11, 12
DATA_TYPES = {"float32": 1, "int64": 7, "float16": 10, "float64": 11}


def field(number, value):
    """Encode one field of a Protocol Buffers message: an int, a float, a text or an encoded message."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    value &= 2**64 - 1
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def tensor(name, array):
    dims = [(1, size) for size in array.shape]
    return message(*dims, (2, DATA_TYPES[str(array.dtype)]), (8, name), (9, array.tobytes()))


def node(operation, inputs, output, **attributes):
    encoded = [(5, attribute(name, value)) for name, value in attributes.items()]
    return message(*((1, name) for name in inputs), (2, output), (4, operation), *encoded)


def attribute(name, value):
    if isinstance(value, float):
        return message((1, name), (2, value), (20, 1))
    if isinstance(value, bytes):
        return message((1, name), (5, value), (20, 4))
    return message((1, name), *((8, number) for number in value), (20, 7))


def value_info(name, shape):
    dims = b"".join(field(1, message((1, size) if size else (2, "n"))) for size in shape)
    return message((1, name), (2, message((1, message((1, 1), (2, dims))))))


def model(nodes, initializers):
    graph = message(
        *((NODE, item) for item in nodes),
        (GRAPH_NAME, "openl3"),
        *((INITIALIZER, item) for item in initializers),
        (INPUT, value_info("melspectrogram", (0, 256, 199, 1))),
        (OUTPUT, value_info("embeddings", (0, 512))),
    )
    return message((IR_VERSION, 7), (PRODUCER, "tests"), (GRAPH, graph), (OPSET, message((2, 13))))


class _Graph:
    def __init__(self, *, constant_nodes, dtype):
        self.nodes, self.initializers = [], []
        self.constant_nodes, self.dtype = constant_nodes, dtype
        self.value = "melspectrogram"

    def constant(self, array):
        array = array.astype(self.dtype) if array.dtype.kind == "f" else array
        name = f"constant_{len(self.nodes)}_{len(self.initializers)}"
        if self.constant_nodes:
            self.nodes.append(node("Constant", (), name, value=tensor("", array)))
        else:
            self.initializers.append(tensor(name, array))
        return name

    def add(self, operation, *constants, constant_first=False, **attributes):
        output = f"value_{len(self.nodes)}"
        inputs = [*constants, self.value] if constant_first else [self.value, *constants]
        self.nodes.append(node(operation, inputs, output, **attributes))
        self.value = output


def onnx_file(arrays, *, batch_norms, constant_nodes=False, dtype=np.float32):
    """Return an ONNX file of the network with weights in our order.

    `batch_norms` is "nodes" (BatchNormalization), "folded" (into the convolutions; the input's is a node) or
    "scaled" (Mul and Add).
    """
    graph, remaining = _Graph(constant_nodes=constant_nodes, dtype=dtype), iter(arrays)
    graph.add("Transpose", perm=(0, 3, 1, 2))
    for number, (kind, shapes) in enumerate(LAYER_SHAPES):
        layer = [np.asarray(next(remaining), np.float64) for _ in shapes]
        if kind == "batch_normalization":
            _batch_norm(graph, layer, "nodes" if number == 0 and batch_norms == "folded" else batch_norms)
        else:
            kernel, bias = layer
            if batch_norms == "folded" and number < len(LAYER_SHAPES) - 1:
                scale, shift = _scale_and_shift(arrays[_next_array(number) :][:4])
                kernel, bias = kernel * scale, bias * scale + shift
            kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
            constants = [graph.constant(array) for array in (kernel, bias)]
            graph.add("Conv", *constants, kernel_shape=(3, 3), pads=(1, 1, 1, 1), strides=(1, 1))
        if kind == "batch_normalization" and number > 0:
            graph.add("Relu")
            if number % 4 == 0:
                graph.add("MaxPool", kernel_shape=(2, 2), strides=(2, 2))
    graph.add("MaxPool", kernel_shape=(32, 24), strides=(32, 24))
    shape = graph.constant(np.array([-1, 512]))
    graph.nodes.append(node("Reshape", (graph.value, shape), "embeddings"))
    return model(graph.nodes, graph.initializers)


def _next_array(layer):
    return sum(len(shapes) for _, shapes in LAYER_SHAPES[: layer + 1])


def _scale_and_shift(batch_norm):
    gamma, beta, mean, variance = (np.asarray(array, np.float64) for array in batch_norm)
    scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
    return scale, beta - mean * scale


def _batch_norm(graph, layer, form):
    if form == "nodes":
        constants = [graph.constant(array) for array in layer]
        graph.add("BatchNormalization", *constants, epsilon=float(np.float32(BATCH_NORM_EPSILON)))
    elif form == "scaled":
        scale, shift = (array.reshape(1, -1, 1, 1) for array in _scale_and_shift(layer))
        graph.add("Mul", graph.constant(scale))
        graph.add("Add", graph.constant(shift), constant_first=True)
