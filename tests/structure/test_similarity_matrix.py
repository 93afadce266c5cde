"""The self-similarity matrix, and how it is made smaller."""

from itertools import pairwise

import numpy as np
import pytest

from explorer.structure.similarity_matrix import self_similarity, shrink


def test_values_are_the_cosines_of_the_rows():
    rows = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [-1.0, 0.0]])
    half = 0.5**0.5
    expected = [[1, 0, half, -1], [0, 1, half, 0], [half, half, 1, -half], [-1, 0, -half, 1]]
    matrix = self_similarity(rows)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, expected, atol=1e-6)


def test_a_row_of_zeros_is_like_itself_alone():
    np.testing.assert_array_equal(self_similarity(np.array([[0.0, 0.0], [1.0, 0.0]])), np.eye(2))


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_small_matrix_is_not_made_smaller(n):
    matrix = self_similarity(np.ones((n, 4)))
    assert matrix.shape == (n, n)
    np.testing.assert_array_equal(shrink(matrix, 3), matrix)


@pytest.mark.parametrize(("n", "size"), [(7, 3), (8, 4), (9, 8), (5, 1)])
def test_each_value_of_a_smaller_matrix_is_the_mean_of_a_block(n, size):
    matrix = np.random.default_rng(0).random((n, n), dtype=np.float32)
    small = shrink(matrix, size)
    edges = [k * n // size for k in range(size + 1)]
    blocks = [slice(a, b) for a, b in pairwise(edges)]
    np.testing.assert_allclose(small, [[matrix[a, b].mean() for b in blocks] for a in blocks], rtol=1e-5)
