import math
import os
import subprocess
import sys

import numpy as np
import pytest

from explorer.embedding import frontend, network
from explorer.errors import EmbeddingError


def test_the_network_takes_arrays_of_the_documented_shapes_in_that_order(engines):
    # The fixture `engines` comes first: TensorFlow warns if it is imported after its threads were set.
    model = network.build_network()
    assert [tuple(array.shape) for array in model.get_weights()] == list(network.WEIGHT_SHAPES)
    assert model.input_shape == (None, 256, 199, 1)
    assert model.output_shape == (None, 512)


def test_the_network_has_as_many_parameters_as_openl3():
    assert sum(math.prod(shape) for shape in network.WEIGHT_SHAPES) == 4_689_860
    assert len(network.LAYER_SHAPES) == 16


def test_importing_the_embedding_modules_imports_no_framework():
    code = (
        "import sys\n"
        "from explorer.embedding import engines, frontend, keras_frontend, model_weights, network, pooling\n"
        "heavy = ('keras', 'tensorflow', 'jax', 'torch', 'openvino', 'h5py')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_importing_keras_prints_nothing_and_leaves_stderr_working():
    code = (
        "import os\n"
        "from explorer.embedding.network import import_keras\n"
        "keras = import_keras()\n"
        "print(keras.backend.backend())\n"
        "os.write(2, b'still here')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "tensorflow"
    assert result.stderr == "still here"


def test_bfloat16_is_the_same_network_with_weights_and_results_in_float32(engines, inputs):
    model = network.build_network(precision="bfloat16")
    model.set_weights(list(inputs.seeded_arrays()))
    assert [tuple(array.shape) for array in model.get_weights()] == list(network.WEIGHT_SHAPES)
    assert {str(array.dtype) for array in model.get_weights()} == {"float32"}
    convolutions = [layer for layer in model.layers if layer.name.startswith("conv2d")]
    assert [layer.compute_dtype for layer in convolutions] == ["bfloat16"] * 8
    log_mels = frontend.log_mel(np.random.RandomState(0).standard_normal((2, 48_000)).astype(np.float32))
    exact, rounded = engines["openvino"].embed(log_mels), model.predict_on_batch(log_mels)
    assert rounded.dtype == np.float32
    cosines = (exact * rounded).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rounded, axis=1)
    assert cosines.min() >= 0.999


def test_an_unknown_precision_is_an_error_that_shows_it():
    with pytest.raises(EmbeddingError, match="'int4' does not exist: choose one of float32, bfloat16"):
        network.build_network(precision="int4")


def test_the_network_runs_on_keras_without_tensorflow(inputs, sounds, reference, tmp_path):
    # OpenVINO is always installed, and Keras has a backend for inference on it.
    sound = sounds["hop_0.5"]
    windows = next(frontend.windows([sound.samples], hop_s=sound.hop_s, batch_size=100))
    arguments, result_file = tmp_path / "arguments.npz", tmp_path / "result.npy"
    np.savez(arguments, *inputs.seeded_arrays(), log_mels=frontend.log_mel(windows))
    code = (
        "import sys, numpy as np\n"
        "from explorer.embedding.network import build_network\n"
        "arguments = np.load(sys.argv[1])\n"
        "network = build_network()\n"
        "network.set_weights([arguments[f'arr_{number}'] for number in range(48)])\n"
        "np.save(sys.argv[2], network.predict_on_batch(arguments['log_mels']))\n"
        "print('tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(arguments), str(result_file)]
    environment = {**os.environ, "KERAS_BACKEND": "openvino"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
    embedding, expected = np.load(result_file), reference["embedding/hop_0.5"]
    # This backend does not set OpenVINO's precision, so OpenVINO uses bfloat16 on chips that support it.
    assert np.abs(embedding - expected).max() / np.abs(expected).max() < 0.03
    norms = np.linalg.norm(embedding, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((embedding * expected).sum(axis=1) / norms).min() >= 0.999
