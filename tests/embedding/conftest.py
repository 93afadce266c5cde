import pytest

from explorer.embedding.engines import open_engine
from explorer.embedding.model_weights import Weights

PACKAGES = {"openvino": ("openvino",), "tensorflow": ("tensorflow",), "openl3": ("openl3",)}


@pytest.fixture(scope="session")
def sounds(inputs):
    return inputs.sounds()


@pytest.fixture(scope="session")
def seeded_weights(inputs):
    return Weights("seeded", "5eed" * 16, True, inputs.seeded_arrays(), None, "none needed")


@pytest.fixture(scope="session")
def engines(seeded_weights):
    """The engines with the seeded weights, by name."""
    return _Engines(seeded_weights)


class _Engines(dict):
    """Opens an engine when a test first uses it; skips the test if the engine's package is not installed."""

    def __init__(self, weights):
        self._weights = weights

    def __missing__(self, name):
        for package in PACKAGES[name]:
            pytest.importorskip(package)
        self[name] = open_engine(name, self._weights)
        return self[name]
