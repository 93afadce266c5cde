"""Weights from ONNX files. The reference is OpenVINO's reader of ONNX, which shares no code with ours."""

import io

import numpy as np
import onnx_writer
import pytest
from onnx_writer import field, message, node, onnx_file, tensor

from explorer.embedding import openvino_engine
from explorer.embedding.engines import open_engine
from explorer.embedding.model_weights import load_weights
from explorer.embedding.onnx_weights import read_onnx
from explorer.errors import WeightsError


@pytest.fixture(scope="module")
def arrays(inputs):
    return inputs.seeded_arrays()


@pytest.mark.parametrize(
    ("batch_norms", "constant_nodes"),
    [("nodes", False), ("folded", False), ("scaled", False), ("folded", True)],
)
def test_the_weights_of_an_onnx_file_give_the_output_of_its_network(
    arrays, tmp_path, batch_norms, constant_nodes
):
    content = onnx_file(arrays, batch_norms=batch_norms, constant_nodes=constant_nodes)
    path = tmp_path / "network.bin"
    path.write_bytes(content)
    log_mels = np.random.default_rng(1).uniform(-80, 0, (2, 256, 199, 1)).astype(np.float32)
    core = (
        openvino_engine._core()
    )  # A second one would leave this thread without a stack for signal handlers.
    precise = {"INFERENCE_PRECISION_HINT": "f32"}
    network = core.compile_model(core.read_model(io.BytesIO(content)), "CPU", precise)
    expected = network(log_mels)[0]
    embeddings = open_engine("openvino", load_weights(path)).embed(log_mels)
    assert np.abs(embeddings - expected).max() / np.abs(expected).max() < 1e-5


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-6), (np.float16, 1e-3)])
def test_constants_of_other_precisions_are_read(arrays, dtype, tolerance):
    expected = read_onnx(onnx_file(arrays, batch_norms="folded"), "'x'")
    read = read_onnx(onnx_file(arrays, batch_norms="folded", dtype=dtype), "'x'")
    for array, expected_array in zip(read, expected, strict=True):
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, expected_array, rtol=tolerance, atol=tolerance)


KERNEL = tensor("k", np.ones((64, 1, 3, 3), np.float32))
CONV = node("Conv", ("x", "k"), "y")
EXTERNAL = message((1, 64), (1, 1), (1, 3), (1, 3), (2, 1), (8, "k"), (14, 1), (13, message((1, "location"))))


@pytest.mark.parametrize(
    "content",
    [
        b"\x08",
        b"\x08\x07\x3a\xff\xff\xff\xff\x0f",
        b"\x08" * 1000,
        b"\x08\x07" * 200_000,
        b"\x08\x07" + b"\xff" * 50,
        onnx_writer.model([], []),
        onnx_writer.model([CONV], []),
        onnx_writer.model([CONV], [KERNEL[:-40]]),
        onnx_writer.model([CONV], [EXTERNAL]),
        onnx_writer.model([CONV] * 30_000, [KERNEL]),
        onnx_writer.model([CONV], [message((1, 2**40), (2, 1), (8, "k"), (9, b"\0" * 8))]),
        onnx_writer.model([CONV], [tensor("k", np.ones((4_000_000, 1, 1, 1), np.float32))]),
        onnx_writer.model(
            [CONV, node("Mul", ("y", "s"), "z")], [KERNEL, tensor("s", np.ones(5_000_000, np.float32))]
        ),
        onnx_writer.model([CONV, node("Relu", "y", "z"), node("Mul", ("z", "k"), "z")], [KERNEL]),
        onnx_writer.model([message((4, 2**40))], []),
        onnx_writer.model([CONV], [message((1, 1), (2, 1), (8, 2**40), (9, b"\0" * 4))]),
        onnx_writer.model([message((4, "Constant"), (2, "k"))], []),
        field(1, 7) + field(7, 2**60),
    ],
)
def test_another_or_a_damaged_onnx_file_is_an_error_of_one_sentence(content):
    with pytest.raises(WeightsError) as error:
        read_onnx(content, "'some.onnx'")
    text = str(error.value)
    assert "'some.onnx'" in text
    assert text.endswith(".")
    assert ". " not in text
    assert "\n" not in text


def test_a_wrong_order_of_layers_is_an_error(arrays):
    swapped = list(arrays)
    swapped[4], swapped[10] = swapped[10], swapped[4]
    with pytest.raises(WeightsError, match="convolution 1 belongs to another network"):
        read_onnx(onnx_file(swapped, batch_norms="nodes"), "'x'")
