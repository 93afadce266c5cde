import numpy as np
import pytest

from explorer.analysis.compare.matrices import compare_all, group_means, similarity_within
from explorer.errors import AnalysisError
from explorer.mapping.similarity import Neighbours


@pytest.fixture
def vectors():
    """Thirty vectors in three groups of ten; row i belongs to group i % 3."""
    rng = np.random.default_rng(5)
    return 3 * rng.normal(size=(3, 512))[np.arange(30) % 3] + rng.normal(size=(30, 512)) + 7.0


def test_similarity_is_the_centred_cosine_and_distance_is_euclidean(vectors):
    matrices = compare_all(Neighbours(vectors).rows, vectors)
    for a, b in ((0, 1), (0, 3), (7, 29)):
        first, second = vectors[a] - vectors.mean(axis=0), vectors[b] - vectors.mean(axis=0)
        cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
        assert matrices.similarity[a, b] == matrices.similarity[b, a] == pytest.approx(cosine, abs=1e-6)
        assert matrices.distance[a, b] == pytest.approx(np.sqrt(((vectors[a] - vectors[b]) ** 2).sum()))
    assert (np.diag(matrices.similarity) == 1.0).all()
    assert (np.diag(matrices.distance) == 0.0).all()


def test_songs_of_a_group_are_next_to_each_other_in_the_order(vectors):
    order = compare_all(Neighbours(vectors).rows, vectors).order
    assert sorted(order) == list(range(30))
    groups = order % 3
    assert np.count_nonzero(np.diff(groups)) == 2


def test_the_order_puts_the_most_similar_songs_side_by_side():
    angle = np.radians([0.0, 60.0, 20.0, 40.0, 80.0])
    rows = np.column_stack([np.cos(angle), np.sin(angle)])
    order = compare_all(rows, rows).order.tolist()
    assert order in ([0, 2, 3, 1, 4], [4, 1, 3, 2, 0])


def test_two_songs_and_copies_have_an_order(vectors):
    rows = Neighbours(vectors).rows
    assert sorted(compare_all(rows[:2], vectors[:2]).order) == [0, 1]
    same = compare_all(rows[[0, 0, 0]], vectors[[0, 0, 0]])
    assert same.similarity == pytest.approx(np.ones((3, 3)))
    assert (same.distance == 0).all()


def test_one_song_cannot_be_compared(vectors):
    with pytest.raises(AnalysisError, match="at least two songs, and there are 1"):
        compare_all(vectors[:1], vectors[:1])


def test_a_groups_mean_and_the_similarity_inside_it(vectors):
    group_of = np.where(np.arange(30) < 27, np.arange(30) % 3, -1)
    group_of[2] = 3
    means = group_means(vectors.astype(np.float32), group_of, 4)
    assert means[0] == pytest.approx(vectors[0:27:3].mean(axis=0), rel=1e-6)
    assert means[3] == pytest.approx(vectors[2], rel=1e-6)
    rows = Neighbours(vectors).rows.astype(np.float64)
    products = rows[1:27:3] @ rows[1:27:3].T
    expected = (products.sum() - np.trace(products)) / (9 * 8)
    within = similarity_within(rows.astype(np.float32), group_of, 4)
    assert within[1] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(within[3])
