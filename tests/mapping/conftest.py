from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="session")
def make_blobs() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Vectors like OpenL3's: far from zero, in well-separated groups; and the group of each."""

    def make(n, *, groups=4, width=64, seed=0):
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(groups, width))
        members = np.arange(n) % groups
        return 5.0 + centres[members] + 0.3 * rng.normal(size=(n, width)), members

    return make
