import numpy as np
import pytest

from explorer.embedding.chirp_check import (
    LEAST_COSINE,
    check_weights,
    chirp,
    compare_embeddings,
    embed_chirp,
    published_embeddings,
)
from explorer.embedding.model_weights import Weights, untrained_weights
from explorer.embedding.network import LAYER_SHAPES

FIRST_ARRAYS = [sum(len(shapes) for _, shapes in LAYER_SHAPES[:layer]) for layer in range(len(LAYER_SHAPES))]
CONVOLUTIONS, BATCH_NORMS = FIRST_ARRAYS[1::2], FIRST_ARRAYS[2::2]


def lag_1_correlation(values):
    return np.corrcoef(values[1:], values[:-1])[0, 1]


def test_the_chirp_is_the_published_formula_with_shaped_dither():
    samples = chirp() * 32_768
    np.testing.assert_array_equal(samples, np.round(samples))
    number = np.arange(88_200)
    times_s = number / 44_100
    # The published sound's frequency rises by the same amount after every sample.
    cycles = np.concatenate([[0], np.cumsum(440 + 176 * times_s)[:-1]]) / 44_100
    exact = (0.8 - 0.14 * times_s) * np.sin(2 * np.pi * cycles) * 32_768
    errors = samples - exact
    assert np.abs(errors).max() < 12
    # The rounding errors of the published sound have a deviation of 2.04, and these correlations.
    assert errors.std() == pytest.approx(2.04, abs=0.03)
    assert lag_1_correlation(errors) == pytest.approx(-0.89, abs=0.01)
    np.testing.assert_array_equal(chirp() * 32_768, samples)


def test_the_published_front_ends_agree_with_each_other_and_pass_the_check():
    published = published_embeddings()
    assert sorted(published) == ["kapre", "librosa"]
    for embeddings in published.values():
        assert (embeddings.shape, embeddings.dtype) == ((16, 512), np.float32)
        assert np.isfinite(embeddings).all()
    check = compare_embeddings("librosa", published["librosa"], published["kapre"])
    assert check.least_cosine == pytest.approx(0.9934, abs=1e-4)
    assert check.correlation == pytest.approx(0.79, abs=0.01)
    assert check.passed


def test_embeddings_that_do_not_depend_on_the_sound_fail():
    published = published_embeddings()["kapre"]
    check = compare_embeddings("kapre", np.broadcast_to(published.mean(axis=0), published.shape), published)
    assert check.least_cosine > LEAST_COSINE
    assert not check.passed
    assert not compare_embeddings("kapre", np.zeros_like(published), published).passed


def test_one_wrong_window_fails():
    published = published_embeddings()["kapre"]
    embeddings = published.copy()
    embeddings[7] = embeddings[7, ::-1]
    assert not compare_embeddings("kapre", embeddings, published).passed


def test_untrained_filters_fail():
    check = check_weights(untrained_weights())
    assert check.least_cosine < 0.9
    assert not check.passed


@pytest.fixture(scope="module")
def table(seeded_weights):
    """Embeddings of the chirp with the seeded weights, in place of the published ones."""
    return {"other": published_embeddings()["kapre"], "own": embed_chirp(seeded_weights)}


def permuted_layers(arrays):
    # No two convolutions have the same shape, so only batch norms can be exchanged.
    first, second = BATCH_NORMS[4], BATCH_NORMS[5]
    arrays[first : first + 4], arrays[second : second + 4] = (
        arrays[second : second + 4],
        arrays[first : first + 4],
    )


def permuted_batch_norms(arrays):
    for start in BATCH_NORMS:
        gamma, beta, mean, variance = arrays[start : start + 4]
        arrays[start : start + 4] = variance, beta, mean, gamma


def transposed_kernels(arrays):
    for start in CONVOLUTIONS:
        arrays[start] = arrays[start].transpose(1, 0, 2, 3)


def test_the_weights_of_the_table_pass(seeded_weights, table):
    check = check_weights(seeded_weights, expected=table)
    assert (check.front_end, check.passed) == ("own", True)
    assert check.least_cosine == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("damage", [permuted_layers, permuted_batch_norms, transposed_kernels])
def test_damaged_weights_fail(seeded_weights, table, damage):
    arrays = list(seeded_weights.arrays)
    damage(arrays)
    damaged = Weights("damaged", "0", True, tuple(map(np.ascontiguousarray, arrays)), None, "none needed")
    assert not check_weights(damaged, expected=table).passed
