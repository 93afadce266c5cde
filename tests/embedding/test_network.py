import math
import subprocess
import sys

from explorer.embedding import network


def test_the_network_takes_arrays_of_the_documented_shapes_in_that_order(engines):
    # `engines`: TensorFlow warns when it is first imported after something has set its threads.
    model = network.build_network()
    assert [tuple(array.shape) for array in model.get_weights()] == list(network.WEIGHT_SHAPES)
    assert model.input_shape == (None, 256, 199, 1)
    assert model.output_shape == (None, 512)


def test_the_network_has_openl3s_parameters():
    assert sum(math.prod(shape) for shape in network.WEIGHT_SHAPES) == 4_689_860
    assert len(network.LAYER_SHAPES) == 16


def test_importing_the_embedding_modules_imports_no_framework():
    code = (
        "import sys\n"
        "from explorer.embedding import engines, frontend, network, pooling, weights\n"
        "print([name for name in ('keras', 'tensorflow', 'openvino', 'h5py') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_importing_keras_says_nothing_and_leaves_stderr_working():
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
