import numpy as np
import pytest

from explorer.embedding.pooling import METHODS, RunningPool, pool
from explorer.errors import EmbeddingError


@pytest.fixture
def frames():
    return np.random.RandomState(0).standard_normal((5, 512)).astype(np.float32) - 9


def test_the_maximum_over_time_is_the_default(frames):
    np.testing.assert_array_equal(pool(frames), frames.max(axis=0))


def test_the_maximum_of_negative_embeddings_is_negative(frames):
    assert pool(frames).max() < 0


def test_the_mean_is_computed_in_float64():
    frames = np.full((3, 512), 0.1, np.float32)
    frames[0] = 1e7
    np.testing.assert_allclose(
        pool(frames, method="mean"), frames.astype(np.float64).mean(axis=0), rtol=1e-12
    )


def test_the_vector_is_float64(frames):
    for method in ("max", "mean"):
        vector = pool(frames, method=method)
        assert vector.shape == (512,)
        assert vector.dtype == np.float64


def test_the_vector_of_one_window_is_its_embedding(frames):
    np.testing.assert_array_equal(pool(frames[:1], method="mean"), frames[0])


def test_zero_windows_are_an_error():
    with pytest.raises(EmbeddingError, match="no window"):
        pool(np.empty((0, 512)))


@pytest.mark.parametrize("shape", [(512,), (3, 6144), (1, 3, 512)])
def test_a_wrong_shape_is_an_error_that_shows_it(shape):
    with pytest.raises(EmbeddingError) as caught:
        pool(np.zeros(shape))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("method", ["max", "mean"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_an_error(frames, method, bad):
    frames[2, 7] = bad
    with pytest.raises(EmbeddingError, match="NaN or infinite"):
        pool(frames, method=method)


def test_an_unknown_method_is_an_error_that_names_the_choices(frames):
    with pytest.raises(EmbeddingError, match="'median' does not exist: choose one of max, mean"):
        pool(frames, method="median")


@pytest.mark.parametrize("method", METHODS)
def test_pooling_in_batches_gives_the_same_vector(method):
    frames = np.random.default_rng(4).normal(size=(23, 512)).astype(np.float32) - 2
    running = RunningPool(method=method)
    for start, stop in ((0, 1), (1, 1), (1, 9), (9, 23)):
        running.add(frames[start:stop])
    np.testing.assert_allclose(running.vector(), pool(frames, method=method), rtol=1e-12)


def test_a_pool_without_a_window_is_an_error():
    with pytest.raises(EmbeddingError, match="no window to pool"):
        RunningPool().vector()
