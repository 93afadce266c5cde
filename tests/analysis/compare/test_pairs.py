import numpy as np
import pytest

from explorer.analysis.compare.pairs import extreme_pairs
from explorer.errors import AnalysisError
from explorer.mapping.similarity import Neighbours


def brute_force(rows, count):
    """Rank all pairs by their products, computed all at once in double precision."""
    products = rows.astype(np.float64) @ rows.T.astype(np.float64)
    first, second = np.triu_indices(len(rows), k=1)
    values = products[first, second]
    order = np.argsort(-values, kind="stable")
    ranked = [(int(first[i]), int(second[i])) for i in order]
    return ranked[:count], ranked[::-1][:count], values[order]


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(6, 512))[rng.integers(6, size=203)] + rng.normal(size=(203, 512))
    return Neighbours(vectors).rows


@pytest.mark.parametrize("block_rows", [1, 7, 50, 64, 202, 203, 2048])
def test_pairs_equal_brute_force_for_every_block_size(rows, block_rows):
    closest, farthest = extreme_pairs(rows, count=25, block_rows=block_rows)
    near, far, values = brute_force(rows, 25)
    assert list(zip(closest.first.tolist(), closest.second.tolist(), strict=True)) == near
    assert list(zip(farthest.first.tolist(), farthest.second.tolist(), strict=True)) == far
    np.testing.assert_allclose(closest.similarities, values[:25], atol=1e-12)
    np.testing.assert_allclose(farthest.similarities, values[::-1][:25], atol=1e-12)


def test_no_song_is_paired_with_itself_and_each_pair_counts_once(rows):
    closest, farthest = extreme_pairs(rows[:5], count=100, block_rows=2)
    for pairs in (closest, farthest):
        assert len(pairs) == 10
        assert (pairs.first < pairs.second).all()
        assert len(set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))) == 10


def test_copies_come_first(rows):
    copied = np.vstack([rows, rows[[17, 100]]])
    closest, _ = extreme_pairs(copied, count=3, block_rows=40)
    assert list(zip(closest.first.tolist(), closest.second.tolist(), strict=True))[:2] == [
        (17, 203),
        (100, 204),
    ]
    assert closest.similarities[:2] == pytest.approx(1.0, abs=1e-7)
    assert closest.similarities[2] < 0.99


def test_many_copies_all_have_similarity_1(rows):
    copies = np.repeat(rows[:1], 700, axis=0)
    closest, farthest = extreme_pairs(copies, count=4, block_rows=100)
    assert closest.similarities == pytest.approx([1.0] * 4, abs=1e-7)
    assert farthest.similarities == pytest.approx([1.0] * 4, abs=1e-7)


@pytest.mark.parametrize("count", [0, 1])
def test_no_pairs_come_back_if_there_are_none_or_none_are_wanted(rows, count):
    for few_rows in (rows[:0], rows[:1], rows if count == 0 else rows[:1]):
        closest, farthest = extreme_pairs(few_rows, count=count)
        assert (len(closest), len(farthest)) == (0, 0)


def test_progress_grows_to_one(rows):
    shares = []
    extreme_pairs(rows, count=2, block_rows=60, progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) == 10
    assert shares[-1] == 1.0


def test_a_negative_count_is_refused(rows):
    with pytest.raises(AnalysisError, match="count=-1"):
        extreme_pairs(rows, count=-1)
