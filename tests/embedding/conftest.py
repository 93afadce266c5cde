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
    """Every engine with the seeded weights."""
    return _Engines(seeded_weights)


class _Engines(dict):
    """Opened when first asked for; a test of one whose package is not installed is skipped."""

    def __init__(self, weights):
        self._weights = weights

    def __missing__(self, name):
        for package in PACKAGES[name]:
            pytest.importorskip(package)
        self[name] = open_engine(name, self._weights)
        return self[name]
